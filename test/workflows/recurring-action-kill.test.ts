import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Client } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import type { RecurringActionView } from '../../core/recurrence.ts'
import { connectClient } from '../../temporal/connection.ts'
import { loadKeys } from '../../temporal/keys.ts'
import { sharedEngine, viewOf } from './engine.ts'
import type { MortalWorkerOptions } from './mortal-worker.ts'
import { recurringOf, startRecurring } from './recurring-bench.ts'

const script = fileURLToPath(new URL('mortal-worker.ts', import.meta.url))
const taskQueue = `killed-${randomUUID()}`
let client: Client
let journal: string
let close: () => Promise<void>
const workers: ChildProcess[] = []

function startWorker(): ChildProcess {
  const { address, keysFile, bundle } = inject('engine')
  const options: MortalWorkerOptions = { address, keysFile, bundle, taskQueue, journal }
  const worker = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(options)], { stdio: 'ignore' })
  workers.push(worker)
  return worker
}

async function kill(worker: ChildProcess): Promise<void> {
  worker.kill('SIGKILL')
  await new Promise((resolve) => worker.once('exit', resolve))
}

const done = async (path: string) =>
  (await readFile(journal, 'utf8')).split('\n').filter((line) => line.endsWith(` ${path}`))
const times = async (what: string, path: string) => (await done(path)).filter((line) => line.startsWith(what)).length

const reached = (look: () => Promise<boolean>) =>
  vi.waitFor(async () => expect(await look()).toBe(true), { timeout: 60_000, interval: 50 })

/** Two times, the first one at a known moment, so that workers can be killed around it; one call after the other. */
function recur(path: string, start: number) {
  const recurrence = { interval: 'PT4S', start: new Date(start).toISOString(), count: 2, overlap: 'queue' }
  const call = { service: 'compute', method: 'POST', path, body: {} } as const
  return startRecurring({ client, taskQueue }, recurringOf(`trust-of-${path}`, { recurrence, view: { call } }))
}

beforeAll(async () => {
  journal = join(inject('engine').dataDir, `journal-${randomUUID()}`)
  await writeFile(journal, '')
  const connected = await connectClient(sharedEngine(), await loadKeys(inject('engine').keysFile))
  client = connected.client
  close = connected.close
})

afterAll(async () => {
  for (const worker of workers) worker.kill('SIGKILL')
  await close()
})

describe('a worker that is killed around the time of an occurrence', () => {
  it('costs none of them and doubles none', async () => {
    const first = startWorker()
    const startsAt = Math.ceil(Date.now() / 1000) * 1000 + 12_000
    const asleep = await recur('/asleep', startsAt)
    const during = await recur('/killed-during', startsAt)
    const before = await recur('/killed-before', startsAt)

    // one: just before the first time, so that nobody is there when the timer ends
    await reached(async () => (await viewOf<RecurringActionView>(before)).next !== undefined)
    await sleep(Math.max(0, startsAt - 300 - Date.now()))
    await kill(first)
    expect(await done('/asleep')).toEqual([])
    await sleep(Math.max(0, startsAt + 200 - Date.now()))

    // two: while the calls of the first time are being made
    const second = startWorker()
    await reached(async () => (await times('POST', '/killed-during')) === 1)
    await reached(async () => (await times('asked', '/killed-before')) > 0)
    await kill(second)
    startWorker()

    for (const handle of [asleep, during, before]) {
      const { past, counted, state, trustDeleted } = await handle.result()
      expect({ state, counted, trustDeleted }).toEqual({ state: 'ended', counted: 2, trustDeleted: true })
      expect(past.map(({ outcome }) => outcome)).toEqual(['done', 'done'])
      expect(past.map(({ at }) => Date.parse(at))).toEqual([startsAt, startsAt + 4000])
    }
    for (const path of ['/asleep', '/killed-during', '/killed-before']) expect(await times('POST', path)).toBe(2)
  }, 150_000)
})

import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Client } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { connectClient } from '../../temporal/connection.ts'
import { loadKeys } from '../../temporal/keys.ts'
import { relieveHost } from '../../workflows/runbooks/relieve-host.ts'
import { actionOf, startAction } from './action-bench.ts'
import { sharedEngine, until } from './engine.ts'
import type { MortalWorkerOptions } from './mortal-worker.ts'

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

const done = async () => (await readFile(journal, 'utf8')).trim().split('\n')
const doneWith = async (path: string) => (await done()).filter((line) => line.endsWith(` ${path}`))

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

const post = (path: string) => ({ service: 'compute', method: 'POST', path, body: {} }) as const
const act = (path: string, dueInMs: number) =>
  startAction({ client, taskQueue }, actionOf(`trust-of-${path}`, { call: post(path), dueInMs }))

describe('a worker that is killed', () => {
  it('costs no call and doubles none: the next worker ends what it had begun', async () => {
    const killed = startWorker()
    const [before, during, waiting, relief] = await Promise.all([
      act('/killed-before', 1),
      act('/killed-during', 1),
      act('/due-later', 12_000),
      client.workflow.start(relieveHost, {
        workflowId: `relieve-${randomUUID()}`,
        taskQueue,
        args: [{ host: 'cmp-hot', resource: 'vcpu', limit: 0.8, maxMoves: 10 }],
      }),
    ])
    // each of the three is in the middle of its step
    const reached = ['asked /killed-before', 'POST /killed-during', 'migrate b']
    await until(async () => {
      const lines = await done()
      return reached.filter((line) => !lines.includes(line))
    }, [])
    killed.kill('SIGKILL')
    await new Promise((resolve) => killed.once('exit', resolve))
    startWorker()

    expect(await before.result()).toMatchObject({ state: 'done', trustDeleted: true })
    expect(await doneWith('/killed-before')).toEqual([
      'asked /killed-before',
      'looked /killed-before',
      'asked /killed-before',
      'POST /killed-before',
    ])
    expect(await during.result()).toMatchObject({
      state: 'done',
      result: { note: expect.stringContaining('seen by looking') },
    })
    expect(await doneWith('/killed-during')).toEqual([
      'asked /killed-during',
      'POST /killed-during',
      'looked /killed-during',
    ])
    expect(await waiting.result()).toMatchObject({ state: 'done' })
    expect(await doneWith('/due-later')).toEqual(['asked /due-later', 'POST /due-later'])

    expect((await relief.result()).moved.map(({ serverId }) => serverId)).toEqual(['a', 'b', 'c'])
    // the lease it had is held through the death of the worker
    const about = [
      ...['planned', 'asked for host/cmp-hot', 'migrate a', 'migrate b', 'waited on for b', 'migrate c'],
      'gave the lease back',
    ]
    expect((await done()).filter((line) => about.includes(line))).toEqual(about)
  })
})

import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Client } from '@temporalio/client'
import { inject, type TestContext } from 'vitest'
import { eventually } from '../../demo/stage/eventually.ts'
import { connectClient } from '../../temporal/connection.ts'
import { type Embedded, startEmbedded } from '../../temporal/embedded.ts'
import { createGovernor, type Governor } from '../../temporal/governor.ts'
import { loadKeys } from '../../temporal/keys.ts'
import { prepareNamespace } from '../../temporal/namespace.ts'
import { governorPlace, wideOpen } from '../workflows/governor-bench.ts'
import { freePort } from '../workflows/ports.ts'
import type { MortalStewardOptions } from './mortal-steward.ts'

const script = fileURLToPath(new URL('mortal-steward.ts', import.meta.url))

/** A Temporal and a worker of their own, each a process that a test may kill, and a cloud that outlives them. */
export interface Installation {
  readonly client: Client
  readonly taskQueue: string
  readonly governor: Governor
  /** What was done to the cloud, in order. */
  done(): Promise<string[]>
  /** Lets all go on that hangs. */
  goOn(): Promise<void>
  killWorker(): Promise<void>
  startWorker(): void
  killTemporal(): Promise<void>
  startTemporal(): Promise<void>
}

let turn: Promise<unknown> = Promise.resolve()

/** While it starts a Temporal looks for free ports for its own parts; two at the same moment may find the same ones. */
function inTurn<T>(start: () => Promise<T>): Promise<T> {
  const mine = turn.then(start)
  turn = mine.catch(() => undefined)
  return mine
}

/** Runs until the test ends. */
export async function installation(onTestFinished: TestContext['onTestFinished']): Promise<Installation> {
  const { keysFile, bundle } = inject('engine')
  const dir = await mkdtemp(join(tmpdir(), 'steward-outage-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  const [port, uiPort] = await Promise.all([freePort(), freePort()])
  const address = `127.0.0.1:${port}`
  const [journal, goes] = [join(dir, 'journal'), join(dir, 'goes')]
  const taskQueue = `outage-${randomUUID()}`
  await writeFile(journal, '')

  let temporal: Embedded | undefined
  const startTemporal = () =>
    inTurn(async () => {
      temporal = await startEmbedded({ dataDir: dir, port, uiPort })
    })
  await startTemporal()
  onTestFinished(async () => temporal?.stop())
  const { client, close } = await connectClient(
    { connectionOptions: { address }, namespace: 'default' },
    await loadKeys(keysFile),
  )
  onTestFinished(close)
  await prepareNamespace(client, 1)

  let worker: ChildProcess | undefined
  const startWorker = () => {
    const options: MortalStewardOptions = { address, keysFile, bundle, taskQueue, journal, goes }
    worker = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(options)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  }
  const killWorker = async () => {
    if (!worker || worker.exitCode !== null || worker.signalCode !== null) return
    const ended = new Promise((resolve) => worker?.once('exit', resolve))
    worker.kill('SIGKILL')
    await ended
  }
  onTestFinished(killWorker)
  startWorker()
  return {
    client,
    taskQueue,
    governor: createGovernor(client, wideOpen(), governorPlace(taskQueue)),
    done: async () => (await readFile(journal, 'utf8')).split('\n').filter((line) => line !== ''),
    goOn: () => writeFile(goes, ''),
    killWorker,
    startWorker,
    async killTemporal() {
      process.kill(temporal?.pid ?? 0, 'SIGKILL')
      await temporal?.died
    },
    async startTemporal() {
      await startTemporal()
      await eventually('the client to have noticed', () => answers(client))
    },
  }
}

const answers = (client: Client) =>
  client.connection.workflowService.getSystemInfo({}).then(
    () => true,
    () => false,
  )

import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Context } from '@temporalio/activity'
import type { Client } from '@temporalio/client'
import { decodeOptionalFailureToOptionalError } from '@temporalio/common/lib/internal-non-workflow/index.js'
import { type InjectedSinks, type NativeConnection, Worker } from '@temporalio/worker'
import { holdToDeclared } from '../activities/declared.ts'
import type { Activities } from '../core/activities.ts'
import { sideEffects } from '../core/audit.ts'
import { messageOf } from '../core/errors.ts'
import { connectClient, connectWorker } from '../temporal/connection.ts'
import { createDataConverter } from '../temporal/data-converter.ts'
import { startEmbedded } from '../temporal/embedded.ts'
import { freePort } from '../temporal/free-port.ts'
import type { Keys } from '../temporal/keys.ts'
import type { VirtualTimeSinks } from '../workflows/sdk/virtual-time.ts'
import { inVirtualTime, notSimulated, type Play } from './steps.ts'

/** A run at the engine, with what answers its steps. */
export interface PlayedRun extends Play {
  readonly activities: Partial<Activities>
}

/** An engine of its own, gone with everything in it when it is closed. */
export interface TestEngine {
  readonly client: Client
  /** Of each of its runs. */
  readonly mostSteps?: number | undefined
  /** By the id of its workflow. */
  readonly runs: Map<string, PlayedRun>
  /** The task queue of a worker; one that forgets every run after each word has to replay it all. */
  worker(options: { readonly forgetful: boolean }): Promise<string>
  /** What the engine has against a run. */
  complaint(workflowId: string): Promise<string | undefined>
  /** Its workers do not come back: a run has taken their thread for good. */
  giveUp(): void
  /** Whether it takes runs no more. */
  isGivenUp(): boolean
  close(): Promise<void>
}

export interface TestEngineOptions {
  readonly bundle: string
  readonly mostSteps?: number | undefined
  readonly installRuntime?: (() => void) | undefined
  progress(line: string): void
}

export async function startTestEngine({
  bundle,
  mostSteps,
  installRuntime,
  progress,
}: TestEngineOptions): Promise<TestEngine> {
  const leave: (() => Promise<unknown>)[] = []
  let isGivenUp = false
  const leaveAll = async () => {
    for (const step of leave.reverse()) await step()
  }
  let leaving: Promise<void> | undefined
  // whoever is interrupted meanwhile waits for the same end, and goes no further
  const close = () => (leaving ??= leaveAll())
  // from here on there is something to leave behind; the engine has a process group of its own and hears of no Ctrl-C
  const interrupted = () => {
    isGivenUp = true
    void close().finally(() => process.exit(130))
  }
  for (const signal of signals) process.once(signal, interrupted)
  leave.push(async () => {
    for (const signal of signals) process.off(signal, interrupted)
  })
  progress('starts a Temporal of its own …')
  const making = mkdtemp(join(tmpdir(), 'steward-runbook-test-'))
  leave.push(async () => rm(await making, { recursive: true, force: true }))
  const starting = Promise.all([making, freePort(), freePort()]).then(([dataDir, port, uiPort]) =>
    startEmbedded({ dataDir, port, uiPort, progress }),
  )
  leave.push(async () => (await starting.catch(() => undefined))?.stop())
  try {
    const embedded = await starting
    if (isGivenUp) await close()
    const keys: Keys = { active: 'test', byId: new Map([['test', randomBytes(32)]]) }
    const { client, close: hangUp } = await connectClient(embedded.engine, keys)
    leave.push(hangUp)
    installRuntime?.()
    const connection = await connectWorker(embedded.engine)
    leave.push(async () => isGivenUp || connection.close())
    const runs = new Map<string, PlayedRun>()
    const workers = new Map<boolean, Promise<string>>()
    return {
      client,
      mostSteps,
      runs,
      worker({ forgetful }) {
        const started =
          workers.get(forgetful) ??
          startWorker({ connection, keys, bundle, runs, forgetful }).then(({ taskQueue, stop }) => {
            leave.push(async () => isGivenUp || stop())
            return taskQueue
          })
        workers.set(forgetful, started)
        return started
      },
      giveUp() {
        isGivenUp = true
      },
      isGivenUp: () => isGivenUp,
      complaint: (workflowId) => complaintOf(client, workflowId),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

const signals = ['SIGINT', 'SIGTERM'] as const

/** Node does not survive that the SDK interrupts code that loops. The SDK takes this, though its types do not say so. */
const uninterrupted = { isolateExecutionTimeout: '1h' }

interface WorkerParts {
  readonly connection: NativeConnection
  readonly keys: Keys
  readonly bundle: string
  readonly runs: Map<string, PlayedRun>
  readonly forgetful: boolean
}

async function startWorker({ connection, keys, bundle, runs, forgetful }: WorkerParts) {
  const runOf = (workflowId = '') => {
    const run = runs.get(workflowId)
    if (!run) throw new Error(`there is no run ${workflowId}`)
    return run
  }
  const act = (name: keyof Activities) => (input: never) => {
    const { activities } = runOf(Context.current().info.workflowExecution?.workflowId)
    const activity = activities[name] as ((input: never) => Promise<unknown>) | undefined
    if (!activity) throw notSimulated(`step ${name}`)
    return activity(input)
  }
  const sinks: InjectedSinks<VirtualTimeSinks> = {
    virtualTime: {
      standsStill: {
        fn: ({ workflowId }, standstill) => runs.get(workflowId)?.conductor.standsStill(standstill),
        callDuringReplay: false,
      },
    },
  }
  const taskQueue = forgetful ? 'forgetful' : 'test'
  const names = Object.keys(sideEffects) as (keyof Activities)[]
  const worker = await Worker.create({
    connection,
    taskQueue,
    dataConverter: createDataConverter(keys),
    workflowBundle: { codePath: bundle },
    activities: Object.fromEntries(names.map((name) => [name, act(name)])),
    interceptors: { activity: [inVirtualTime(runOf), holdToDeclared] },
    sinks,
    workflowThreadPoolSize: 1,
    ...uninterrupted,
    ...(forgetful && { maxCachedWorkflows: 0 }),
  })
  const running = worker.run()
  return {
    taskQueue,
    async stop() {
      worker.shutdown()
      await running
    },
  }
}

async function complaintOf(client: Client, workflowId: string): Promise<string | undefined> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory()
  const { failure } = events?.at(-1)?.workflowTaskFailedEventAttributes ?? {}
  if (!failure) return undefined
  const error = await decodeOptionalFailureToOptionalError(client.options.loadedDataConverter, failure)
  return messageOf(error)
}

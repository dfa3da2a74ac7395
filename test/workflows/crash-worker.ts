import { Context } from '@temporalio/activity'
import { Worker } from '@temporalio/worker'
import { holdToDeclared } from '../../activities/declared.ts'
import type { Activities } from '../../core/activities.ts'
import { sideEffects } from '../../core/audit.ts'
import type { ErrorCode } from '../../core/catalogue.ts'
import { failure } from '../../core/errors.ts'
import { checkDeclared } from '../../openstack/declared.ts'
import { connectWorker } from '../../temporal/connection.ts'
import { createDataConverter } from '../../temporal/data-converter.ts'
import { loadKeys } from '../../temporal/keys.ts'
import { quietRuntime } from './quiet-runtime.ts'

/** How the crash matrix starts this process: `node --import tsx crash-worker.ts '<JSON>'`, with a channel to talk on. */
export interface CrashWorkerOptions {
  address: string
  keysFile: string
  bundle: string
  taskQueue: string
  /** Workflow tasks at the same time: many while some of them wait to be killed, few when all go on at once. */
  atOnce: number
}

/** What an activity asks the world, which lives in the test and outlives this process. */
export interface Asked {
  id: number
  workflowId: string
  name: keyof Activities
  input: unknown
  attempt: number
}
export interface Told {
  id: number
  value?: unknown
  error?: { code?: ErrorCode; message: string }
}

const { address, keysFile, bundle, taskQueue, atOnce } = JSON.parse(process.argv[2] ?? '{}') as CrashWorkerOptions
const heartbeatMs = 2_000

const waiting = new Map<number, (told: Told) => void>()
let asked = 0
process.on('message', (told: Told) => {
  waiting.get(told.id)?.(told)
  waiting.delete(told.id)
})
// nobody is left to ask
process.on('disconnect', () => process.exit(1))

/** Goes on for as long as the test says nothing, and is seen to be alive. */
async function ask(name: keyof Activities, input: unknown): Promise<unknown> {
  const { info, heartbeat } = Context.current()
  if (name === 'readCloud') checkDeclared({ ...(input as { service: string; path: string }), method: 'GET' })
  asked += 1
  const id = asked
  const beating = setInterval(heartbeat, heartbeatMs)
  try {
    const told = await new Promise<Told>((resolve) => {
      waiting.set(id, resolve)
      process.send?.({
        id,
        workflowId: info.workflowExecution?.workflowId ?? '',
        name,
        input,
        attempt: info.attempt,
      } satisfies Asked)
    })
    if (!told.error) return told.value
    const { code, message } = told.error
    throw code ? failure(code, message) : new Error(message)
  } finally {
    clearInterval(beating)
  }
}

const names = Object.keys(sideEffects) as (keyof Activities)[]
quietRuntime()
const worker = await Worker.create({
  connection: await connectWorker({ connectionOptions: { address }, namespace: 'default' }),
  taskQueue,
  dataConverter: createDataConverter(await loadKeys(keysFile)),
  workflowBundle: { codePath: bundle },
  activities: Object.fromEntries(names.map((name) => [name, (input: unknown) => ask(name, input)])),
  interceptors: { activity: [holdToDeclared] },
  // every case of the matrix waits in here at once for its worker to be killed
  maxConcurrentActivityTaskExecutions: 1_000,
  maxConcurrentLocalActivityExecutions: 1_000,
  maxConcurrentWorkflowTaskExecutions: atOnce,
  maxCachedWorkflows: 1_000,
  workflowThreadPoolSize: 1,
})
await worker.run()

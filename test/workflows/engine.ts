import { randomUUID } from 'node:crypto'
import type { Client, WorkflowHandle } from '@temporalio/client'
import { type NativeConnection, Worker } from '@temporalio/worker'
import { afterAll, beforeAll, expect, inject, vi } from 'vitest'
import { holdToDeclared } from '../../activities/declared.ts'
import type { Activities } from '../../core/activities.ts'
import { attributes } from '../../core/search-attributes.ts'
import { connectClient, connectWorker, type Engine } from '../../temporal/connection.ts'
import { createDataConverter } from '../../temporal/data-converter.ts'
import { type Keys, loadKeys } from '../../temporal/keys.ts'
import { quietRuntime } from './quiet-runtime.ts'
import { type Cloud, createWorlds, type Script } from './scripted.ts'

// tests of workflows wait, for timers and for the engine, far more than they compute
vi.setConfig({ maxConcurrency: 12 })

export interface Bench {
  readonly client: Client
  readonly keys: Keys
  readonly taskQueue: string
  /** A new outside world with these answers. */
  cloud(script: Script, host?: string): Cloud
  /** One more worker, on another task queue; returns what stops it. */
  startWorker(taskQueue: string): Promise<() => Promise<void>>
}

export const sharedEngine = (): Engine => ({
  connectionOptions: { address: inject('engine').address },
  namespace: 'default',
})

/** Activities that are not scripted but real, on the engine of the tests. */
export type RealActivities = (client: Client, taskQueue: string) => Partial<Activities>

/**
 * A worker for the tests of one file, on a task queue of its own unless one is named, and others with the same activities
 * on the queues `besides`; they leave when the tests are done.
 */
export function useWorker(
  taskQueue = `test-${randomUUID()}`,
  real: RealActivities = () => ({}),
  besides: readonly string[] = [],
): Bench {
  let client: Client
  const worlds = createWorlds()
  let keys: Keys
  let connection: NativeConnection
  let leave: (() => Promise<void>)[] = []
  const start = (queue: string) => {
    const activities = { ...worlds.activities, ...real(client, taskQueue) }
    return startWorker({ connection, keys, taskQueue: queue, activities })
  }
  beforeAll(async () => {
    quietRuntime()
    keys = await loadKeys(inject('engine').keysFile)
    const connected = await connectClient(sharedEngine(), keys)
    client = connected.client
    leave = [connected.close]
    connection = await connectWorker(sharedEngine())
    leave.push(() => connection.close())
    for (const queue of [taskQueue, ...besides]) leave.push(await start(queue))
  })
  afterAll(async () => {
    for (const step of leave.reverse()) await step()
  })
  return {
    get client() {
      return client
    },
    get keys() {
      return keys
    },
    taskQueue,
    cloud: worlds.create,
    startWorker: start,
  }
}

interface WorkerParts {
  connection: NativeConnection
  keys: Keys
  taskQueue: string
  activities: Activities
}

async function startWorker({ connection, keys, taskQueue, activities }: WorkerParts): Promise<() => Promise<void>> {
  const worker = await Worker.create({
    connection,
    taskQueue,
    dataConverter: createDataConverter(keys),
    workflowBundle: { codePath: inject('engine').bundle },
    activities: { ...activities },
    interceptors: { activity: [holdToDeclared] },
    // one thread to load the bundle into is enough for a test
    workflowThreadPoolSize: 1,
  })
  const running = worker.run()
  return async () => {
    worker.shutdown()
    await running
  }
}

/** The view as the API reads it: from the memo, without asking a worker. */
export async function viewOf<T>(handle: Pick<WorkflowHandle, 'describe'>): Promise<T> {
  const { memo } = await handle.describe()
  return memo?.view as T
}

/** The state by which lists find it. */
export async function listedState(handle: Pick<WorkflowHandle, 'describe'>): Promise<string | undefined> {
  const { typedSearchAttributes } = await handle.describe()
  return typedSearchAttributes.get(attributes.state)
}

/** Waits until a look from outside gives what is expected. */
export const until = <T>(look: () => T | Promise<T>, expected: T): Promise<void> =>
  vi.waitFor(async () => expect(await look()).toEqual(expected), { timeout: 90_000, interval: 40 })

/** Waits for a state to be seen from outside. */
export const untilState = (handle: Pick<WorkflowHandle, 'describe'>, state: string): Promise<void> =>
  until(async () => (await viewOf<{ state?: string } | undefined>(handle))?.state, state)

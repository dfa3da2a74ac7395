import { randomUUID } from 'node:crypto'
import type { WorkflowHandle } from '@temporalio/client'
import { afterAll, onTestFinished } from 'vitest'
import { createCloudReadActivities } from '../../activities/cloud-reads.ts'
import { createDeferredCallActivities } from '../../activities/deferred-call.ts'
import { createEffectActivities } from '../../activities/effect.ts'
import { createMigrationActivities } from '../../activities/migration.ts'
import type { Pause } from '../../activities/pause.ts'
import type { Activities } from '../../core/activities.ts'
import type { LeaseGrounds } from '../../core/governor.ts'
import type { RunOrder } from '../../core/runbook.ts'
import { run } from '../../workflows/run.ts'
import type { RunView } from '../../workflows/sdk/record.ts'
import { createRig, released } from '../activities/rig.ts'
import { type FakeCloud, fakeCloud, type Server } from '../fakes/openstack.ts'
import { type Bench, useWorker, viewOf } from './engine.ts'
import type { Cloud, Script } from './scripted.ts'

/** Waits as a worker does, a hundred times faster. */
const quickly: Pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms / 100))

export const grounds: LeaseGrounds = { requester: 'person', by: 'olga', why: 'maintenance', waitSeconds: 60 }

export interface Library {
  readonly bench: Bench
  readonly cloud: FakeCloud
  /** Starts a runbook for real, unless told otherwise; the governor lets everything pass, unless scripted. */
  start(runbook: string, input: object, options?: { dryRun?: boolean; script?: Script }): Promise<Started>
}

export interface Started {
  readonly handle: WorkflowHandle<typeof run>
  /** What was asked of the governor, and of whatever else is scripted. */
  readonly scripted: Cloud
  view(): Promise<RunView>
  /** Code and summary of a run that did not end well. */
  refused(): Promise<[code: string | undefined, summary: string | undefined]>
}

/**
 * A worker whose activities are the real ones, at a fake cloud of its own with the standing delegation of an
 * administrator; what has no real one is scripted.
 */
export async function useLibrary(
  more: (rig: ReturnType<typeof createRig>) => Partial<Activities> = () => ({}),
): Promise<Library> {
  const cloud = await fakeCloud({ network: true })
  afterAll(() => cloud.close())
  const rig = createRig(cloud, { trustId: cloud.addTrust('olga', 'admin', ['admin']) })
  const { sessions } = rig
  const bench = useWorker(undefined, () => ({
    ...createCloudReadActivities(sessions),
    ...createDeferredCallActivities(sessions, quickly, released),
    ...createEffectActivities(sessions, quickly),
    ...createMigrationActivities({ sessions, pause: quickly, brake: released }),
    ...more(rig),
  }))
  return {
    bench,
    cloud,
    async start(runbook, input, { dryRun = false, script = {} } = {}) {
      const scripted = bench.cloud(script)
      const order: RunOrder = { runbook, input, dryRun, by: 'olga', why: 'maintenance' }
      const handle = await bench.client.workflow.start(run, {
        workflowId: `run-${scripted.host}-${randomUUID()}`,
        taskQueue: bench.taskQueue,
        args: [order, grounds],
      })
      const view = () => viewOf<RunView>(handle)
      const refused = async () => {
        await handle.result().then(
          () => {
            throw new Error('the run ended well')
          },
          () => undefined,
        )
        const { code, summary } = await view()
        return [code, summary] as [string | undefined, string | undefined]
      }
      return { handle, scripted, view, refused }
    },
  }
}

/** Does something to the cloud until the test ends. */
export function meanwhile<T extends object>(thing: T, changes: Partial<T>): void {
  const before = Object.fromEntries(Object.keys(changes).map((key) => [key, thing[key as keyof T]]))
  Object.assign(thing, changes)
  onTestFinished(() => void Object.assign(thing, before))
}

/** What was done to a server, in order. */
export const doneTo = ({ effects }: FakeCloud, { id }: Pick<Server, 'id'>): string[] =>
  effects.filter(({ target }) => target === id).map(({ kind }) => kind)

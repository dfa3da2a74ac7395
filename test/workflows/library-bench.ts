import { randomUUID } from 'node:crypto'
import type { WorkflowHandle } from '@temporalio/client'
import { afterAll, onTestFinished } from 'vitest'
import { createCloudReadActivities } from '../../activities/cloud-reads.ts'
import { createDeferredCallActivities } from '../../activities/deferred-call.ts'
import { createDrainActivities } from '../../activities/drain.ts'
import { createEffectActivities } from '../../activities/effect.ts'
import { createEvacuationActivities } from '../../activities/evacuation.ts'
import { createMigrationActivities } from '../../activities/migration.ts'
import type { Pause } from '../../activities/pause.ts'
import type { Activities } from '../../core/activities.ts'
import type { LeaseGrounds } from '../../core/governor.ts'
import type { RunOrder } from '../../core/runbook.ts'
import { type FakeCloud, fakeCloud, type Server } from '../../simulator/cloud.ts'
import { flavors } from '../../simulator/openstack/world.ts'
import { run } from '../../workflows/run.ts'
import type { RunView } from '../../workflows/sdk/record.ts'
import { createRig, released } from '../activities/rig.ts'
import { type Bench, useWorker, viewOf } from './engine.ts'
import type { Cloud, Script } from './scripted.ts'

/** Waits as a worker does, a hundred times faster. */
const quickly: Pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms / 100))

export const grounds: LeaseGrounds = { requester: 'person', by: 'olga', why: 'maintenance', waitSeconds: 60 }

const smallest = flavors[0]!

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
    ...createDrainActivities(sessions),
    ...createEvacuationActivities(sessions),
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

/** A host with so many small servers, until the test ends; whatever is on it then goes with it. */
export function hostWith(
  { world, addHost, addServer }: FakeCloud,
  servers: number,
  more: Partial<Server> = {},
): { host: string; on: Server[] } {
  const host = `host-${randomUUID().slice(0, 8)}`
  addHost(host)
  const on = Array.from({ length: servers }, () => addServer({ ...more, host, flavor: smallest }))
  onTestFinished(() => {
    for (const { id } of on) world.allocations.delete(id)
    keep(world.servers, (one) => !on.includes(one))
    keep(world.hosts, ({ name }) => name !== host)
    keep(world.services, (one) => one.host !== host)
  })
  return { host, on }
}

function keep<T>(list: T[], fits: (one: T) => boolean): void {
  list.splice(0, list.length, ...list.filter(fits))
}

/** What was done to a server or a host, in order. */
export const doneTo = ({ effects }: FakeCloud, thing: Pick<Server, 'id'> | string): string[] =>
  effects.filter(({ target }) => target === (typeof thing === 'string' ? thing : thing.id)).map(({ kind }) => kind)

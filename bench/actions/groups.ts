import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ActionView } from '../../core/action.ts'
import { createActions } from '../../temporal/actions.ts'
import { bareQueue } from '../bare/worker.ts'
import { dueGroup } from '../bare/workflows.ts'
import type { BenchEngine } from '../engine.ts'
import { type Figure, p50p99, ratioOf } from '../figures.ts'
import { latenessOf, noteArrivals } from './arrivals.ts'

const longestMs = 100_000
const kinds = [
  { action: 'server.reset', what: 'calls that must not be repeated', goalMs: 8_000 },
  { action: 'server.lock', what: 'safe calls', goalMs: 3_000 },
]

/** One action on many servers: from its due time to the last call. The wait for their ends is not in it. */
export async function groups(engine: BenchEngine, counts: readonly number[] = [1000, 10_000]): Promise<Figure[]> {
  const figures: Figure[] = []
  // the first one finds everything cold
  await lateness(engine, 100, startBare)
  await lateness(engine, 100, startOurs('server.lock'))
  for (const count of counts)
    for (const { action, what, goalMs } of kinds) {
      const others = await lateness(engine, count, startBare)
      const ours = await lateness(engine, count, startOurs(action))
      figures.push({
        name: `group of ${count}, ${what}: lateness`,
        unit: 'ms',
        ours: ours.stats,
        beside: { name: 'bare timer, activities of 1,000 calls', figures: others.stats },
        ratio: ratioOf(ours.stats, others.stats),
        ...(count === 1000 && { goal: `max ≤ ${goalMs}` }),
        raw: { ours: ours.late, beside: others.late },
      })
    }
  return figures
}

/** Starts it and says what its workflow is called. */
type Start = (engine: BenchEngine, ids: readonly string[], dueMs: number) => Promise<string>

const startOurs =
  (action: string): Start =>
  async ({ foundation }, ids, dueMs) => {
    const view: ActionView = {
      ...{ id: randomUUID(), state: 'scheduled', projectId: 'p1', userId: 'u1', roles: ['member'] },
      ...{ action, with: {}, targets: { ids: [...ids] } },
      ...{ runAt: new Date(dueMs).toISOString(), createdAt: new Date().toISOString() },
    }
    await createActions(foundation.client).start({ view, trustId: 't1', maxLatenessMs: 3_600_000 })
    return `action/${view.id}`
  }

const startBare: Start = async ({ foundation, cloud }, ids, dueMs) => {
  const { workflowId } = await foundation.client.workflow.start(dueGroup, {
    ...{ taskQueue: bareQueue, workflowId: `bare-group-${randomUUID()}`, args: [`${cloud.url}/v2.1`, ids, dueMs] },
  })
  return workflowId
}

async function lateness(engine: BenchEngine, count: number, start: Start) {
  const { client } = engine.foundation
  const arrivals = noteArrivals(engine, '/action')
  const ids = Array.from({ length: count }, () => randomUUID())
  engine.cloud.servers = new Set(ids)
  const dueMs = Date.now() + 4_000
  const workflowId = await start(engine, ids, dueMs)
  const missing = await arrivals.missing(count, longestMs)
  await sleep(2_000)
  arrivals.stop()
  // what is still waited for ends at once, and is out of the way of the next one
  engine.cloud.servers = new Set()
  const handle = client.workflow.getHandle(workflowId)
  await Promise.race([handle.result().catch(() => undefined), sleep(20_000)])
  await handle.terminate('measured').catch(() => undefined)
  const late = latenessOf(arrivals, () => dueMs)
  return { late, stats: { ...p50p99(late), max: Math.max(...late), ...(missing > 0 && { missing }) } }
}

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ActionView } from '../../core/action.ts'
import { createActions } from '../../temporal/actions.ts'
import { bareQueue } from '../bare/worker.ts'
import { dueCall } from '../bare/workflows.ts'
import type { BenchEngine } from '../engine.ts'
import { type Figure, p50p99, ratioOf } from '../figures.ts'
import { inLanes } from '../incidents/in-lanes.ts'
import { latenessOf, noteArrivals } from './arrivals.ts'

// on a busy machine it is not more
const startsPerSecond = 20
/** Alternating; one of a single call says little. */
const roundsOf = (count: number) => (count === 1 ? 10 : 1)

/** Independent actions that are due in the same second, each a call that must not be repeated, with a lease on its server. */
export async function together(engine: BenchEngine, counts: readonly number[] = [1, 1000]): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const count of counts) {
    const [ours, others]: [number[], number[]] = [[], []]
    for (let round = 0; round < roundsOf(count); round++) {
      others.push(...(await oneRound(engine, count, startBare)))
      ours.push(...(await oneRound(engine, count, startOurs)))
    }
    const stats = (late: number[]) => ({ ...p50p99(late), max: Math.max(...late) })
    figures.push({
      name: `${count} action(s) due in the same second: lateness`,
      unit: 'ms',
      ours: stats(ours),
      beside: { name: 'bare timer and activity', figures: stats(others) },
      ratio: ratioOf(stats(ours), stats(others)),
      ...(count === 1000 && { goal: 'max ≤ 15,000; ≤ 1.3×' }),
      raw: { ours, beside: others },
    })
  }
  return figures
}

type Start = (engine: BenchEngine, path: string, dueMs: number) => Promise<unknown>

async function oneRound(engine: BenchEngine, count: number, start: Start): Promise<number[]> {
  const arrivals = noteArrivals(engine, '/action')
  const dueMs = Date.now() + 3_000 + (count * 1000) / startsPerSecond
  await inLanes(count, 8, () => start(engine, `/servers/${randomUUID()}/action`, dueMs))
  if (Date.now() > dueMs) throw new Error('they were due before all were taken in')
  await arrivals.all(count, 300_000)
  // a second call of the same would come now
  await sleep(2_000)
  arrivals.stop()
  return latenessOf(arrivals, dueMs)
}

const startOurs: Start = ({ foundation }, path, dueMs) => {
  const call = { service: 'compute', method: 'POST', path, body: { 'os-stop': null } } as const
  const view: ActionView = {
    ...{ id: randomUUID(), state: 'scheduled', projectId: 'p1', userId: 'u1', roles: ['member'], call },
    ...{ runAt: new Date(dueMs).toISOString(), createdAt: new Date().toISOString() },
  }
  return createActions(foundation.client).start({ view, trustId: 't1', maxLatenessMs: 3_600_000 })
}

const startBare: Start = ({ foundation, cloud }, path, dueMs) =>
  foundation.client.workflow.start(dueCall, {
    ...{ taskQueue: bareQueue, workflowId: `bare${path}`, args: [`${cloud.url}/v2.1${path}`, dueMs] },
  })

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
import { costOfEach, costs } from './costs.ts'

/** Those that did not come by then are told as missing. */
const longestMs = 100_000
const longestForEachMs = 30
/** Alternating; one of a single call says little. */
const roundsOf = (count: number) => (count === 1 ? 10 : 1)

/** Independent actions that are due in the same second, each a call that must not be repeated, with a lease on its server. */
export const together = (engine: BenchEngine, counts: readonly number[] = [1, 1000]): Promise<Figure[]> =>
  compared(engine, counts, 'due in the same second', () => 0)

/** The same, due one after the other within a minute. */
export const spread = (engine: BenchEngine, counts: readonly number[] = [1000]): Promise<Figure[]> =>
  compared(engine, counts, 'spread over a minute', (at, count) => (at * 60_000) / count)

type Spacing = (at: number, count: number) => number

async function compared(engine: BenchEngine, counts: readonly number[], what: string, spacing: Spacing) {
  const figures: Figure[] = []
  const warm = await inLanes(40, 8, () => startBare(engine, `/servers/${randomUUID()}/warm-up`, Date.now()))
  for (const count of counts) {
    // three times as long as they need to be taken in
    const leadMs = 3_000 + 3 * count * (warm.totalMs / 40)
    const [ours, others]: [Round[], Round[]] = [[], []]
    for (let round = 0; round < roundsOf(count); round++) {
      others.push(await oneRound(engine, count, leadMs, spacing, startBare))
      ours.push(await oneRound(engine, count, leadMs, spacing, startOurs))
    }
    const [mine, bare] = [statsOf(ours), statsOf(others)]
    figures.push({
      name: `${count} action(s) ${what}: lateness`,
      unit: 'ms',
      ours: mine.late,
      beside: { name: 'bare timer and activity', figures: bare.late },
      ratio: ratioOf(mine.late, bare.late),
      ...(count === 1000 && { goal: 'max ≤ 15,000; ≤ 1.3×' }),
      raw: { ours: ours.flatMap(({ late }) => late), beside: others.flatMap(({ late }) => late) },
    })
    if (count > 1)
      figures.push({
        name: `${count} action(s) ${what}: cost of each, until the last call`,
        unit: 'CPU-ms',
        ours: mine.cost,
        beside: { name: 'bare timer and activity', figures: bare.cost },
        ratio: ratioOf(mine.cost, bare.cost),
      })
  }
  return figures
}

interface Round {
  readonly late: number[]
  readonly missing: number
  readonly cost: Record<string, number>
}

function statsOf(rounds: readonly Round[]) {
  const late = rounds.flatMap((round) => round.late)
  const missing = rounds.reduce((total, round) => total + round.missing, 0)
  const [{ cost } = { cost: {} }] = rounds
  return { late: { ...p50p99(late), max: Math.max(...late), ...(missing > 0 && { missing }) }, cost }
}

type Start = (engine: BenchEngine, path: string, dueMs: number) => Promise<unknown>

async function oneRound(engine: BenchEngine, count: number, leadMs: number, spacing: Spacing, start: Start) {
  const arrivals = noteArrivals(engine, '/action')
  const firstMs = Date.now() + leadMs
  const dueMs = new Map<string, number>()
  await inLanes(count, 8, (at) => {
    const path = `/servers/${randomUUID()}/action`
    dueMs.set(`/v2.1${path}`, firstMs + spacing(at, count))
    return start(engine, path, firstMs + spacing(at, count))
  })
  if (Date.now() > firstMs) throw new Error('they were due before all were taken in: the machine is too busy')
  await sleep(firstMs - Date.now())
  const before = await costs(engine)
  const missing = await arrivals.missing(count, spacing(count, count) + longestMs + longestForEachMs * count)
  const cost = costOfEach(before, await costs(engine), count)
  // a second call of the same would come now
  await sleep(2_000)
  arrivals.stop()
  return { late: latenessOf(arrivals, (path) => dueMs.get(path) ?? Number.NaN), missing, cost }
}

export const startOurs: Start = ({ foundation }, path, dueMs) => {
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

import { assemble, deviation } from './assemble.ts'
import { boundHosts } from './bound.ts'
import { type Weights, withDay } from './dimensions.ts'
import { bestMove, createLevel, type Level } from './levelling.ts'
import { defaultMaxCpuPercent, type GoalPlan, type Model, type PlanOptions, type Skipped } from './model.ts'
import { createOccupancy, type Occupancy } from './occupancy.ts'
import { tiedHosts } from './reasons.ts'
import { mayReturn } from './restore.ts'
import { scalesOf, tellingScale } from './scales.ts'
import { type Tables, tabulate } from './tables.ts'
import { schedule } from './waves.ts'

/** Spread that is good enough when nobody says how many moves they would spend, in percentage points. */
export const defaultTargetDeviation = 8.5

/** The same for `spread`, whose purpose it is. */
export const defaultSpreadDeviation = 3

/** What a move has to take off the sum of squared deviations: moving a host from 4 points above the mean to 2 does. */
const worthwhile = 10

/**
 * Plans how to even out real CPU use, or what `weights` say: first hosts above the limit, then the deviation over all hosts.
 * Where a day is known that is evened out by half, and a host may be above the limit now or over the day.
 *
 * Stops when no host is above the limit and the deviation is at `targetDeviation`, when the moves are used up, or when
 * no move is worth it. Room, zones and groups hold in every wave, as for the other goals.
 *
 * A heuristic: takes the move that helps most, again and again, then exchanges moves for better ones. Moves servers
 * one by one: it does not swap two where neither host has room for the other's.
 */
export function balance(model: Model, options: PlanOptions = {}): GoalPlan {
  const target = options.targetDeviation ?? (options.maxMoves === undefined ? defaultTargetDeviation : 0)
  return levelOut(model, 'balance', target, { cpu: 1 }, options)
}

/** The undo of `consolidate`: servers over all hosts that take some, empty ones too, by what they have and what they use. */
export function spread(model: Model, options: PlanOptions = {}): GoalPlan {
  const target = options.targetDeviation ?? (options.maxMoves === undefined ? defaultSpreadDeviation : 0)
  return levelOut(model, 'spread', target, { cpu: 1, memory: 1, vcpu: 1 }, options)
}

function levelOut(
  model: Model,
  goal: 'balance' | 'spread',
  target: number,
  usual: Weights,
  options: PlanOptions,
): GoalPlan {
  const { maxMoves = Number.POSITIVE_INFINITY, outgoingPerHost = 1, maxCpuPercent = defaultMaxCpuPercent } = options
  const tables = tabulate(model, maxCpuPercent)
  const occupancy = createOccupancy(tables)
  const all = [...tables.hosts.keys()]
  const tied = tiedHosts(tables, occupancy, all)
  const bound = boundHosts(tables, occupancy.used, all, tied)
  const levelled = options.weights === undefined && tables.isDayKnown ? withDay(usual) : undefined
  const level = createLevel(tables, occupancy, maxCpuPercent, options.weights ?? levelled ?? usual)
  const moved = even(tables, occupancy, level, maxMoves, () => level.isEven(target))
  refine(tables, occupancy, level, moved)
  dropNeedless(tables, occupancy, level, moved, () => level.isEven(target))

  const spares = all.filter((host) => tables.usable[host])
  const { steps: ordered } = schedule(tables, occupancy.at, { outgoingPerHost, spares })
  const steps = ordered.slice(0, maxMoves)
  const before = scalesOf(tables, tables.home)
  const after = tables.home.slice()
  for (const { server, to } of steps) after[server] = to
  const ends = scalesOf(tables, after)
  const leaving = new Set(steps.map(({ from }) => from))
  const skipped = tables.hosts.flatMap(({ name }, host): Skipped[] => {
    const { kind, loads, mean, words } = ends[tellingScale(ends, host, maxCpuPercent)]!
    const load = loads[host]!
    if (leaving.has(host) && load <= maxCpuPercent) return []
    const points = deviation(tables, after, kind)
    const isEven = tables.isDayKnown ? level.isEven(target) : points <= target
    const at = `at ${percent(load)} CPU${words}`
    if (load <= mean && load <= maxCpuPercent)
      return [{ host: name, reason: `${at}, not above the mean of ${percent(mean)}` }]
    const why =
      steps.length >= maxMoves
        ? `all ${maxMoves} moves are used`
        : load <= maxCpuPercent && isEven
          ? `the deviation is down to ${points.toFixed(1)} points without it`
          : tied[host]
            ? 'it has servers that have to stay, and moving the others helps too little'
            : 'no move of one of its servers that fits helps enough'
    return [{ host: name, reason: `${at}: ${why}` }]
  })
  const plan = assemble(tables, goal, { steps, skipped, bound }, ({ from, to, detour }) => {
    const [here, there] = [tables.hosts[from]!.name, tables.hosts[to]!.name]
    if (detour) return `steps aside to ${there} for a while: servers wait for each other`
    const scale = tellingScale(before, from, maxCpuPercent)
    const [{ loads: began, words }, { loads: then }] = [before[scale]!, ends[scale]!]
    const hot = tables.isDayKnown && began[from]! > maxCpuPercent ? ` (the limit is ${percent(maxCpuPercent)})` : ''
    return (
      `${here} goes from ${percent(began[from]!)} to ${percent(then[from]!)} CPU${words}${hot}, ` +
      `${there} from ${percent(began[to]!)} to ${percent(then[to]!)}`
    )
  })
  return levelled ? { ...plan, levelled } : plan
}

const percent = (value: number) => `${value.toFixed(0)} %`

/** Takes the best move again and again. Returns the servers that moved. */
function even(
  tables: Tables,
  occupancy: Occupancy,
  level: Level,
  maxMoves: number,
  isDone: () => boolean,
): Set<number> {
  const moved = new Set<number>()
  while (!isDone()) {
    // a server that has moved already may move on: it is the same one move
    const next = bestMove(tables, occupancy, level, (server) => moved.size < maxMoves || moved.has(server))
    if (!next || -next.change * tables.hosts.length < worthwhile) break
    level.move(next.server, next.to)
    if (next.to === tables.home[next.server]) moved.delete(next.server)
    else moved.add(next.server)
  }
  return moved
}

/** Takes each move back and makes the best one instead, as long as that helps. */
function refine(tables: Tables, occupancy: Occupancy, level: Level, moved: Set<number>): void {
  for (let round = 0; round < roundsOfRefining; round++) {
    let better = false
    for (const server of [...moved].sort((a, b) => a - b)) {
      const to = occupancy.at[server]!
      const before = level.unevenness()
      if (!mayReturn(tables, occupancy, server)) continue
      level.move(server, tables.home[server]!)
      const next = bestMove(tables, occupancy, level, (one) => !moved.has(one) || one === server)
      if (next && level.unevenness() + next.change < before - 1e-9) {
        moved.delete(server)
        level.move(next.server, next.to)
        moved.add(next.server)
        better ||= next.server !== server || next.to !== to
      } else level.move(server, to)
    }
    if (!better) return
  }
}

const roundsOfRefining = 4

/** Takes moves back that are not needed to stay even, the least useful first. */
function dropNeedless(
  tables: Tables,
  occupancy: Occupancy,
  level: Level,
  moved: Set<number>,
  isDone: () => boolean,
): void {
  if (!isDone()) return
  const loss = (server: number) => level.change(server, tables.home[server]!)
  for (const server of [...moved].sort((a, b) => loss(a) - loss(b) || a - b)) {
    const to = occupancy.at[server]!
    if (!mayReturn(tables, occupancy, server)) continue
    level.move(server, tables.home[server]!)
    if (isDone()) moved.delete(server)
    else level.move(server, to)
  }
}

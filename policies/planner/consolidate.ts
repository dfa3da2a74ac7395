import { assemble } from './assemble.ts'
import { type Approach, attempt } from './attempt.ts'
import { boundHosts } from './bound.ts'
import { type Choice, chooseKept, prepareChoice } from './choice.ts'
import type { Effort } from './ejection.ts'
import { emptyMore } from './emptying.ts'
import { defaultMaxCpuPercent, type GoalPlan, type Model, type PlanOptions } from './model.ts'
import { createOccupancy, type Occupancy } from './occupancy.ts'
import { reasonsKept, tiedHosts } from './reasons.ts'
import { cpuOfDay, type Tables, tabulate } from './tables.ts'
import { type Step, schedule } from './waves.ts'

/**
 * Plans how to get by with the fewest hosts, and with the fewest moves for so few. Empty hosts stay empty.
 *
 * With `maxHosts` it stops there; with `maxMoves` it empties as many hosts as so many moves can. Holds in every wave,
 * with everything that moves counted on both hosts: room, real CPU of hosts that receive, zones, server groups.
 *
 * A heuristic: chooses which hosts to keep by prices on scarce resources, packs the servers of the others largest
 * first, makes room by displacing smaller ones, and tries several ways of each. `bound` says how far from the best it
 * can be at most.
 */
export function consolidate(model: Model, options: PlanOptions = {}): GoalPlan {
  const { maxMoves = Number.POSITIVE_INFINITY, maxHosts = 0, outgoingPerHost = 1 } = options
  const tables = tabulate(model, options.maxCpuPercent ?? defaultMaxCpuPercent)
  const start = createOccupancy(tables)
  const inUse = tables.hosts.flatMap((_, row) => (start.on[row]!.length > 0 ? [row] : []))
  const tied = tiedHosts(tables, start, inUse)
  const bound = boundHosts(tables, start.used, inUse, tied)
  const search: Search = { tables, start, inUse, tied, maxMoves, outgoingPerHost, effort: { left: effortLimit } }
  const fewest = Math.max(bound, maxHosts)
  const best = emptyRest(search, bestPlan(search, fewest), fewest)
  const kept = createOccupancy(tables, best.target)
  const isBoundByDay = tables.isDayKnown && boundHosts(tables, start.used, inUse, tied, cpuOfDay) < bound
  const movesLeft = maxMoves - best.steps.length
  const skipped = reasonsKept(tables, kept, { tied, bound, isBoundByDay, maxHosts, movesLeft })
  return assemble(tables, 'consolidate', { steps: best.steps, skipped, bound }, ({ from, to, detour }) => {
    const { name } = tables.hosts[from]!
    if (detour) return `steps aside to ${tables.hosts[to]!.name} for a while: servers wait for each other`
    return kept.on[from]!.length === 0 ? `leaves ${name}, which is emptied` : `makes room on ${name} for others`
  })
}

interface Search {
  readonly tables: Tables
  readonly start: Occupancy
  readonly inUse: readonly number[]
  /** 1 for hosts that cannot be emptied, by row. */
  readonly tied: Uint8Array
  readonly maxMoves: number
  readonly outgoingPerHost: number
  readonly effort: Effort
}

interface Candidate {
  readonly hosts: number
  /** Row of the host each server ends on. */
  readonly target: Int32Array
  readonly steps: readonly Step[]
}

/** Looks at so many servers and hosts in all; a cloud of 500 hosts and 10,000 servers needs a tenth of it. */
const effortLimit = 3e8

const approaches: readonly Approach[] = [
  { slack: 1.005, loadShare: 0.5, relief: 0 },
  { slack: 1.002, loadShare: 0.01, relief: 0 },
  { slack: 1, loadShare: 0, relief: 0 },
  { slack: 1, loadShare: 0.5, relief: 0 },
  { slack: 1, loadShare: 0, relief: 0.5 },
  { slack: 1.002, loadShare: 0, relief: 0.7 },
  { slack: 1.005, loadShare: 0.01, relief: 0.3 },
  { slack: 1, loadShare: 0, relief: 0.9 },
]

/** Tries to keep `fewest` hosts, then more and more until it works. */
function bestPlan(search: Search, fewest: number): Candidate {
  const { tables, start, inUse, tied, maxMoves, effort } = search
  const nothing: Candidate = { hosts: inUse.length, target: tables.home, steps: [] }
  const prepared = new Map<number, Choice>()
  const choiceFor = (loadShare: number) => {
    const known = prepared.get(loadShare) ?? prepareChoice(tables, start.used, start.on, tied, loadShare)
    prepared.set(loadShare, known)
    return known
  }
  const from = leastAffordable(choiceFor(0), fewest, maxMoves)
  let best = nothing
  let misses = 0
  for (let count = from; count < best.hosts && effort.left > 0; count += 1 + Math.floor(misses++ / 8)) {
    const found = bestOf(search, count, choiceFor)
    if (found && isBetter(found, best)) best = found
  }
  return best
}

/** Goes on from the best plan host by host, where that has not come down to what was hoped for. */
function emptyRest(search: Search, best: Candidate, fewest: number): Candidate {
  const { tables, inUse, tied, maxMoves, outgoingPerHost } = search
  if (best.hosts <= fewest) return best
  const target = emptyMore(tables, best.target, { tied, fewest, maxMoves, effort: { left: effortLimit / 10 } })
  if (target === best.target) return best
  const spares = inUse.filter((host) => tables.usable[host])
  const { steps, blocked } = schedule(tables, target, { outgoingPerHost, spares })
  if (blocked.length > 0 || steps.length > maxMoves) return best
  return { hosts: new Set(target).size, target, steps }
}

/** The smallest number of hosts for which the choice of hosts alone does not need too many moves. */
function leastAffordable(choice: Choice, fewest: number, maxMoves: number): number {
  const affordable = (count: number) => {
    const kept = chooseKept(choice, count, 1)
    return kept !== undefined && choice.cost.reduce((sum, cost, i) => (kept[i] ? sum : sum + cost), 0) <= maxMoves
  }
  if (maxMoves === Number.POSITIVE_INFINITY) return fewest
  let low = fewest
  let high = choice.hosts.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (affordable(middle)) high = middle
    else low = middle + 1
  }
  return low
}

function bestOf(
  { tables, inUse, maxMoves, outgoingPerHost, effort }: Search,
  count: number,
  choiceFor: (loadShare: number) => Choice,
): Candidate | undefined {
  let best: Candidate | undefined
  const spares = inUse.filter((host) => tables.usable[host])
  for (const approach of approaches) {
    if (effort.left <= 0) break
    const outcome = attempt(tables, choiceFor(approach.loadShare), count, approach, effort, !best || best.hosts > count)
    if (!outcome || outcome.moves > maxMoves || (best && outcome.hosts > best.hosts)) continue
    if (best && outcome.hosts === best.hosts && outcome.moves >= best.steps.length) continue
    const { steps, blocked } = schedule(tables, outcome.target, { outgoingPerHost, spares })
    if (blocked.length > 0 || steps.length > maxMoves) continue
    const candidate = { hosts: outcome.hosts, target: outcome.target, steps }
    if (!best || isBetter(candidate, best)) best = candidate
  }
  return best
}

const isBetter = (a: Candidate, b: Candidate) =>
  a.hosts < b.hosts || (a.hosts === b.hosts && a.steps.length < b.steps.length)

import type { Occupancy } from './occupancy.ts'
import { cpu, type Tables, width } from './tables.ts'

/** How uneven real CPU use is: variance over hosts, and much more for what is above the limit. */
export interface Level {
  /** Real CPU use of each host in percent of its threads. */
  readonly load: Float64Array
  /** What a move would add to the unevenness; negative is better. */
  change(server: number, to: number): number
  /** Books a move, in the occupancy too. */
  move(server: number, to: number): void
  /** The variance in square percentage points, with the extra for hosts above the limit. */
  unevenness(): number
}

const hotWeight = 20

export function createLevel(tables: Tables, occupancy: Occupancy, maxCpuPercent: number): Level {
  const { hosts, uses } = tables
  const { at, used, put, take } = occupancy
  const count = hosts.length
  const perThread = Float64Array.from(hosts, ({ threads }) => 1 / 1000 / threads)
  const load = Float64Array.from(hosts, (_, host) => used[host * width + cpu]! * perThread[host]!)
  const costOf = (percent: number) => {
    const excess = percent - maxCpuPercent
    return percent * percent + (excess > 0 ? hotWeight * excess * excess : 0)
  }
  let sum = 0
  let costs = 0
  const addUp = () => {
    sum = 0
    costs = 0
    for (const percent of load) {
      sum += percent
      costs += costOf(percent)
    }
  }
  addUp()

  function change(server: number, to: number) {
    const from = at[server]!
    const amount = uses[server * width + cpu]!
    const less = load[from]! - amount * perThread[from]!
    const more = load[to]! + amount * perThread[to]!
    const costChange = costOf(less) - costOf(load[from]!) + costOf(more) - costOf(load[to]!)
    const sumAfter = sum + (less - load[from]!) + (more - load[to]!)
    return costChange / count - (sumAfter * sumAfter - sum * sum) / (count * count)
  }
  function move(server: number, to: number) {
    const from = at[server]!
    take(server)
    put(server, to)
    for (const host of [from, to]) load[host] = used[host * width + cpu]! * perThread[host]!
    addUp()
  }
  return { load, change, move, unevenness: () => costs / count - (sum / count) ** 2 }
}

/** The best next move: from one of the busiest hosts to one of the idlest that take it. */
export function bestMove(
  tables: Tables,
  occupancy: Occupancy,
  level: Level,
  allowed: (server: number) => boolean,
): { server: number; to: number; change: number } | undefined {
  const { hosts, stays } = tables
  const byLoad = Array.from(hosts.keys()).sort((a, b) => level.load[a]! - level.load[b]! || a - b)
  const idle = byLoad.filter((host) => tables.usable[host])
  let best: { server: number; to: number; change: number } | undefined
  for (const from of byLoad.toReversed().slice(0, sourcesTried)) {
    for (const server of occupancy.on[from]!.toSorted((a, b) => a - b)) {
      if (stays[server] !== undefined || !allowed(server)) continue
      let tried = 0
      for (const to of idle) {
        if (tried >= targetsTried || level.load[to]! >= level.load[from]!) break
        if (to === from || !occupancy.fits(server, to)) continue
        tried++
        const change = level.change(server, to)
        if (change < (best?.change ?? 0)) best = { server, to, change }
      }
    }
  }
  return best
}

const sourcesTried = 24
const targetsTried = 12

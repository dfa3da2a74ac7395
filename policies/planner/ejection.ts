import type { Occupancy } from './occupancy.ts'
import { sizeOf, type Weights } from './packing.ts'
import { type Tables, width } from './tables.ts'

/** Effort of one repair, in looks at a server. Bounds the time on hopeless cases. */
export interface Effort {
  left: number
}

interface Ejection {
  readonly host: number
  readonly out: readonly number[]
}

/**
 * Makes room for servers that found no host: puts the largest where it displaces least, goes on with the displaced.
 * What is without a host shrinks with every step, so this ends. Servers that run on their first host are displaced
 * last, for that costs one more move.
 *
 * @param tolerated gives up as soon as more servers than this can get no host
 * @returns the servers that still have no host
 */
export function placeByEjection(
  tables: Tables,
  occupancy: Occupancy,
  unplaced: readonly number[],
  receivers: readonly number[],
  weights: Weights,
  effort: Effort,
  tolerated: number,
): number[] {
  const { servers, home, stays, uses, capacity, groups } = tables
  const { at, on, used, fits, allows, put, take } = occupancy
  const size = Float64Array.from(servers, (_, server) => sizeOf(tables, weights, server))
  const queue = [...unplaced]
  const stuck: number[] = []
  const bySize = (a: number, b: number) => size[a]! - size[b]! || b - a
  while (queue.length > 0 && stuck.length <= tolerated) {
    queue.sort(bySize)
    const server = queue.pop()!
    const free = firstFit(server)
    if (free >= 0) {
      put(server, free)
      continue
    }
    const found = effort.left > 0 ? leastEjection(server) : undefined
    if (!found) {
      stuck.push(server)
      continue
    }
    for (const other of found.out) take(other)
    put(server, found.host)
    queue.push(...found.out)
  }
  return [...stuck, ...queue]

  /** Of the hosts with room the one left with least of it. */
  function firstFit(server: number): number {
    let chosen = -1
    let least = Number.POSITIVE_INFINITY
    for (const host of receivers) {
      if (!fits(server, host)) continue
      const room = roomOf(host)
      if (room < least) {
        least = room
        chosen = host
      }
    }
    return chosen
  }
  function roomOf(host: number) {
    let room = 0
    for (let kind = 0; kind < width; kind++)
      room += weights[kind]! * (capacity[host * width + kind]! - used[host * width + kind]!)
    return room
  }
  /** The ejection that displaces least; one whose server finds another host at once comes before all others. */
  function leastEjection(server: number): Ejection | undefined {
    let best: Ejection | undefined
    let least = size[server]! * (1 - 1e-9)
    const singles: Cheapest = { list: [], worst: Number.POSITIVE_INFINITY }
    const deficit = new Float64Array(width)
    for (const host of receivers) {
      const rivals = rivalsOn(server, host)
      if (!rivals || rivals.length > 1) continue
      let short = 0
      for (let kind = 0; kind < width; kind++) {
        const missing = uses[server * width + kind]! - capacity[host * width + kind]! + used[host * width + kind]!
        deficit[kind] = missing
        if (missing > 0) short += weights[kind]! * missing
      }
      const own = on[host]!
      const firsts = rivals.length > 0 ? rivals : own
      effort.left -= own.length
      for (const first of firsts) {
        if (stays[first] !== undefined) continue
        const firstCost = costOf(first)
        if (covers(deficit, first, -1)) {
          offer(singles, { host, out: first, cost: firstCost })
          if (firstCost < least) {
            least = firstCost
            best = { host, out: [first] }
          }
          continue
        }
        // two can only be better if what is missing is less than the best so far
        if (firstCost >= least || short >= least) continue
        effort.left -= own.length
        for (const second of own) {
          if (second === first || stays[second] !== undefined) continue
          const cost = firstCost + costOf(second)
          if (cost >= least || !covers(deficit, first, second)) continue
          least = cost
          best = { host, out: [first, second] }
        }
      }
    }
    return exchangeable(singles) ?? best
  }
  function exchangeable(singles: Cheapest): Ejection | undefined {
    for (const { host, out } of singles.list.sort(byCost).slice(0, singlesTried)) {
      effort.left -= receivers.length
      if (receivers.some((other) => other !== host && fits(out, other))) return { host, out: [out] }
    }
    return undefined
  }
  /** Servers on the host that it must not meet; undefined where it may not go anyhow. */
  function rivalsOn(server: number, host: number): readonly number[] | undefined {
    if (allows(server, host)) return none
    const zone = tables.requestedZone[server]!
    if (!tables.usable[host] || (zone >= 0 && zone !== tables.zone[host])) return undefined
    if (tables.reach[server]?.[host] === 0) return undefined
    return on[host]!.filter((other) => groups[other]!.some((group) => groups[server]!.includes(group)))
  }
  function costOf(server: number) {
    return size[server]! + (at[server] === home[server] ? homePenalty : 0)
  }
  function covers(deficit: Float64Array, a: number, b: number) {
    for (let kind = 0; kind < width; kind++) {
      const freed = uses[a * width + kind]! + (b >= 0 ? uses[b * width + kind]! : 0)
      if (deficit[kind]! > freed) return false
    }
    return true
  }
}

interface Single {
  readonly host: number
  readonly out: number
  readonly cost: number
}

const byCost = (a: Single, b: Single) => a.cost - b.cost || a.out - b.out

/** The cheapest of many, without sorting them all. */
interface Cheapest {
  readonly list: Single[]
  /** Dearer ones are not among the cheapest. */
  worst: number
}

function offer(cheapest: Cheapest, one: Single): void {
  if (one.cost > cheapest.worst) return
  cheapest.list.push(one)
  if (cheapest.list.length < singlesTried * 8) return
  cheapest.list.sort(byCost)
  cheapest.list.length = singlesTried
  cheapest.worst = cheapest.list.at(-1)!.cost
}

const none: readonly number[] = []
const homePenalty = 1e-4
const singlesTried = 32

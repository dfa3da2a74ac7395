import type { Occupancy } from './occupancy.ts'
import { type Weights, sizeOf } from './packing.ts'
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
 * @returns the servers that still have no host
 */
export function placeByEjection(
  tables: Tables,
  occupancy: Occupancy,
  unplaced: readonly number[],
  receivers: readonly number[],
  weights: Weights,
  effort: Effort,
): number[] {
  const { servers, home, stays } = tables
  const { at, on, fits, put, take } = occupancy
  const size = Float64Array.from(servers, (_, server) => sizeOf(tables, weights, server))
  const queue = [...unplaced]
  const stuck: number[] = []
  const bySize = (a: number, b: number) => size[a]! - size[b]! || b - a
  while (queue.length > 0) {
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
  return stuck

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
      room += weights[kind]! * (tables.capacity[host * width + kind]! - occupancy.used[host * width + kind]!)
    return room
  }
  function leastEjection(server: number): Ejection | undefined {
    let best: Ejection | undefined
    let least = size[server]! * (1 - 1e-9)
    const deficit = new Float64Array(width)
    for (const host of receivers) {
      if (!occupancy.allows(server, host)) continue
      let short = 0
      for (let kind = 0; kind < width; kind++) {
        const spare = tables.capacity[host * width + kind]! - occupancy.used[host * width + kind]!
        deficit[kind] = tables.uses[server * width + kind]! - spare
        if (deficit[kind]! > 0) short += weights[kind]! * deficit[kind]!
      }
      if (short >= least) continue
      const own = on[host]!
      effort.left -= own.length
      for (let i = 0; i < own.length; i++) {
        const first = own[i]!
        const firstCost = costOf(first)
        if (firstCost >= least) continue
        if (covers(deficit, first, -1)) {
          least = firstCost
          best = { host, out: [first] }
          continue
        }
        if (firstCost + size[server]! * 0.02 >= least) continue
        for (let j = i + 1; j < own.length; j++) {
          const cost = firstCost + costOf(own[j]!)
          if (cost >= least || !covers(deficit, first, own[j]!)) continue
          least = cost
          best = { host, out: [first, own[j]!] }
        }
      }
    }
    return best
  }
  function costOf(server: number) {
    if (stays[server] !== undefined) return Number.POSITIVE_INFINITY
    return size[server]! * (at[server] === home[server] ? 1.0 : 1) + (at[server] === home[server] ? homePenalty : 0)
  }
  function covers(deficit: Float64Array, a: number, b: number) {
    for (let kind = 0; kind < width; kind++) {
      const freed = tables.uses[a * width + kind]! + (b >= 0 ? tables.uses[b * width + kind]! : 0)
      if (deficit[kind]! > freed) return false
    }
    return true
  }
}
const homePenalty = 1e-4

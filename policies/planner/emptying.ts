import { type Effort, placeByEjection } from './ejection.ts'
import { createOccupancy } from './occupancy.ts'
import { packLargestFirst, weigh } from './packing.ts'
import { bringHome } from './restore.ts'
import { type Tables, width } from './tables.ts'

/**
 * Empties further hosts one by one, the one with the fewest servers first, as long as the others take its servers.
 * Finds what a choice of hosts by sums overlooks, where groups and zones decide.
 *
 * @param target row of the host each server ends on so far
 * @param fewest stops at so many hosts
 * @returns the same with fewer hosts; `target` itself if there is nothing to gain
 */
export function emptyMore(
  tables: Tables,
  target: Int32Array,
  { tied, fewest, maxMoves, effort }: { tied: Uint8Array; fewest: number; maxMoves: number; effort: Effort },
): Int32Array {
  let best = target
  let occupancy = createOccupancy(tables, best)
  const inUse = new Set(best)
  for (const host of [...inUse].sort((a, b) => occupancy.on[a]!.length - occupancy.on[b]!.length || a - b)) {
    if (inUse.size <= fewest || effort.left <= 0) break
    const others = [...inUse].filter((other) => other !== host && tables.usable[other]).sort((a, b) => a - b)
    const own = occupancy.on[host]!.filter((server) => tables.home[server] === host).length
    if (movesOf(tables, best) + own > maxMoves) continue
    if (tied[host] || others.length === 0 || shortOf(tables, occupancy.used, host, others) !== undefined) continue
    const leaving = occupancy.on[host]!.toSorted((a, b) => a - b)
    for (const server of leaving) occupancy.take(server)
    const weights = weigh(tables, occupancy, leaving, others)
    const left = packLargestFirst(tables, occupancy, leaving, others, weights)
    const works = placeByEjection(tables, occupancy, left, others, weights, effort, 0).length === 0
    if (works) bringHome(tables, occupancy, others)
    if (works && movesOf(tables, occupancy.at) <= maxMoves) {
      best = occupancy.at.slice()
      inUse.delete(host)
    } else occupancy = createOccupancy(tables, best)
  }
  return best
}

/** The kind of which the servers of the host use more than the others have left in all; undefined if there is none. */
export function shortOf(
  { capacity }: Tables,
  used: Float64Array,
  host: number,
  others: readonly number[],
): number | undefined {
  for (let kind = 0; kind < width; kind++) {
    let free = 0
    for (const other of others) free += Math.max(0, capacity[other * width + kind]! - used[other * width + kind]!)
    if (used[host * width + kind]! > free) return kind
  }
  return undefined
}

export function movesOf({ home }: Tables, target: Int32Array): number {
  let moves = 0
  for (let server = 0; server < home.length; server++) if (target[server] !== home[server]) moves++
  return moves
}

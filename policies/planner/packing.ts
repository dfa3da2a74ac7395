import type { Occupancy } from './occupancy.ts'
import { cpu, cpuOfDay, type Tables, width } from './tables.ts'

/** How much a unit of each resource weighs: more, the scarcer it is on the receiving hosts. */
export type Weights = Float64Array

/** @param servers to be placed @param receivers hosts that may take them */
export function weigh(
  { capacity, uses }: Tables,
  { used }: Occupancy,
  servers: readonly number[],
  receivers: readonly number[],
): Weights {
  const weights = new Float64Array(width)
  for (let kind = 0; kind < width; kind++) {
    let free = 0
    let wanted = 0
    for (const host of receivers) free += Math.max(0, capacity[host * width + kind]! - used[host * width + kind]!)
    for (const server of servers) wanted += uses[server * width + kind]!
    const scarcity = free > 0 ? Math.min(4, wanted / free) : 4
    weights[kind] = wanted > 0 ? scarcity ** 3 / Math.max(1, free / receivers.length) : 0
  }
  return weights
}

export function sizeOf({ uses }: Tables, weights: Weights, server: number): number {
  let size = 0
  for (let kind = 0; kind < width; kind++) size += weights[kind]! * uses[server * width + kind]!
  return size
}

/**
 * Places servers, largest first, each on the host whose free room is most alike to it in shape, so that no resource
 * runs out much before the others.
 *
 * @returns the servers that found no host
 */
export function packLargestFirst(
  tables: Tables,
  { at: placeOf, used, allows, put }: Occupancy,
  servers: readonly number[],
  receivers: readonly number[],
  weights: Weights,
): number[] {
  const { capacity, uses, wishes } = tables
  const count = receivers.length
  // free room of the receivers, side by side: the inner loop below is where the time goes
  const free = new Float64Array(count * width)
  const norm = new Float64Array(count)
  const measure = (at: number) => {
    let sum = 0
    for (let kind = 0; kind < width; kind++) {
      const row = receivers[at]! * width + kind
      const room = capacity[row]! - used[row]!
      free[at * width + kind] = room
      sum += (weights[kind]! * room) ** 2
    }
    norm[at] = sum > 0 ? 1 / sum : 0
  }
  for (let at = 0; at < count; at++) measure(at)

  const size = new Map(servers.map((server) => [server, sizeOf(tables, weights, server)]))
  const left: number[] = []
  for (const server of servers.toSorted((a, b) => size.get(b)! - size.get(a)! || a - b)) {
    const need = server * width
    const vcpu = uses[need]!
    const memory = uses[need + 1]!
    const disk = uses[need + 2]!
    const load = uses[need + cpu]!
    const loadOfDay = uses[need + cpuOfDay]!
    const byVcpu = vcpu * weights[0]! ** 2
    const byMemory = memory * weights[1]! ** 2
    const byDisk = disk * weights[2]! ** 2
    const byLoad = load * weights[cpu]! ** 2
    const byLoadOfDay = loadOfDay * weights[cpuOfDay]! ** 2
    const wished = wishes[server]
    let chosen = -1
    let bestScore = -1
    for (let at = 0, row = 0; at < count; at++, row += width) {
      const freeVcpu = free[row]!
      const freeLoad = free[row + cpu]!
      if (freeVcpu < vcpu || freeLoad < load) continue
      const freeMemory = free[row + 1]!
      const freeDisk = free[row + 2]!
      const freeLoadOfDay = free[row + cpuOfDay]!
      if (freeMemory < memory || freeDisk < disk || freeLoadOfDay < loadOfDay) continue
      const dot =
        byVcpu * freeVcpu + byMemory * freeMemory + byDisk * freeDisk + byLoad * freeLoad + byLoadOfDay * freeLoadOfDay
      const score = dot * dot * norm[at]! * (wished ? favour(wished, placeOf, receivers[at]!) : 1)
      if (score > bestScore && allows(server, receivers[at]!)) {
        bestScore = score
        chosen = at
      }
    }
    if (chosen < 0) {
      left.push(server)
      continue
    }
    put(server, receivers[chosen]!)
    measure(chosen)
  }
  return left
}

/** How much better or worse a host looks for the wishes of soft groups: no more than a tie-break between good ones. */
export function favour(wished: ReadonlyMap<number, number>, at: Int32Array, host: number): number {
  let sum = 0
  for (const [other, sign] of wished) if (at[other] === host) sum += sign
  return sum > 0 ? 1 / (1 + sum) : 1 - sum / 2
}

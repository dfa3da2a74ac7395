import { type Choice, chooseKept } from './choice.ts'
import { type Effort, placeByEjection } from './ejection.ts'
import { movesOf } from './emptying.ts'
import { createOccupancy, type Occupancy } from './occupancy.ts'
import { packLargestFirst, weigh } from './packing.ts'
import { bringHome, restoreHosts } from './restore.ts'
import { type Tables, width } from './tables.ts'

/** One way to go about it. None is best for every cloud, so several are tried. */
export interface Approach {
  /** What the hosts to keep have to offer, as a multiple of what is needed. */
  readonly slack: number
  /** CPU load expected to come with a vCPU, as a share of the average: 0 takes busy hosts for as good as any. */
  readonly loadShare: number
  /** The same once more: busy hosts that are kept give servers away until the load fits. 0 leaves them alone. */
  readonly relief: number
}

export interface Outcome {
  /** Row of the host each server ends on. */
  readonly target: Int32Array
  readonly hosts: number
  readonly moves: number
}

/** So many servers without a host say that the way leads nowhere. */
const mostStuck = 20

/**
 * Empties all but about `count` hosts in one of several ways. Hosts whose servers find no place stay in use, so that
 * the outcome may have more hosts than asked for.
 *
 * @param mayExceed false if an outcome with more than `count` hosts is of no use
 */
export function attempt(
  tables: Tables,
  choice: Choice,
  count: number,
  approach: Approach,
  effort: Effort,
  mayExceed: boolean,
): Outcome | undefined {
  const kept = chooseKept(choice, count, approach.slack)
  if (!kept) return undefined
  const occupancy = createOccupancy(tables)
  const receivers: number[] = []
  const homeless: number[] = []
  choice.hosts.forEach((host, position) => {
    if (kept[position]) receivers.push(host)
    else homeless.push(...occupancy.on[host]!)
  })
  for (const server of homeless) occupancy.take(server)
  if (approach.relief > 0) relieveBusy(tables, occupancy, receivers, homeless, approach.relief)
  effort.left -= homeless.length * receivers.length
  const weights = weigh(tables, occupancy, homeless, receivers)
  const left = packLargestFirst(tables, occupancy, homeless, receivers, weights)
  const stuck = placeByEjection(tables, occupancy, left, receivers, weights, effort, mayExceed ? mostStuck : 0)
  if (stuck.length > 0 && !mayExceed) return undefined
  if (!restoreHosts(tables, occupancy, stuck, receivers)) return undefined
  bringHome(tables, occupancy, receivers)
  return { target: occupancy.at, hosts: receivers.length, moves: movesOf(tables, occupancy.at) }
}

/** Takes the servers that are busiest for their vCPUs off hosts whose free vCPUs nobody could use otherwise. */
function relieveBusy(
  { capacity, uses, stays, scarcerCpu }: Tables,
  { used, on, take }: Occupancy,
  receivers: readonly number[],
  homeless: number[],
  relief: number,
): void {
  let vcpus = 0
  let load = 0
  for (const server of homeless) {
    vcpus += uses[server * width]!
    load += uses[server * width + scarcerCpu]!
  }
  const expected = vcpus > 0 ? (load / vcpus) * relief : 0
  for (const host of receivers) {
    for (;;) {
      const vcpuRoom = capacity[host * width]! - used[host * width]!
      if (capacity[host * width + scarcerCpu]! - used[host * width + scarcerCpu]! >= vcpuRoom * expected) break
      let busiest = -1
      let most = 0
      for (const server of on[host]!) {
        const excess = uses[server * width + scarcerCpu]! - expected * uses[server * width]!
        if (stays[server] !== undefined || excess < most || (excess === most && server > busiest)) continue
        most = excess
        busiest = server
      }
      if (busiest < 0) break
      take(busiest)
      homeless.push(busiest)
    }
  }
}

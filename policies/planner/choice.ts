import { type Tables, width } from './tables.ts'

/** What a choice of hosts to keep is made from. */
export interface Choice {
  /** Rows of the hosts in use. */
  readonly hosts: Int32Array
  /** Servers on each of them: what emptying it costs. By position in `hosts`. */
  readonly cost: Float64Array
  /** 1 for hosts that cannot be emptied. By position in `hosts`. */
  readonly forced: Uint8Array
  /** What each host offers to every demand: `demands.length` columns. */
  readonly offer: Float64Array
  /** What the hosts that are kept have to carry: the whole of each resource, and for each zone what must stay there. */
  readonly demands: Float64Array
}

/** Rows of demand: one of `width` kinds over all hosts, then `width` for each zone somebody has to stay in. */
export function prepareChoice(
  tables: Tables,
  used: Float64Array,
  on: readonly number[][],
  forced: Uint8Array,
  share: number,
): Choice {
  const { capacity, uses, usable, zone, requestedZone, zoneNames, servers, scarcerCpu } = tables
  const hosts = Int32Array.from(on.flatMap((own, host) => (own.length > 0 ? [host] : [])))
  const demands = new Float64Array((1 + zoneNames.length) * width)
  for (let server = 0; server < servers.length; server++)
    for (let kind = 0; kind < width; kind++) {
      const amount = uses[server * width + kind]!
      demands[kind]! += amount
      if (requestedZone[server]! >= 0) demands[(1 + requestedZone[server]!) * width + kind]! += amount
    }
  const columns = demands.length
  const offer = new Float64Array(hosts.length * columns)
  const threadsPerVcpu = demands[scarcerCpu]! / Math.max(1, demands[0]!)
  hosts.forEach((host, position) => {
    const cpuRoom = Math.max(0, capacity[host * width + scarcerCpu]! - used[host * width + scarcerCpu]!)
    for (let kind = 0; kind < width; kind++) {
      const taken = used[host * width + kind]!
      let most = usable[host] ? Math.max(taken, capacity[host * width + kind]!) : taken
      // a busy host has vCPU left that nobody may come to use
      if (kind === 0 && threadsPerVcpu > 0 && share > 0)
        most = Math.min(most, taken + cpuRoom / (threadsPerVcpu * share))
      offer[position * columns + kind] = most
      offer[position * columns + (1 + zone[host]!) * width + kind] = most
    }
  })
  return {
    hosts,
    cost: Float64Array.from(hosts, (host) => on[host]!.length),
    forced: Uint8Array.from(hosts, (host) => forced[host]!),
    offer,
    demands,
  }
}

/**
 * Chooses `count` hosts to keep, so that what they offer covers the demands `slack` times over and the others have
 * the fewest servers. Prices on scarce demands are raised until the hosts with the highest worth suffice; exchanges of
 * two hosts then save what they can.
 *
 * @returns 1 per kept host, by position in `choice.hosts`; undefined if no such choice was found
 */
export function chooseKept(choice: Choice, count: number, slack: number): Uint8Array | undefined {
  const { hosts, cost, forced, offer, demands } = choice
  const columns = demands.length
  const order = Array.from(hosts, (_, position) => position)
  const rows = Array.from(demands.keys()).filter((row) => demands[row]! > 0)
  const needs = Float64Array.from(demands, (amount) => amount * slack)
  const prices = new Float64Array(columns)
  const worth = new Float64Array(hosts.length)
  const sums = new Float64Array(columns)
  const averageCost = cost.reduce((sum, each) => sum + each, 0) / Math.max(1, hosts.length)
  let best: Uint8Array | undefined
  let bestCost = Number.POSITIVE_INFINITY
  let step = averageCost * count * 2
  for (let round = 0; round < rounds; round++) {
    for (const position of order) {
      let value = cost[position]!
      for (const row of rows) value += (prices[row]! * offer[position * columns + row]!) / needs[row]!
      worth[position] = forced[position] ? Number.POSITIVE_INFINITY : value
    }
    order.sort((a, b) => (worth[a] === worth[b] ? a - b : worth[b]! - worth[a]!))
    sums.fill(0)
    let lost = 0
    for (let rank = 0; rank < order.length; rank++) {
      const position = order[rank]!
      if (rank >= count) lost += cost[position]!
      else for (const row of rows) sums[row]! += offer[position * columns + row]!
    }
    const suffices = rows.every((row) => sums[row]! >= needs[row]!)
    if (suffices && lost < bestCost) {
      bestCost = lost
      best = new Uint8Array(hosts.length)
      for (let rank = 0; rank < count; rank++) best[order[rank]!] = 1
    }
    for (const row of rows)
      prices[row] = Math.max(0, prices[row]! + (step * (needs[row]! - sums[row]!)) / needs[row]! / (1 + round * 0.1))
    // nothing found yet: dearer, faster
    if (!best && round % 10 === 9) step *= 2
  }
  if (best) exchange(choice, best, needs)
  return best
}

const rounds = 120

/** Keeps a dearer host for a cheaper one as long as the demands stay covered. */
function exchange({ hosts, cost, forced, offer, demands }: Choice, kept: Uint8Array, needs: Float64Array): void {
  const columns = demands.length
  const sums = new Float64Array(columns)
  const positions = Array.from(hosts, (_, position) => position)
  for (const position of positions)
    if (kept[position]) for (let row = 0; row < columns; row++) sums[row]! += offer[position * columns + row]!
  const dearestFirst = positions.toSorted((a, b) => cost[b]! - cost[a]! || a - b)
  const cheapestFirst = dearestFirst.toReversed()
  for (const into of dearestFirst) {
    if (kept[into]) continue
    for (const out of cheapestFirst) {
      if (!kept[out] || forced[out]) continue
      if (cost[out]! >= cost[into]!) break
      const covered = needs.every(
        (need, row) => sums[row]! + offer[into * columns + row]! - offer[out * columns + row]! >= need || need === 0,
      )
      if (!covered) continue
      for (let row = 0; row < columns; row++) sums[row]! += offer[into * columns + row]! - offer[out * columns + row]!
      kept[into] = 1
      kept[out] = 0
      break
    }
  }
}

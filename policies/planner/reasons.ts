import { shortOf } from './emptying.ts'
import type { Skipped } from './model.ts'
import type { Occupancy } from './occupancy.ts'
import { cpu, cpuOfDay, kinds, type Tables, width } from './tables.ts'

/** Hosts that cannot be emptied, whatever else is moved: by row 1, else 0. */
export function tiedHosts(tables: Tables, { on }: Occupancy, candidates: readonly number[]): Uint8Array {
  return Uint8Array.from(on, (own, host) =>
    own.some((server) => tables.stays[server] !== undefined || !fitsAnEmptyOne(tables, server, host, candidates))
      ? 1
      : 0,
  )
}

function fitsAnEmptyOne(
  { capacity, uses, usable, zone, requestedZone, reach }: Tables,
  server: number,
  origin: number,
  candidates: readonly number[],
): boolean {
  return candidates.some((host) => {
    if (host === origin || !usable[host]) return false
    if (requestedZone[server]! >= 0 && requestedZone[server] !== zone[host]) return false
    if (reach[server]?.[host] === 0) return false
    for (let kind = 0; kind < width; kind++)
      if (uses[server * width + kind]! > capacity[host * width + kind]!) return false
    return true
  })
}

export interface Limits {
  readonly tied: Uint8Array
  readonly bound: number
  /** Fewer hosts would do for everything but what servers use over the day. */
  readonly isBoundByDay: boolean
  readonly maxHosts: number
  readonly movesLeft: number
}

/** Why each host that is still in use was not emptied. */
export function reasonsKept(tables: Tables, kept: Occupancy, limits: Limits): Skipped[] {
  const { hosts } = tables
  const inUse = hosts.flatMap((_, row) => (kept.on[row]!.length > 0 ? [row] : []))
  return inUse.map((host) => ({ host: hosts[host]!.name, reason: reasonKept(tables, kept, inUse, host, limits) }))
}

function reasonKept(
  tables: Tables,
  kept: Occupancy,
  inUse: readonly number[],
  host: number,
  { tied, bound, isBoundByDay, maxHosts, movesLeft }: Limits,
): string {
  const own = kept.on[host]!.toSorted((a, b) => a - b)
  if (tied[host]) return whyTied(tables, own, inUse)
  if (inUse.length <= maxHosts) return `no more to free: ${maxHosts} hosts may stay in use`
  if (inUse.length <= bound)
    return `no plan can do with fewer than ${bound} hosts${isBoundByDay ? ', for the CPU that servers use over the day' : ''}`
  const moves = own.filter((server) => tables.home[server] === host).length
  if (moves > movesLeft) return `emptying it takes at least ${moves} more moves, and ${movesLeft} are left`
  const others = inUse.filter((other) => other !== host)
  const short = shortOf(
    tables,
    kept.used,
    host,
    others.filter((other) => tables.usable[other]),
  )
  if (short !== undefined)
    return `its servers use more ${kinds[short]} than the ${others.length} other hosts in use have left in all`
  const unfit = own.find((server) => !others.some((other) => kept.fits(server, other)))
  if (unfit !== undefined) {
    const { id } = tables.servers[unfit]!
    return `${id} would need room that the others have not left: ${whyNowhere(tables, kept, unfit, others)}`
  }
  return `its ${own.length} servers find room elsewhere one by one, but no way was found for all of them`
}

function whyTied({ stays, servers }: Tables, own: readonly number[], inUse: readonly number[]): string {
  const bound = own.filter((server) => stays[server] !== undefined)
  if (bound.length === 0) return `no other of the ${inUse.length} hosts in use could ever take one of its servers`
  const first = bound[0]!
  const more = bound.length > 1 ? `, and ${bound.length - 1} more have to stay` : ''
  return `${servers[first]!.id} has to stay: ${stays[first]}${more}`
}

/** Counts what keeps the server off each of the hosts. */
export function whyNowhere(
  tables: Tables,
  { used, allows }: Occupancy,
  server: number,
  candidates: readonly number[],
): string {
  const counts = new Map<string, number>()
  for (const host of candidates) {
    const reason = refusal(host)
    counts.set(reason, (counts.get(reason) ?? 0) + 1)
  }
  if (counts.size === 0) return 'there is no other host'
  return [...counts].map(([reason, count]) => `${count} ${reason}`).join(', ')

  function refusal(host: number): string {
    const { capacity, uses, usable, zone, requestedZone, reach } = tables
    if (!usable[host]) return 'not usable'
    if (requestedZone[server]! >= 0 && requestedZone[server] !== zone[host]) return 'in another zone'
    if (reach[server]?.[host] === 0) return 'of another kind (pool, CPU, traits or size)'
    for (let kind = 0; kind < width; kind++)
      if (used[host * width + kind]! + uses[server * width + kind]! > capacity[host * width + kind]!)
        return kind === cpu ? 'too busy' : kind === cpuOfDay ? 'too busy over the day' : `without room (${kinds[kind]})`
    return allows(server, host) ? 'with room' : 'with a server it must not meet'
  }
}

import { cpu, type Tables, width } from './tables.ts'

/**
 * A number of hosts below which no plan can come: for each resource alone, the largest hosts that carry all of it,
 * with as many in each zone as carry what must stay in that zone; and as many as the largest anti-affinity group
 * needs. Counts what cannot be emptied first. Real CPU counts too: a host ends below the limit, or no higher than it is.
 *
 * @param used amounts in use on each host now
 * @param hosts rows of the hosts a plan may use
 * @param forced 1 for hosts that cannot be emptied, by row
 * @param kindCount so many of the resources count, the first ones
 */
export function boundHosts(
  tables: Tables,
  used: Float64Array,
  hosts: readonly number[],
  forced: Uint8Array,
  kindCount: number = width,
): number {
  const groups = groupNeeds(tables)
  let bound = 0
  for (let kind = 0; kind < kindCount; kind++)
    bound = Math.max(bound, boundOf(kind, tables, used, hosts, forced, groups))
  return bound
}

function boundOf(
  kind: number,
  { capacity, uses, usable, servers, zone, zoneNames, requestedZone }: Tables,
  used: Float64Array,
  hosts: readonly number[],
  forced: Uint8Array,
  groups: GroupNeeds,
): number {
  const most = (host: number) => {
    const taken = used[host * width + kind]!
    const room = capacity[host * width + kind]!
    return !usable[host] ? taken : kind >= cpu ? Math.max(taken, room) : room
  }
  let total = 0
  const pinned = new Float64Array(zoneNames.length)
  for (let server = 0; server < servers.length; server++) {
    total += uses[server * width + kind]!
    if (requestedZone[server]! >= 0) pinned[requestedZone[server]!]! += uses[server * width + kind]!
  }
  const largest = hosts.toSorted((a, b) => forced[b]! - forced[a]! || most(b) - most(a) || a - b)
  const kept = new Set<number>()
  let carried = 0
  const carriedIn = new Float64Array(zoneNames.length)
  const countIn = new Int32Array(zoneNames.length)
  const keep = (host: number) => {
    kept.add(host)
    carried += most(host)
    carriedIn[zone[host]!]! += most(host)
    countIn[zone[host]!]! += 1
  }
  for (const host of largest)
    if (
      forced[host] ||
      carriedIn[zone[host]!]! < pinned[zone[host]!]! ||
      countIn[zone[host]!]! < groups.in[zone[host]!]!
    )
      keep(host)
  for (const host of largest) {
    if (carried >= total && kept.size >= groups.anywhere) break
    if (!kept.has(host)) keep(host)
  }
  return kept.size
}

interface GroupNeeds {
  /** Members of the largest anti-affinity group: each needs a host of its own. */
  readonly anywhere: number
  /** The same for the members that must stay in each zone. */
  readonly in: Int32Array
}

function groupNeeds({ groups, groupSizes, requestedZone, zoneNames }: Tables): GroupNeeds {
  const zones = zoneNames.length
  const members = new Int32Array(groupSizes.length * zones)
  groups.forEach((own, server) => {
    if (requestedZone[server]! >= 0) for (const group of own) members[group * zones + requestedZone[server]!]! += 1
  })
  const needs = new Int32Array(zones)
  members.forEach((count, at) => {
    needs[at % zones] = Math.max(needs[at % zones]!, count)
  })
  return { anywhere: Math.max(0, ...groupSizes), in: needs }
}

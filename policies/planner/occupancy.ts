import { cpu, cpuOfDay, type Tables, width } from './tables.ts'

/** Where every server is while a plan is being tried. */
export interface Occupancy {
  /** Row of the host of each server; -1 while it is nowhere. */
  readonly at: Int32Array
  /** Of hosts, `width` columns. */
  readonly used: Float64Array
  /** Servers on each host, in no order. */
  readonly on: readonly number[][]
  /** Zone, groups and room of the host allow the server now. */
  fits(server: number, host: number): boolean
  /** Zone and groups allow it, whatever the room. */
  allows(server: number, host: number): boolean
  put(server: number, host: number): void
  take(server: number): void
  /** Counts the server on a second host as well, while it moves there. */
  reserve(server: number, host: number): void
  release(server: number, host: number): void
}

/** @param at where the servers are; -1 for nowhere. Not kept. */
export function createOccupancy(tables: Tables, from: Int32Array = tables.home): Occupancy {
  const { capacity, uses, usable, zone, requestedZone, groups, groupSizes, reach } = tables
  const groupCount = groupSizes.length
  const at = new Int32Array(from.length).fill(-1)
  const place = new Int32Array(from.length)
  const used = new Float64Array(capacity.length)
  const members = new Uint16Array(usable.length * groupCount)
  const on: number[][] = Array.from(usable, () => [])

  function reserve(server: number, host: number) {
    for (let kind = 0; kind < width; kind++) used[host * width + kind]! += uses[server * width + kind]!
    for (const group of groups[server]!) members[host * groupCount + group]! += 1
  }
  function release(server: number, host: number) {
    for (let kind = 0; kind < width; kind++) used[host * width + kind]! -= uses[server * width + kind]!
    for (const group of groups[server]!) members[host * groupCount + group]! -= 1
  }
  function put(server: number, host: number) {
    const own = on[host]!
    place[server] = own.length
    own.push(server)
    at[server] = host
    reserve(server, host)
  }
  function take(server: number) {
    const host = at[server]!
    const own = on[host]!
    const last = own.pop()!
    if (last !== server) {
      own[place[server]!] = last
      place[last] = place[server]!
    }
    at[server] = -1
    release(server, host)
  }
  function allows(server: number, host: number) {
    if (usable[host] === 0 || (requestedZone[server]! >= 0 && requestedZone[server] !== zone[host])) return false
    if (reach[server]?.[host] === 0) return false
    for (const group of groups[server]!) if (members[host * groupCount + group]! > 0) return false
    return true
  }
  function fits(server: number, host: number) {
    const need = server * width
    const have = host * width
    return (
      used[have]! + uses[need]! <= capacity[have]! &&
      used[have + cpu]! + uses[need + cpu]! <= capacity[have + cpu]! &&
      used[have + cpuOfDay]! + uses[need + cpuOfDay]! <= capacity[have + cpuOfDay]! &&
      used[have + 1]! + uses[need + 1]! <= capacity[have + 1]! &&
      used[have + 2]! + uses[need + 2]! <= capacity[have + 2]! &&
      allows(server, host)
    )
  }
  for (let server = 0; server < from.length; server++) if (from[server]! >= 0) put(server, from[server]!)
  return { at, used, on, fits, allows, put, take, reserve, release }
}

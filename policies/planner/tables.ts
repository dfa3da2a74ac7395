import { compare } from '../placement.ts'
import type { Model, ModelHost, ModelServer } from './model.ts'
import { reachOf } from './reach.ts'

/**
 * Resources side by side in every row of the tables: vCPU, memory (MiB), disk (GiB), real CPU now and when busy over a day
 * (1/1000 % of a thread).
 */
export const kinds = ['vcpu', 'memory', 'disk', 'cpu', 'cpu over the day'] as const
export const width = kinds.length
export const cpu = 3
export const cpuOfDay = 4

/**
 * A model as numbers: hosts by name and servers by id, each a row. All amounts are whole, so that sums are exact and
 * do not depend on the order of adding.
 */
export interface Tables {
  readonly hosts: readonly ModelHost[]
  readonly servers: readonly ModelServer[]
  /** Of hosts, `width` columns. For real CPU: what a host that receives may come to. */
  readonly capacity: Float64Array
  /** Of servers, `width` columns. */
  readonly uses: Float64Array
  /** False: nobody knows the day of any server, and its column is 0. */
  readonly isDayKnown: boolean
  /** `cpu` or `cpuOfDay`: whichever the servers use more of in all. */
  readonly scarcerCpu: number
  /** Row of the host each server starts on. */
  readonly home: Int32Array
  readonly usable: Uint8Array
  /** Zone of each host. */
  readonly zone: Int32Array
  /** Zone each server must stay in; -1 for any. */
  readonly requestedZone: Int32Array
  readonly zoneNames: readonly string[]
  /** Anti-affinity groups of each server. */
  readonly groups: readonly (readonly number[])[]
  readonly groupSizes: readonly number[]
  /** Hosts each server can be moved to at all, by row: pools, CPU features, traits, sizes. Undefined for any. */
  readonly reach: readonly (Uint8Array | undefined)[]
  /** Soft groups: pairs of servers that would like to part (+1) or to meet (-1). Undefined for most. */
  readonly wishes: readonly (ReadonlyMap<number, number> | undefined)[]
  /** Why each server has to stay, when it has to. */
  readonly stays: readonly (string | undefined)[]
}

const none: readonly number[] = []

/** @param maxCpuPercent real CPU a receiving host may come to, in percent of its threads */
export function tabulate(model: Model, maxCpuPercent: number): Tables {
  const hosts = [...model.hosts].sort((a, b) => compare(a.name, b.name))
  const servers = [...model.servers].sort((a, b) => compare(a.id, b.id))
  const rowOfHost = new Map(hosts.map(({ name }, row) => [name, row]))
  const rowOfServer = new Map(servers.map(({ id }, row) => [id, row]))
  const zoneNames = [...new Set([...hosts.map(({ zone }) => zone), ...servers.flatMap((s) => s.requestedZone ?? [])])]
  zoneNames.sort(compare)
  const zones = new Map(zoneNames.map((name, row) => [name, row]))

  const groups: (readonly number[])[] = servers.map(() => none)
  const groupSizes: number[] = []
  const wishes: (Map<number, number> | undefined)[] = servers.map(() => undefined)
  const stays = servers.map(({ pinned }) => pinned)
  for (const { id, policy, members } of [...model.groups].sort((a, b) => compare(a.id, b.id))) {
    if (members.length < 2) continue
    const rows = members.map((member) => rowOfServer.get(member)!)
    if (policy === 'soft-affinity' || policy === 'soft-anti-affinity') {
      wish(wishes, rows, policy === 'soft-affinity' ? -1 : 1)
      continue
    }
    if (policy === 'affinity') {
      for (const row of rows) stays[row] ??= `has to share a host with the other servers of affinity group ${id}`
      continue
    }
    for (const row of rows) groups[row] = [...groups[row]!, groupSizes.length]
    groupSizes.push(rows.length)
  }
  const isDayKnown = servers.some(({ cpuPercentOfDay }) => cpuPercentOfDay !== undefined)
  const uses = Float64Array.from(
    servers.flatMap(({ uses: { vcpu, memoryMiB, diskGiB }, cpuPercent, cpuPercentOfDay = cpuPercent }) =>
      [vcpu, memoryMiB, diskGiB, cpuPercent * 1000, isDayKnown ? cpuPercentOfDay * 1000 : 0].map((amount) =>
        Math.ceil(amount - 1e-6),
      ),
    ),
  )
  const inAll = (kind: number) => servers.reduce((sum, _, server) => sum + uses[server * width + kind]!, 0)
  return {
    hosts,
    servers,
    capacity: Float64Array.from(
      hosts.flatMap(({ capacity: { vcpu, memoryMiB, diskGiB }, threads }) =>
        [vcpu, memoryMiB, diskGiB, threads * maxCpuPercent * 1000, threads * maxCpuPercent * 1000].map((amount) =>
          Math.floor(amount + 1e-6),
        ),
      ),
    ),
    uses,
    isDayKnown,
    scarcerCpu: inAll(cpuOfDay) > inAll(cpu) ? cpuOfDay : cpu,
    home: Int32Array.from(servers, ({ host }) => rowOfHost.get(host)!),
    usable: Uint8Array.from(hosts, ({ usable }) => (usable === false ? 0 : 1)),
    zone: Int32Array.from(hosts, ({ zone }) => zones.get(zone)!),
    requestedZone: Int32Array.from(servers, ({ requestedZone: zone }) => (zone === undefined ? -1 : zones.get(zone)!)),
    zoneNames,
    groups,
    groupSizes,
    reach: reachOf(hosts, servers, rowOfHost),
    wishes,
    stays,
  }
}

function wish(wishes: (Map<number, number> | undefined)[], rows: readonly number[], sign: number): void {
  for (const one of rows) {
    const own = wishes[one] ?? new Map<number, number>()
    for (const other of rows) if (other !== one) own.set(other, (own.get(other) ?? 0) + sign)
    wishes[one] = own
  }
}

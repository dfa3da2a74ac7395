import type { Host, Resources, Server } from '../core/plan.ts'

/** Ids of the anti-affinity groups with a member on a host, by host name. */
export type Groups = ReadonlyMap<string, ReadonlySet<string>>

/** What no host may exceed: `limit` is a share of its capacity of `key`, 0..1. */
export interface Ceiling {
  readonly key: keyof Resources
  readonly limit: number
}

const kinds = ['vcpu', 'memoryMiB', 'diskGiB'] as const satisfies (keyof Resources)[]

/** Why `target`, with `used` given away, does not take the server; undefined when it does. */
export function refusal(
  server: Server,
  target: Host,
  used: Resources,
  groups: ReadonlySet<string> | undefined,
  { key, limit }: Ceiling,
): string | undefined {
  if (server.requestedZone !== undefined && server.requestedZone !== target.zone) return 'in another zone'
  if (server.group?.policy === 'anti-affinity' && groups?.has(server.group.id)) return 'with a server it must not meet'
  for (const kind of kinds) {
    const need = server.uses[kind]
    if (need > 0 && used[kind] + need > target.capacity[kind]) return `without room (${kind})`
  }
  return shareOf(used[key] + server.uses[key], target.capacity[key]) > limit ? 'above the limit with it' : undefined
}

/** What the targets hold while a plan is being tried. */
export function createOccupancy(targets: readonly Host[], groups: Groups, ceiling: Ceiling) {
  const used = new Map(targets.map((host) => [host.name, { ...host.used }]))
  const held = new Map(targets.map((host) => [host.name, new Set(groups.get(host.name))]))
  const shift = (server: Server, target: Host, sign: 1 | -1) => {
    const of = used.get(target.name)!
    for (const kind of kinds) of[kind] += sign * server.uses[kind]
    if (server.group?.policy !== 'anti-affinity') return
    if (sign === 1) held.get(target.name)?.add(server.group.id)
    else held.get(target.name)?.delete(server.group.id)
  }
  const isTwin = (a: Host, b: Host) =>
    a.zone === b.zone &&
    kinds.every(
      (kind) => a.capacity[kind] === b.capacity[kind] && used.get(a.name)?.[kind] === used.get(b.name)?.[kind],
    ) &&
    held.get(a.name)?.size === 0 &&
    held.get(b.name)?.size === 0
  return {
    /** Hosts that take the server now, emptiest first; of hosts that are alike only the first. */
    targetsOf(server: Server): Host[] {
      const rated = targets
        .filter((host) => refusal(server, host, used.get(host.name)!, held.get(host.name), ceiling) === undefined)
        .map((host) => ({
          host,
          share: shareOf(used.get(host.name)![ceiling.key] + server.uses[ceiling.key], host.capacity[ceiling.key]),
        }))
        .sort((a, b) => a.share - b.share || compare(a.host.name, b.host.name))
      return rated.filter(({ host }, at) => at === 0 || !isTwin(host, rated[at - 1]!.host)).map(({ host }) => host)
    },
    put: (server: Server, target: Host) => shift(server, target, 1),
    take: (server: Server, target: Host) => shift(server, target, -1),
  }
}

/** A host without capacity is over any limit as soon as it holds something. */
export const shareOf = (used: number, capacity: number) =>
  used <= 0 ? 0 : capacity > 0 ? used / capacity : Number.MAX_VALUE

/** By code unit: localeCompare would make plans depend on the locale of the worker. */
export const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

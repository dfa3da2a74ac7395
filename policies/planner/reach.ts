import { compare } from '../placement.ts'
import type { ModelHost, ModelServer } from './model.ts'

/**
 * Which hosts each server can be moved to, whatever the room: hosts of its pool that have the CPU features of its
 * present host and the traits it requires, and that take servers of its size. Servers alike share one array.
 *
 * @returns by row of the server; undefined where every host will do
 */
export function reachOf(
  hosts: readonly ModelHost[],
  servers: readonly ModelServer[],
  rowOfHost: ReadonlyMap<string, number>,
): (Uint8Array | undefined)[] {
  const isSized = hosts.some(({ largest }) => largest !== undefined)
  const hostKeys = hosts.map(({ pool, cpuTraits = [] }) => JSON.stringify([pool ?? '', cpuTraits.toSorted(compare)]))
  if (
    !isSized &&
    new Set(hostKeys).size <= 1 &&
    servers.every((server) => !server.requiredTraits?.length && !server.cpuTraits?.length)
  )
    return servers.map(() => undefined)
  const known = new Map<string, Uint8Array | undefined>()
  return servers.map((server) => {
    const { requiredTraits = [], cpuTraits, uses } = server
    const home = rowOfHost.get(server.host)!
    const size = isSized ? [uses.vcpu, uses.memoryMiB, uses.diskGiB] : []
    const key = `${hostKeys[home]} ${JSON.stringify([requiredTraits.toSorted(compare), cpuTraits?.toSorted(compare), size])}`
    if (!known.has(key)) {
      const reach = Uint8Array.from(hosts, (host) => (canTake(host, hosts[home]!, server) ? 1 : 0))
      known.set(key, reach.every((yes) => yes === 1) ? undefined : reach)
    }
    return known.get(key)
  })
}

function canTake(target: ModelHost, home: ModelHost, { requiredTraits = [], cpuTraits, uses }: ModelServer): boolean {
  if ((target.pool ?? '') !== (home.pool ?? '')) return false
  const has = new Set([...(target.traits ?? []), ...(target.cpuTraits ?? [])])
  if (!(cpuTraits ?? home.cpuTraits ?? []).every((trait) => has.has(trait))) return false
  if (!requiredTraits.every((trait) => has.has(trait))) return false
  const { largest } = target
  return (
    !largest || (uses.vcpu <= largest.vcpu && uses.memoryMiB <= largest.memoryMiB && uses.diskGiB <= largest.diskGiB)
  )
}

import type { Model } from './model.ts'

/** How many pairs of servers of soft groups have it otherwise than they would like, with servers at `hostOf`. */
export function wishesUnheard({ groups, servers }: Model, hostOf: ReadonlyMap<string, string> = new Map()): number {
  const home = new Map(servers.map(({ id, host }) => [id, hostOf.get(id) ?? host]))
  let unheard = 0
  for (const { policy, members } of groups) {
    if (policy !== 'soft-affinity' && policy !== 'soft-anti-affinity') continue
    const onHost = new Map<string, number>()
    for (const member of members) {
      const host = home.get(member) ?? ''
      onHost.set(host, (onHost.get(host) ?? 0) + 1)
    }
    const pairs = (count: number) => (count * (count - 1)) / 2
    const together = [...onHost.values()].reduce((sum, count) => sum + pairs(count), 0)
    unheard += policy === 'soft-anti-affinity' ? together : pairs(members.length) - together
  }
  return unheard
}

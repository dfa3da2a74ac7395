import { compare } from '../placement.ts'
import type { Model, PlannedMove } from './model.ts'

/** Hosts and servers that moves have to do with: their sources and targets, and everything on these. */
export interface Touched {
  readonly hosts: ReadonlySet<string>
  readonly moved: ReadonlySet<string>
}

export const touchedBy = (moves: readonly Pick<PlannedMove, 'serverId' | 'from' | 'to'>[]): Touched => ({
  hosts: new Set(moves.flatMap(({ from, to }) => [from, to])),
  moved: new Set(moves.map(({ serverId }) => serverId)),
})

/**
 * A short text that differs when anything differs that moves rely on: size, zone and kind of the hosts they touch, whether
 * those take servers, what runs there and how large it is, what is pinned, groups. Real use is left out: it changes all
 * the time, and limits on it are checked anew. What happens on other hosts is no reason to give a plan up.
 */
export function fingerprintOf(model: Model, { hosts, moved }: Touched): string {
  const servers = model.servers.filter(({ id, host }) => hosts.has(host) || moved.has(id))
  const ids = new Set(servers.map(({ id }) => id))
  const lines = [
    ...model.hosts
      .filter(({ name }) => hosts.has(name))
      .map((h) => ['host', h.name, h.zone, amounts(h.capacity), h.usable !== false, h.pool, h.cpuTraits, h.traits]),
    ...servers.map((s) => [
      ...['server', s.id, s.host, amounts(s.uses), s.requestedZone, s.pinned, s.requiredTraits],
      ...(s.kind === undefined ? [] : [s.kind, s.power]),
    ]),
    ...model.groups.flatMap(({ id, policy, members }) => {
      const near = members.filter((member) => ids.has(member)).sort(compare)
      return near.some((member) => moved.has(member)) ? [['group', id, policy, ...near]] : []
    }),
  ].map((line) => JSON.stringify(line.map((part) => part ?? null)))
  return digest(lines.sort(compare).join('\n'))
}

const amounts = ({ vcpu, memoryMiB, diskGiB }: { vcpu: number; memoryMiB: number; diskGiB: number }) =>
  [vcpu, memoryMiB, diskGiB].map((amount) => Math.round(amount * 1000) / 1000)

/** 128 bits of the text (four FNV-1a sums with different starts). Tells changes, keeps no secrets. */
export function digest(text: string): string {
  const sums = [0x811c9dc5, 0x01000193, 0x9e3779b9, 0x85ebca6b]
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    for (let part = 0; part < sums.length; part++)
      sums[part] = Math.imul((sums[part] ?? 0) ^ (code + part * 131), 0x01000193) >>> 0
  }
  return sums.map((sum) => sum.toString(16).padStart(8, '0')).join('')
}

import { compare } from '../placement.ts'
import type { GoalPlan, Model, ModelHost } from './model.ts'

/** Draw of a host at this real CPU use: idle draw, and the rest in proportion. Undefined: its power is not known. */
export function wattsOf({ power }: ModelHost, cpuPercent: number): number | undefined {
  if (!power) return undefined
  const share = Math.min(1, Math.max(0, cpuPercent / 100))
  return power.idleWatts + Math.max(0, power.maxWatts - power.idleWatts) * share
}

export interface Energy {
  /** Of all hosts whose power is known. */
  readonly wattsBefore: number
  /** With the hosts of `powerOff` off. */
  readonly wattsAfter: number
  /** Empty hosts that may be switched off after the plan. */
  readonly powerOff: readonly string[]
  /** Empty hosts that stay awake for what may come. */
  readonly reserve: readonly string[]
  /** Hosts that say nothing of their power: neither counted nor switched off. */
  readonly unknown: readonly string[]
}

export interface EnergyOptions {
  /** Empty hosts that stay awake. @default 1 */
  readonly reserveHosts?: number
}

/**
 * What a plan does to the draw of a cloud, and which of the hosts that are empty after it may sleep. The reserve is taken
 * from each zone in turn, the largest hosts first, so that no zone is left without one before another has two.
 */
export function energyOf(
  model: Model,
  plan: Pick<GoalPlan, 'moves'>,
  { reserveHosts = 1 }: EnergyOptions = {},
): Energy {
  const to = new Map(plan.moves.map((move) => [move.serverId, move.to]))
  const before = new Map<string, number>()
  const after = new Map<string, number>()
  const inUse = new Set<string>()
  for (const { id, host, cpuPercent } of model.servers) {
    const then = to.get(id) ?? host
    before.set(host, (before.get(host) ?? 0) + cpuPercent)
    after.set(then, (after.get(then) ?? 0) + cpuPercent)
    inUse.add(then)
  }
  const empty = model.hosts.filter(({ name, usable }) => !inUse.has(name) && usable !== false)
  const reserve = reserveOf(empty, reserveHosts)
  const off = new Set(empty.filter(({ name, power }) => power && !reserve.includes(name)).map(({ name }) => name))
  const sum = (busy: ReadonlyMap<string, number>, hosts: readonly ModelHost[]) =>
    hosts.reduce((watts, host) => watts + (wattsOf(host, (busy.get(host.name) ?? 0) / host.threads) ?? 0), 0)
  return {
    wattsBefore: sum(before, model.hosts),
    wattsAfter: sum(
      after,
      model.hosts.filter(({ name }) => !off.has(name)),
    ),
    powerOff: [...off].sort(compare),
    reserve,
    unknown: model.hosts.flatMap(({ name, power }) => (power ? [] : [name])).sort(compare),
  }
}

function reserveOf(empty: readonly ModelHost[], count: number): string[] {
  const byZone = new Map<string, ModelHost[]>()
  for (const host of empty) byZone.set(host.zone, [...(byZone.get(host.zone) ?? []), host])
  const ranked = [...byZone.values()].flatMap((hosts) =>
    hosts
      .sort((a, b) => b.capacity.memoryMiB - a.capacity.memoryMiB || compare(a.name, b.name))
      .map((host, rank) => ({ host, rank })),
  )
  ranked.sort((a, b) => a.rank - b.rank || compare(a.host.name, b.host.name))
  return ranked.slice(0, count).map(({ host }) => host.name)
}

export interface Drive {
  /** Undefined: leave things as they are. */
  readonly goal?: 'consolidate' | 'spread'
  readonly options: { readonly maxCpuPercent?: number }
  readonly reason: string
}

export interface DriveOptions {
  /** Signal from which hosts are emptied. @default 0.6 */
  readonly consolidateFrom?: number
  /** Signal up to which servers are spread again; what lies between keeps things as they are. @default 0.3 */
  readonly spreadUpTo?: number
  /** CPU limit of hosts at `consolidateFrom`, and at a signal of 1. @default 60, 90 */
  readonly calmCpuPercent?: number
  readonly hardCpuPercent?: number
}

/**
 * How hard to save, by a signal from 0 (energy is plenty) to 1 (dear, or dirty): a price, a carbon intensity, the share
 * that is not renewable. Between the two thresholds nothing changes, so that a signal that trembles moves no server. A
 * signal that is no number from 0 to 1 changes nothing.
 */
export function driveOf(signal: number, options: DriveOptions = {}): Drive {
  const { consolidateFrom = 0.6, spreadUpTo = 0.3, calmCpuPercent = 60, hardCpuPercent = 90 } = options
  const said = `signal ${signal}`
  if (!(signal >= 0 && signal <= 1)) return { options: {}, reason: `${said}: not a number from 0 to 1` }
  if (signal >= consolidateFrom) {
    const hardness = consolidateFrom < 1 ? (signal - consolidateFrom) / (1 - consolidateFrom) : 1
    const maxCpuPercent = calmCpuPercent + (hardCpuPercent - calmCpuPercent) * hardness
    const reason = `${said} is at ${consolidateFrom} or above: hosts are filled up to ${maxCpuPercent.toFixed(0)} %`
    return { goal: 'consolidate', options: { maxCpuPercent }, reason }
  }
  if (signal <= spreadUpTo)
    return { goal: 'spread', options: {}, reason: `${said} is at ${spreadUpTo} or below: energy is plenty` }
  return { options: {}, reason: `${said} lies between ${spreadUpTo} and ${consolidateFrom}: nothing changes` }
}

/**
 * Hosts to wake, so that of what the awake ones have at least `freeShare` (0..1) of vCPUs and memory stays free; the
 * largest first. Empty if that is so already; all that sleep if even they do not suffice.
 *
 * @param asleep names of hosts that were switched off and can be woken
 */
export function hostsToWake(
  { hosts, servers }: Model,
  asleep: ReadonlySet<string>,
  freeShare = 0.1,
): { wake: string[]; suffices: boolean } {
  const need = { vcpu: 0, memoryMiB: 0 }
  for (const { uses } of servers) {
    need.vcpu += uses.vcpu
    need.memoryMiB += uses.memoryMiB
  }
  const awake = hosts.filter(({ name, usable }) => !asleep.has(name) && usable !== false)
  const has = { vcpu: 0, memoryMiB: 0 }
  const add = ({ capacity }: ModelHost) => {
    has.vcpu += capacity.vcpu
    has.memoryMiB += capacity.memoryMiB
  }
  awake.forEach(add)
  const suffices = () => has.vcpu * (1 - freeShare) >= need.vcpu && has.memoryMiB * (1 - freeShare) >= need.memoryMiB
  const woken: string[] = []
  const sleeping = hosts
    .filter(({ name }) => asleep.has(name))
    .sort((a, b) => b.capacity.memoryMiB - a.capacity.memoryMiB || compare(a.name, b.name))
  for (const host of sleeping) {
    if (suffices()) break
    add(host)
    woken.push(host.name)
  }
  return { wake: woken, suffices: suffices() }
}

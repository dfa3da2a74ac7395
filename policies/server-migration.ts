import type { ComputeService, MigrationFacts, ServerFacts } from './nova-facts.ts'

export type MigrationKind = 'live' | 'cold'

/** Nova says it in as many words: nothing more happens to it. `finished` is a cold one that waits to be confirmed. */
const ended = new Set(['completed', 'done', 'error', 'failed', 'cancelled', 'confirmed', 'reverted', 'finished'])
/** Accepted, and not yet on its way: other migrations leave the same host. */
const waiting = new Set(['accepted', 'queued', 'pre-migrating', 'preparing'])

export const hasEnded = ({ status }: MigrationFacts): boolean => ended.has(status)
export const isWaiting = ({ status }: MigrationFacts): boolean => waiting.has(status)

/**
 * What Nova itself gives a live migration by default: 800 s for each GiB of memory, at least 2 GiB.
 * @see https://docs.openstack.org/nova/latest/configuration/config.html#libvirt.live_migration_completion_timeout
 */
export const limitSecondsOf = (memoryMiB: number): number => 800 * Math.max(2, Math.ceil(memoryMiB / 1024))

/**
 * How long a cold migration is waited for: Nova has no limit for it, and cannot abort one. 20 min for shutting down,
 * scheduling and starting, and a minute for each GiB of disk, as if a slow network were shared.
 */
export const coldLimitSecondsOf = (copiedMiB: number): number => 1200 + 60 * Math.ceil(copiedMiB / 1024)

const movable: Readonly<Record<MigrationKind, readonly string[]>> = {
  live: ['active', 'paused'],
  cold: ['active', 'stopped'],
}

/** What never moves live, whatever the hosts are like. */
const neverLive: readonly [spec: RegExp, value: RegExp, why: string][] = [
  [/^hw[:_]mem_encryption$/, /^(yes|true|1|on)$/i, 'its memory is encrypted'],
  [/^accel:device_profile$/, /./, 'it has an accelerator'],
]
const tpm = /^hw[:_]tpm_version$/
const tpmSecret = /^hw[:_]tpm_secret_security$/

/** Where Nova decides by the hosts, which may take longer to say no than a person wants to wait. */
const doubtfulLive: readonly [spec: RegExp, why: string][] = [
  [/^hw[:_](numa_nodes|cpu_policy|mem_page_size|cpu_realtime)$/, 'it is bound to NUMA cells, CPUs or huge pages'],
  [/^pci_passthrough:alias$/, 'it has PCI devices: only those that say `live_migratable` move'],
  [/^hw:pmem$/, 'it has persistent memory'],
  [/^resources\d*:(VGPU|PGPU)$/, 'it has a virtual GPU'],
]

/** Why the server cannot be moved now; undefined when it can. */
export function whyNotMoved(server: ServerFacts, kind: MigrationKind): string | undefined {
  const { vmState, taskState, locked, host, extraSpecs } = server
  if (host === '') return 'it is on no host'
  if (taskState !== null) return `it is busy: ${taskState}`
  if (locked) return 'it is locked'
  if (!movable[kind].includes(vmState))
    return `it is ${vmState}, and only ${movable[kind].join(' and ')} servers are moved ${kind === 'live' ? 'live' : 'cold'}`
  if (kind === 'cold') return undefined
  const specs = Object.entries(extraSpecs)
  for (const [spec, value] of specs) {
    const never = neverLive.find(([name, values]) => name.test(spec) && values.test(value))
    if (never) return `${never[2]} (flavor: ${spec}=${value})`
  }
  const hasTpm = specs.find(([spec]) => tpm.test(spec))
  const secret = specs.find(([spec]) => tpmSecret.test(spec))?.[1] ?? 'user'
  if (hasTpm && secret === 'user') return 'the secret of its TPM belongs to its user, so it cannot be moved live'
  return undefined
}

/** What may make Nova refuse a live migration later on. */
export function doubtsAbout({ extraSpecs, hasConfigDrive }: ServerFacts): string[] {
  const bound = doubtfulLive.flatMap(([spec, why]) =>
    Object.keys(extraSpecs).some((name) => spec.test(name)) ? [why] : [],
  )
  return hasConfigDrive ? [...bound, 'it has a config drive, which older hosts cannot copy'] : bound
}

/** Why a host cannot take servers; undefined when it can, as far as its service says. */
export function whyNotTaken({ isUp, isEnabled, isForcedDown, disabledReason }: ComputeService): string | undefined {
  if (isForcedDown) return 'it is forced down'
  if (!isUp) return 'its nova-compute is down'
  return isEnabled ? undefined : `it is disabled${disabledReason && ` (${disabledReason})`}`
}

/** What can be seen of a server's place after a move. */
export interface Place {
  readonly server: ServerFacts
  /** Nodes that hold room for it, as Placement has them. */
  readonly holders: readonly string[]
  /** Missing where the cloud has no Neutron. */
  readonly ports?: readonly { readonly id: string; readonly host: string; readonly status: string }[]
}

/** What is not yet, or not at all, as it must be once a server has moved; undefined when all is well. */
export function whyNotSettled(
  { server, holders, ports = [] }: Place,
  { from, to, statuses }: { readonly from: string; readonly to?: string; readonly statuses: readonly string[] },
): string | undefined {
  const { host, node, status, taskState } = server
  if (taskState !== null) return `it is busy: ${taskState}`
  if (host === from) return `it is still on ${from}`
  if (to !== undefined && host !== to) return `it is on ${host}, not on ${to}`
  if (!statuses.includes(status)) return `its status is ${status}, not ${statuses.join(' or ')}`
  const strays = holders.filter((holder) => holder !== node)
  if (strays.length > 0) return `room is still held for it on ${strays.join(', ')}`
  if (holders.length === 0) return 'no room is held for it'
  const lost = ports.find((port) => port.host !== host || (status === 'ACTIVE' && port.status !== 'ACTIVE'))
  return lost && `its port ${lost.id} is ${lost.status} on ${lost.host || 'no host'}`
}

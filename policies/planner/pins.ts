import { compare } from '../placement.ts'
import type { ReadServer } from './cloud-reading.ts'

/** Owners opt a server out with this metadata, whatever its value. */
const optOut = 'steward:pinned'
/** The same for plans only: metadata `steward:optimise` with the value `never`, or the tag of both. */
const optOutOfPlans = { key: 'steward:optimise', value: 'never', tag: 'steward:optimise=never' }

/** What ties a server to parts of its host that no sum of free room can speak for. */
const hostBound: readonly [spec: RegExp, why: string, value?: RegExp][] = [
  [/^hw[:_]numa_nodes$/, 'NUMA nodes'],
  [/^hw[:_]numa_(cpus|mem)\.\d+$/, 'NUMA nodes'],
  [/^hw[:_]cpu_policy$/, 'dedicated CPUs', /^(dedicated|mixed)$/],
  [/^hw[:_]cpu_realtime$/, 'real-time CPUs', /^(yes|true|1|on)$/i],
  [/^hw[:_]mem_page_size$/, 'huge pages', /^(?!small$|any$)/],
  [/^hw[:_]mem_encryption$/, 'memory encryption', /^(yes|true|1|on)$/i],
  [/^hw[:_]pci_numa_affinity_policy$/, 'PCI devices'],
  [/^pci_passthrough:alias$/, 'PCI devices'],
  [/^accel:device_profile$/, 'accelerators'],
  [/^resources\d*:(?!VCPU$|MEMORY_MB$|DISK_GB$)/, 'resources of its own'],
  [/^resources\d+:/, 'resources of its own'],
  [/^group_policy$/, 'resources of its own'],
]

/** Hints that the scheduler follows when a server is made, and that a move could break. */
const bindingHints = ['same_host', 'different_host', 'query', 'target_cell', 'build_near_host_ip', 'cidr']

/** Why a plan must leave the server where it is; undefined when it may move. */
export function whyPinned(server: ReadServer): string | undefined {
  const { metadata, tags, taskState, status } = server
  if (optOut in metadata) return `its owner opted out (metadata ${optOut})`
  if (metadata[optOutOfPlans.key] === optOutOfPlans.value)
    return `its owner opted out (metadata ${optOutOfPlans.key}=${optOutOfPlans.value})`
  if (tags.includes(optOutOfPlans.tag)) return `its owner opted out (tag ${optOutOfPlans.tag})`
  if (server.locked) return 'locked'
  if (taskState !== null) return `busy: ${taskState}`
  if (status !== 'ACTIVE' && status !== 'PAUSED') return `its status is ${status}`
  return whyHostBound(server)
}

/** Whether it stays for being off and for nothing else. */
export const mayMoveCold = (server: ReadServer): boolean =>
  server.status === 'SHUTOFF' && whyPinned({ ...server, status: 'ACTIVE' }) === undefined

function whyHostBound({ flavor, imageProperties = {}, schedulerHints = {} }: ReadServer): string | undefined {
  const sources = [
    ['flavor', flavor.extraSpecs ?? {}],
    ['image', imageProperties],
  ] as const
  for (const [source, specs] of sources)
    for (const [name, value] of Object.entries(specs).sort(([a], [b]) => compare(a, b))) {
      const found = hostBound.find(([spec, , values]) => spec.test(name) && (values?.test(value) ?? true))
      if (found) return `bound to its host by ${found[1]} (${source}: ${name}=${value})`
      if (/^trait\d*:/.test(name) && value === 'forbidden') return `forbids a trait (${source}: ${name})`
    }
  const hint = bindingHints.find((name) => schedulerHints[name] !== undefined)
  return hint && `was placed with the scheduler hint ${hint}`
}

/** Traits that flavor and image ask of a host. */
export function requiredTraitsOf({ flavor, imageProperties = {} }: ReadServer): string[] {
  const specs = [...Object.entries(flavor.extraSpecs ?? {}), ...Object.entries(imageProperties)]
  const required = specs.flatMap(([name, value]) =>
    value === 'required' && name.startsWith('trait:') ? [name.slice('trait:'.length)] : [],
  )
  return [...new Set(required)].sort(compare)
}

import { failure } from '../../core/errors.ts'
import type { Resources } from '../../core/plan.ts'
import { compare } from '../placement.ts'
import type { CloudReading, ReadHost, ReadServer, Room, Usage } from './cloud-reading.ts'
import type { ModelFile } from './model-file.ts'
import { mayMoveCold, requiredTraitsOf, whyPinned } from './pins.ts'

interface Options {
  readonly name?: string
  /** What hosts draw, by name. */
  readonly watts?: ReadonlyMap<string, { readonly idle: number; readonly max: number }>
  /** Real use by server id. Without it real CPU is not known, and counts as none. */
  readonly usage?: ReadonlyMap<string, Usage>
  /** CPU when busy over a day, percent of its own vCPUs, by server id. Undefined: nobody asked. */
  readonly ofDay?: ReadonlyMap<string, number>
  /** Given where the use of every server that runs has to be known: why that of one is not, by server id. */
  readonly notCounted?: ReadonlyMap<string, string>
}

type HostRow = ModelFile['hosts'][number]
type ServerRow = ModelFile['instances'][number]

const kinds = ['vcpu', 'memoryMiB', 'diskGiB'] as const satisfies readonly (keyof Resources)[]

/**
 * Makes a model file of what Nova and Placement said. Where they disagree the stricter one counts, and `notes` says so.
 *
 * Room that Placement has given to somebody else than Nova's servers is taken off the host. A host with more given away
 * than it has takes nothing; it can still be emptied.
 *
 * @throws SNAPSHOT_INCOMPLETE naming everything that is missing or contradicts itself
 */
export function modelFromCloud(
  reading: CloudReading,
  { name = 'live cloud', usage, ofDay, notCounted, watts }: Options = {},
): ModelFile {
  const placed = reading.servers.filter(({ host }) => host !== null)
  const bare = new Set(reading.hosts.filter(isBare).map(({ name: host }) => host))
  const servers = placed.filter(({ host }) => !bare.has(host ?? ''))
  const hosts = reading.hosts.filter((host) => !isBare(host))
  const notes: { where: string; says: string }[] = []
  assertComplete(reading, hosts, servers, notCounted && unmeasured(servers, usage, notCounted))
  for (const what of reading.unseen)
    notes.push({ where: 'Nova', says: `is too old to show ${what}, so plans cannot honour them` })
  if (!usage) notes.push({ where: 'usage', says: 'was not measured: plans see what is given away and not real use' })
  if (usage && ofDay) notes.push(...dayUnknown(servers, ofDay))

  const onHost = new Map<string, ReadServer[]>()
  for (const server of servers) onHost.set(server.host ?? '', [...(onHost.get(server.host ?? '') ?? []), server])
  const wanted = new Set(servers.flatMap(requiredTraitsOf))
  const rows = hosts.map((host) => {
    const { node } = hypervisorOf(host)
    const room = reading.rooms.get(node) as Room
    const row = hostRow(host, room, onHost.get(host.name) ?? [], poolOf(host, room, reading), wanted, notes)
    const draw = watts?.get(host.name)
    return draw ? { ...row, power: { idle_watts: draw.idle, max_watts: draw.max } } : row
  })
  const ids = new Set(servers.map(({ id }) => id))
  const zones = new Map(reading.unseen.includes('pinned zones') ? hosts.map((host) => [host.name, host.zone]) : [])
  const zoneIfUnseen = ({ host }: ReadServer) => zones.get(host ?? '')
  const roomOf = new Map(hosts.map((host) => [host.name, reading.rooms.get(hypervisorOf(host).node) as Room]))
  return {
    format: 'mist-peers-cluster/1',
    name,
    taken_at: reading.takenAt,
    notes: notes.sort((a, b) => compare(a.where, b.where) || compare(a.says, b.says)),
    hosts: rows.sort((a, b) => compare(a.name, b.name)),
    instances: servers
      .map((server) => {
        const row = serverRow(server, roomOf.get(server.host ?? '') as Room, usage, zoneIfUnseen(server))
        const percent = ofDay?.get(server.id)
        return percent === undefined ? row : { ...row, cpu_util_day_pct: Math.min(100, Math.max(0, percent)) }
      })
      .sort((a, b) => compare(a.id, b.id)),
    server_groups: reading.groups
      .flatMap(({ id, policy, members }) => {
        const known = [...new Set(members)].filter((member) => ids.has(member)).sort(compare)
        return isPolicy(policy) && known.length > 0 ? [{ id, policy, members: known }] : []
      })
      .sort((a, b) => compare(a.id, b.id)),
  }
}

type Policy = ModelFile['server_groups'][number]['policy']
const isPolicy = (policy: string): policy is Policy => /^(soft-)?(anti-)?affinity$/.test(policy)

/** Bare metal has no servers that could move. */
const isBare = ({ hypervisor }: ReadHost) => hypervisor?.type.toLowerCase() === 'ironic'

/** A server that does not run uses nothing. */
function unmeasured(servers: readonly ReadServer[], usage: Options['usage'], notCounted: ReadonlyMap<string, string>) {
  return servers
    .filter(({ id, status }) => status === 'ACTIVE' && !usage?.has(id))
    .map(({ id }) => ({ where: id, what: notCounted.get(id) ?? 'its use was not measured' }))
}

/** New servers have no day yet: not a reason to do without a plan, as what they use now is known. */
function dayUnknown(servers: readonly ReadServer[], ofDay: ReadonlyMap<string, number>) {
  const running = servers.filter(({ status }) => status === 'ACTIVE')
  const unknown = running.filter(({ id }) => !ofDay.has(id)).length
  const says = `over a day is not known of ${unknown} of ${running.length} servers that run: what they use now counts for it`
  return unknown > 0 ? [{ where: 'usage', says }] : []
}

function assertComplete(
  { rooms, groups }: CloudReading,
  hosts: readonly ReadHost[],
  servers: readonly ReadServer[],
  unmeasured: readonly { where: string; what: string }[] = [],
) {
  const known = new Set(hosts.map(({ name }) => name))
  const seen = new Set<string>()
  const wrong: { where: string; what: string }[] = []
  if (hosts.length === 0) wrong.push({ where: 'Nova', what: 'lists no host with a hypervisor' })
  for (const { name, hypervisor } of hosts) {
    if (!hypervisor) wrong.push({ where: name, what: 'Nova lists its service and no hypervisor' })
    else if (!rooms.has(hypervisor.node))
      wrong.push({ where: name, what: `Placement has no resource provider ${hypervisor.node}` })
    else if (hypervisor.size.vcpu < 1) wrong.push({ where: name, what: 'its hypervisor has no CPUs' })
  }
  for (const { id, host, flavor } of servers) {
    if (seen.has(id)) wrong.push({ where: id, what: 'is listed twice: the list changed while it was read' })
    seen.add(id)
    if (!known.has(host ?? '')) wrong.push({ where: id, what: `is on ${host}, which has no compute service` })
    if (!flavor.extraSpecs) wrong.push({ where: id, what: 'Nova does not show the extra specs of its flavor' })
  }
  for (const { id, policy } of groups)
    if (!isPolicy(policy)) wrong.push({ where: id, what: `is a server group with the unknown policy ${policy}` })
  wrong.push(...unmeasured)
  if (wrong.length === 0) return
  const said = wrong.slice(0, wrongShown).map(({ where, what }) => `${where}: ${what}`)
  const more = wrong.length > wrongShown ? `; and ${wrong.length - wrongShown} more` : ''
  throw failure('SNAPSHOT_INCOMPLETE', `${said.join('; ')}${more}`, { wrong: wrong.slice(0, wrongKept) })
}

const wrongShown = 5
const wrongKept = 100

function hypervisorOf({ hypervisor }: ReadHost) {
  return hypervisor as NonNullable<ReadHost['hypervisor']>
}

/**
 * What has to be alike for a server to move: hypervisor, kind of storage, and all aggregates that say more than a zone.
 * Stricter than Nova's filters, of which nobody outside can tell which ones are on.
 */
function poolOf({ name, hypervisor }: ReadHost, { hasDisk }: Room, { aggregates }: CloudReading): string {
  const own = aggregates.filter(
    ({ hosts, metadata }) => hosts.includes(name) && Object.keys(metadata).some((key) => key !== 'availability_zone'),
  )
  return [
    hypervisor?.type,
    hypervisor?.architecture,
    hasDisk ? 'own disks' : 'shared disks',
    ...own.map((aggregate) => `aggregate ${aggregate.name}`).sort(compare),
  ]
    .filter((part) => part !== undefined)
    .join(', ')
}

function hostRow(
  host: ReadHost,
  room: Room,
  servers: readonly ReadServer[],
  pool: string,
  wanted: ReadonlySet<string>,
  notes: { where: string; says: string }[],
): HostRow {
  const { size } = hypervisorOf(host)
  const capacity: Record<keyof Resources, number> = { vcpu: 0, memoryMiB: 0, diskGiB: 0 }
  let isOverfull = false
  for (const kind of kinds) {
    const own = servers.reduce((sum, server) => sum + usesOf(server, room)[kind], 0)
    const held = room.used[kind] - own
    if (held > 0)
      notes.push({ where: host.name, says: `${held} ${kind} are given to others than its servers: taken off its room` })
    if (held < 0)
      notes.push({
        where: host.name,
        says: `Placement counts ${room.used[kind]} ${kind} in use, Nova's servers have ${own}: Nova's figure counts`,
      })
    const left = room.capacity[kind] - Math.max(0, held)
    if (own > left) {
      isOverfull = true
      notes.push({ where: host.name, says: `has ${own} ${kind} given away of ${left}: takes no servers` })
    }
    capacity[kind] = Math.max(own, left)
  }
  const cpuTraits = room.traits.filter((trait) => trait.startsWith('HW_CPU_')).sort(compare)
  const traits = room.traits.filter((trait) => wanted.has(trait)).sort(compare)
  const ratio = (amount: number, of: number) => (of > 0 && amount > 0 ? amount / of : 1)
  return {
    name: host.name,
    az: host.zone,
    vcpus: size.vcpu,
    mem_mib: size.memoryMiB,
    disk_gib: size.diskGiB,
    cpu_allocation_ratio: ratio(capacity.vcpu, size.vcpu),
    mem_allocation_ratio: ratio(capacity.memoryMiB, size.memoryMiB),
    disk_allocation_ratio: ratio(capacity.diskGiB, size.diskGiB),
    capacity: { vcpus: capacity.vcpu, mem_mib: capacity.memoryMiB, disk_gib: capacity.diskGiB },
    max_unit: stricter(size, room),
    pool,
    ...((!host.usable || isOverfull) && { enabled: false }),
    ...(cpuTraits.length > 0 && { cpu_traits: cpuTraits }),
    ...(traits.length > 0 && { traits }),
  }
}

/** Nova offers Placement no server larger than the host itself; an operator may have set less. */
function stricter(size: Resources, { largest, hasDisk }: Room): NonNullable<HostRow['max_unit']> {
  const least = (kind: keyof Resources) => Math.min(size[kind], largest?.[kind] ?? Number.MAX_SAFE_INTEGER)
  return {
    vcpus: least('vcpu'),
    mem_mib: least('memoryMiB'),
    disk_gib: hasDisk ? least('diskGiB') : Number.MAX_SAFE_INTEGER,
  }
}

/** What Nova asks Placement for: flavors may say it otherwise, and a root disk on a volume takes no room. */
export function usesOf({ flavor, hasLocalRoot }: ReadServer, { hasDisk }: Pick<Room, 'hasDisk'>): Resources {
  const { vcpus, ram, disk, ephemeral, swap, extraSpecs = {} } = flavor
  const said = (kind: string, usual: number) => {
    const given = Number(extraSpecs[`resources:${kind}`] ?? Number.NaN)
    return Number.isFinite(given) ? given : usual
  }
  const local = (hasLocalRoot ? disk : 0) + ephemeral + Math.ceil(swap / 1024)
  return {
    vcpu: said('VCPU', vcpus),
    memoryMiB: said('MEMORY_MB', ram),
    diskGiB: hasDisk ? said('DISK_GB', local) : 0,
  }
}

function serverRow(server: ReadServer, room: Room, usage: Options['usage'], zoneOfHost: string | undefined): ServerRow {
  const uses = usesOf(server, room)
  const pinned = whyPinned(server)
  const required = requiredTraitsOf(server)
  const used = usage?.get(server.id)
  // a Nova that does not show what its owner asked for may hold it to its zone all the same
  const zone = zoneOfHost ?? server.pinnedZone
  return {
    id: server.id,
    host: server.host ?? '',
    vcpus: uses.vcpu,
    mem_mib: uses.memoryMiB,
    disk_gib: uses.diskGiB,
    cpu_util_pct: Math.min(100, Math.max(0, used?.cpuPercentOfOwn ?? 0)),
    state: server.status.toLowerCase(),
    ...(zone && { pinned_az: zone }),
    ...(pinned !== undefined && { pinned }),
    ...(mayMoveCold(server) && { moves_cold: true }),
    ...(required.length > 0 && { required_traits: required }),
    ...(uses.diskGiB > 0 && { copy_disk_gib: uses.diskGiB }),
    ...(used?.memoryUsedMiB !== undefined && { mem_used_mib: used.memoryUsedMiB }),
    ...(used?.dirtyMiBps !== undefined && { mem_dirty_mib_s: used.dirtyMiBps }),
    ...(used?.networkMbps !== undefined && { net_mbps: used.networkMbps }),
    ...(used?.diskIops !== undefined && { disk_iops: used.diskIops }),
  }
}

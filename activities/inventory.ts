import { z } from 'zod'
import { failure } from '../core/errors.ts'
import type { Host, Resources, Server, Snapshot } from '../core/plan.ts'
import type { ServiceClient } from '../openstack/service.ts'
import type { Session } from '../openstack/session.ts'
import { inLanes } from './in-lanes.ts'
import { listServices } from './nova-services.ts'
import { readServerGroups, type ServerGroup } from './server-groups.ts'
import { runRequestId } from './sessions.ts'

/** Flavors are embedded in servers from 2.47 on, pinned zones shown from 2.96 on; sizes of hosts come from Placement. */
const nova = { min: '2.53', max: '2.96' }
const placement = { min: '1.20', max: '1.39' }
const hostsAtOnce = 8

const NovaServer = z.object({
  id: z.string(),
  name: z.string(),
  status: z.string(),
  locked: z.boolean().default(false),
  metadata: z.record(z.string(), z.string()).default({}),
  pinned_availability_zone: z.string().nullish(),
  flavor: z.object({ vcpus: z.number(), ram: z.number(), disk: z.number() }),
  'OS-EXT-SRV-ATTR:host': z.string().nullish(),
  'OS-EXT-STS:task_state': z.string().nullish(),
})
const Hypervisor = z.object({ hypervisor_hostname: z.string(), service: z.object({ host: z.string() }) })
const Provider = z.object({ uuid: z.string(), name: z.string() })
const Inventory = z.object({ total: z.number(), reserved: z.number(), allocation_ratio: z.number() })
const Inventories = z.object({ inventories: z.record(z.string(), Inventory) })
const Usages = z.object({ usages: z.record(z.string(), z.number()) })

/** Owners opt a server out with this metadata. */
const optOut = 'steward:pinned'

/**
 * Takes one picture of all hosts and servers: services and servers from Nova, room from Placement.
 *
 * @throws SNAPSHOT_INCOMPLETE when the two do not fit together, and what the client throws
 */
export async function takeSnapshot(session: Session, takenAt = new Date()): Promise<Snapshot> {
  const requestId = runRequestId()
  const compute = await session.service('compute').negotiate(nova, { requestId })
  // before the reads begin: one that failed while nobody waits for it yet would end the process
  const room = await session.service('placement').negotiate(placement, { requestId })
  const [services, servers, hypervisors, groups, hostRoom] = await Promise.all([
    listServices(session, { binary: 'nova-compute' }),
    all(compute.pages('/servers/detail', 'servers', NovaServer, { query: { all_tenants: true }, requestId })),
    // later microversions ask every host for its uptime
    all(
      session
        .service('compute', { microversion: '2.53' })
        .pages('/os-hypervisors/detail', 'hypervisors', Hypervisor, { requestId }),
    ),
    readServerGroups(compute, requestId),
    readRoom(room, requestId),
  ])
  const nodeOf = new Map(hypervisors.map((h) => [h.service.host, h.hypervisor_hostname]))
  const hosts = services.map((service): Host => {
    const room = hostRoom.get(nodeOf.get(service.host) ?? service.host)
    if (!room)
      throw failure('SNAPSHOT_INCOMPLETE', `Placement has no resource provider for ${service.host}`, {
        host: service.host,
      })
    const usable = service.state === 'up' && service.status === 'enabled' && !service.forcedDown
    return { name: service.host, ...room, usable, zone: service.zone }
  })
  const groupOf = new Map(groups.flatMap((group) => group.members.map((member) => [member, group] as const)))
  return {
    takenAt: takenAt.toISOString(),
    hosts,
    servers: servers.filter((s) => s['OS-EXT-SRV-ATTR:host']).map((server) => serverOf(server, groupOf.get(server.id))),
  }
}

function serverOf(server: z.infer<typeof NovaServer>, group: ServerGroup | undefined): Server {
  const pinned = whyPinned(server)
  const zone = server.pinned_availability_zone
  const hard = group && (group.policy === 'affinity' || group.policy === 'anti-affinity') ? group.policy : undefined
  return {
    id: server.id,
    name: server.name,
    host: server['OS-EXT-SRV-ATTR:host'] ?? '',
    uses: { vcpu: server.flavor.vcpus, memoryMiB: server.flavor.ram, diskGiB: server.flavor.disk },
    ...(pinned && { pinned }),
    ...(group && hard && { group: { id: group.id, policy: hard } }),
    ...(zone && { requestedZone: zone }),
  }
}

function whyPinned(server: z.infer<typeof NovaServer>): string | undefined {
  const task = server['OS-EXT-STS:task_state']
  if (server.metadata[optOut] !== undefined) return `its owner opted out (metadata ${optOut})`
  if (server.locked) return 'locked'
  if (task) return `busy: ${task}`
  if (server.status !== 'ACTIVE' && server.status !== 'PAUSED') return `its status is ${server.status}`
  return undefined
}

type Room = Pick<Host, 'capacity' | 'used'>

async function readRoom(client: ServiceClient, requestId: string): Promise<Map<string, Room>> {
  const providers = await all(client.pages('/resource_providers', 'resource_providers', Provider, { requestId }))
  const rooms = new Map<string, Room>()
  await inLanes(providers, hostsAtOnce, async ({ uuid, name }) => {
    const [{ inventories }, { usages }] = await Promise.all([
      client.get(`/resource_providers/${uuid}/inventories`, Inventories, { requestId }),
      client.get(`/resource_providers/${uuid}/usages`, Usages, { requestId }),
    ])
    const capacity = resources((kind) => {
      const { total, reserved, allocation_ratio } = inventories[kind] ?? {
        total: 0,
        reserved: 0,
        allocation_ratio: 1,
      }
      return Math.floor((total - reserved) * allocation_ratio)
    })
    rooms.set(name, { capacity, used: resources((kind) => usages[kind] ?? 0) })
  })
  return rooms
}

const resources = (of: (kind: string) => number): Resources => ({
  vcpu: of('VCPU') + of('PCPU'),
  memoryMiB: of('MEMORY_MB'),
  diskGiB: of('DISK_GB'),
})

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

import { z } from 'zod'
import { failure } from '../core/errors.ts'
import type { ServiceClient } from '../openstack/service.ts'
import type { Session } from '../openstack/session.ts'
import type { CloudReading, ReadHost, ReadServer, Usage } from '../policies/planner/cloud-reading.ts'
import { modelFromCloud } from '../policies/planner/from-cloud.ts'
import type { ModelFile } from '../policies/planner/model-file.ts'
import type { ReadUse } from './measured-use.ts'
import { readRooms } from './placement-rooms.ts'
import { readServerGroups } from './server-groups.ts'

export interface CloudModelOptions {
  /** Every request carries it. */
  readonly requestId: string
  readonly name?: string
  /** Real use by server id, measured by somebody else. */
  readonly usage?: ReadonlyMap<string, Usage>
  /** Their CPU when busy over a day, percent of their own vCPUs. */
  readonly ofDay?: ReadonlyMap<string, number>
  /** Or where it is read. */
  readonly readUse?: ReadUse | undefined
  /** Whether it may be missing of servers that run. @default false */
  readonly someUnmeasured?: boolean
  /** What hosts draw, by name. */
  readonly watts?: ReadonlyMap<string, { readonly idle: number; readonly max: number }> | undefined
  /** Hosts whose compute service is disabled for this reason count as open: that is our own doing. */
  readonly ownReason?: string
  /** A picture that took longer shows no one moment. @default 120 000 */
  readonly maxTakingMs?: number
  readonly now?: () => number
}

/** Before 2.69 Nova keeps quiet about servers of cells that are down. Pinned zones 2.96, images 2.98, hints 2.100. */
const nova = { min: '2.69', max: '2.100' }
const placement = { min: '1.29', max: '1.39' }
const shownFrom = [
  [96, 'pinned zones'],
  [98, 'image properties'],
  [100, 'scheduler hints'],
] as const

const Service = z.object({
  host: z.string(),
  zone: z.string().optional(),
  status: z.string(),
  state: z.string().optional(),
  disabled_reason: z.string().nullish(),
  forced_down: z.boolean().default(false),
})
const Hypervisor = z.object({
  id: z.string(),
  hypervisor_hostname: z.string(),
  hypervisor_type: z.string().default('QEMU'),
  service: z.object({ host: z.string() }),
  vcpus: z.number(),
  memory_mb: z.number(),
  local_gb: z.number(),
  cpu_info: z.union([z.object({ arch: z.string().optional() }), z.string()]).nullish(),
})
const Strings = z.record(z.string(), z.string())
const NovaServer = z.object({
  id: z.string(),
  name: z.string().default(''),
  status: z.string(),
  locked: z.boolean().default(false),
  metadata: Strings.default({}),
  tags: z.array(z.string()).default([]),
  image: z.union([z.literal(''), z.object({ properties: Strings.optional() }), z.null()]).optional(),
  pinned_availability_zone: z.string().nullish(),
  scheduler_hints: z.record(z.string(), z.unknown()).optional(),
  flavor: z
    .object({
      vcpus: z.number(),
      ram: z.number(),
      disk: z.number(),
      ephemeral: z.number().default(0),
      swap: z.number().default(0),
      extra_specs: Strings.optional(),
    })
    .optional(),
  'OS-EXT-SRV-ATTR:host': z.string().nullish(),
  'OS-EXT-STS:task_state': z.string().nullish(),
})
const Aggregates = z.object({
  aggregates: z.array(z.object({ name: z.string(), hosts: z.array(z.string()), metadata: Strings })),
})

/**
 * Takes one picture of a whole cloud for the planner, by reads only, in few calls: 1,000 hosts with 20,000 servers take
 * about 30, and three for each host without a free vCPU or MiB. Takes the rights of an administrator who may read.
 *
 * @throws SNAPSHOT_INCOMPLETE with what and where, when the picture has gaps, contradicts itself or took too long; and
 *   what the client and `readUse` throw
 */
export async function readCloudModel(session: Session, options: CloudModelOptions): Promise<ModelFile> {
  const {
    requestId,
    name,
    ownReason,
    watts,
    readUse,
    someUnmeasured = false,
    maxTakingMs = 120_000,
    now = Date.now,
  } = options
  const beganMs = now()
  const compute = await session.service('compute').negotiate(nova, { requestId })
  // before the reads begin: one that failed while nobody waits for it yet would end the process
  const room = await session.service('placement').negotiate(placement, { requestId })
  const [hosts, servers, groups, { aggregates }, rooms, use] = await Promise.all([
    readHosts(session, compute, requestId, ownReason),
    all(compute.pages('/servers/detail', 'servers', NovaServer, { query: { all_tenants: true }, requestId })),
    readServerGroups(compute, requestId),
    compute.get('/os-aggregates', Aggregates, { requestId }),
    readRooms(room, requestId),
    readUse?.(),
  ])
  const tookMs = now() - beganMs
  if (tookMs > maxTakingMs)
    throw failure('SNAPSHOT_INCOMPLETE', `the picture took ${Math.round(tookMs / 1000)} s and shows no one moment`, {
      tookMs,
      maxTakingMs,
    })
  const minor = Number(compute.microversion?.split('.')[1])
  const reading: CloudReading = {
    takenAt: new Date(beganMs).toISOString(),
    hosts,
    servers: servers.map(serverOf),
    groups,
    aggregates,
    rooms,
    unseen: shownFrom.flatMap(([from, what]) => (minor < from ? [what] : [])),
  }
  const usage = use?.usage ?? options.usage
  const ofDay = use ? use.ofDay : options.ofDay
  return modelFromCloud(reading, {
    ...(name !== undefined && { name }),
    ...(watts && { watts }),
    ...(usage && { usage }),
    ...(ofDay && { ofDay }),
    ...(use && !someUnmeasured && { notCounted: use.notCounted }),
  })
}

async function readHosts(
  session: Session,
  compute: ServiceClient,
  requestId: string,
  ownReason: string | undefined,
): Promise<ReadHost[]> {
  const query = { binary: 'nova-compute' }
  const services = await all(compute.pages('/os-services', 'services', Service, { query, requestId }))
  // sizes are shown up to 2.87, and later versions ask every host for its uptime
  const sized = session.service('compute', { microversion: '2.53' })
  const hypervisors = await all(sized.pages('/os-hypervisors/detail', 'hypervisors', Hypervisor, { requestId }))
  const byHost = new Map(hypervisors.map((hypervisor) => [hypervisor.service.host, hypervisor]))
  return services.map(({ host, zone, status, state, disabled_reason: reason, forced_down }) => {
    if (status === 'UNKNOWN' || zone === undefined) throw cellDown('the compute service of', host)
    const hypervisor = byHost.get(host)
    const info = hypervisor?.cpu_info
    const architecture = typeof info === 'object' && info !== null ? info.arch : undefined
    return {
      name: host,
      zone,
      usable: state === 'up' && (status === 'enabled' || (!!reason && reason === ownReason)) && !forced_down,
      ...(hypervisor && {
        hypervisor: {
          node: hypervisor.hypervisor_hostname,
          type: hypervisor.hypervisor_type,
          ...(architecture !== undefined && { architecture }),
          size: { vcpu: hypervisor.vcpus, memoryMiB: hypervisor.memory_mb, diskGiB: hypervisor.local_gb },
        },
      }),
    }
  })
}

/** Nova answers with a few fields and this status for what lies in a cell it cannot reach. */
const cellDown = (what: string, where: string) =>
  failure('SNAPSHOT_INCOMPLETE', `Nova cannot reach the cell of ${what} ${where}`, { where })

function serverOf(server: z.infer<typeof NovaServer>): ReadServer {
  const { id, name, status, locked, metadata, tags, image, flavor, scheduler_hints: hints } = server
  if (!flavor) throw cellDown('server', id)
  const properties = typeof image === 'object' ? image?.properties : undefined
  return {
    id,
    name,
    host: server['OS-EXT-SRV-ATTR:host'] ?? null,
    status,
    taskState: server['OS-EXT-STS:task_state'] ?? null,
    locked,
    metadata,
    tags,
    flavor: {
      vcpus: flavor.vcpus,
      ram: flavor.ram,
      disk: flavor.disk,
      ephemeral: flavor.ephemeral,
      swap: flavor.swap,
      ...(flavor.extra_specs && { extraSpecs: flavor.extra_specs }),
    },
    // Nova writes no image as an empty string, for servers that started from a volume
    hasLocalRoot: image !== '' && image !== null,
    pinnedZone: server.pinned_availability_zone ?? null,
    ...(properties && { imageProperties: properties }),
    ...(hints && { schedulerHints: hints }),
  }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

import { z } from 'zod'
import { failure } from '../core/errors.ts'

const ServerBody = z.object({
  server: z.object({
    id: z.string(),
    name: z.string().default(''),
    status: z.string(),
    locked: z.boolean().default(false),
    config_drive: z.string().nullish(),
    tenant_id: z.string().optional(),
    image: z.union([z.literal(''), z.object({ id: z.string() }), z.null()]).optional(),
    flavor: z.object({ ram: z.number(), extra_specs: z.record(z.string(), z.string()).default({}) }),
    'OS-EXT-STS:task_state': z.string().nullish(),
    'OS-EXT-STS:vm_state': z.string().default(''),
    'OS-EXT-STS:power_state': z.number().nullish(),
    'OS-EXT-SRV-ATTR:host': z.string().nullish(),
    'OS-EXT-SRV-ATTR:hypervisor_hostname': z.string().nullish(),
  }),
})

/** One server as Nova shows it to an administrator, at one moment. */
export interface ServerFacts {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly vmState: string
  readonly taskState: string | null
  readonly locked: boolean
  /** Empty while it is on no host. */
  readonly host: string
  /** Placement knows the host by this name. */
  readonly node: string
  readonly memoryMiB: number
  readonly extraSpecs: Readonly<Record<string, string>>
  readonly hasConfigDrive: boolean
  /** Missing for servers that started from a volume. */
  readonly imageId?: string
  /** Whether the hypervisor runs it, as far as Nova knows. */
  readonly isPowered: boolean
}

/** From here on a server has its flavor with it, and Nova takes no order to force a host. */
export const serverMicroversion = '2.68'

const running = 1

/** @throws CLOUD_ANSWER_UNREADABLE */
export function serverIn(body: unknown): ServerFacts {
  const { server } = read(ServerBody, body, 'a server')
  const { image, flavor } = server
  return {
    id: server.id,
    name: server.name || server.id,
    status: server.status,
    vmState: server['OS-EXT-STS:vm_state'],
    taskState: server['OS-EXT-STS:task_state'] ?? null,
    locked: server.locked,
    host: server['OS-EXT-SRV-ATTR:host'] ?? '',
    node: server['OS-EXT-SRV-ATTR:hypervisor_hostname'] ?? '',
    memoryMiB: flavor.ram,
    extraSpecs: flavor.extra_specs,
    hasConfigDrive: server.config_drive === 'True',
    isPowered: server['OS-EXT-STS:power_state'] === running,
    ...(image && { imageId: image.id }),
  }
}

const MigrationsBody = z.object({
  migrations: z.array(
    z.object({
      id: z.int(),
      uuid: z.string(),
      status: z.string(),
      migration_type: z.string(),
      instance_uuid: z.string(),
      source_compute: z.string().nullish(),
      dest_compute: z.string().nullish(),
    }),
  ),
})

export interface MigrationFacts {
  /** In the paths of its server. */
  readonly number: number
  readonly uuid: string
  readonly status: string
  readonly kind: string
  readonly serverId: string
  readonly from: string
  readonly to: string
}

/** @throws CLOUD_ANSWER_UNREADABLE */
export const migrationsIn = (body: unknown): MigrationFacts[] =>
  read(MigrationsBody, body, 'a list of migrations').migrations.map((one) => ({
    number: one.id,
    uuid: one.uuid,
    status: one.status,
    kind: one.migration_type,
    serverId: one.instance_uuid,
    from: one.source_compute ?? '',
    to: one.dest_compute ?? '',
  }))

const ServicesBody = z.object({
  services: z.array(
    z.object({
      id: z.string(),
      host: z.string(),
      zone: z.string().default(''),
      status: z.string(),
      state: z.string(),
      forced_down: z.boolean().default(false),
      disabled_reason: z.string().nullish(),
      updated_at: z.string().nullish(),
    }),
  ),
})

/** The nova-compute service of one host. */
export interface ComputeService {
  readonly id: string
  readonly host: string
  readonly zone: string
  readonly isUp: boolean
  readonly isEnabled: boolean
  readonly isForcedDown: boolean
  readonly disabledReason: string
  /** Time of its last report, as Nova gives it. */
  readonly reportedAt: string
}

/** @throws CLOUD_ANSWER_UNREADABLE */
export const servicesIn = (body: unknown): ComputeService[] =>
  read(ServicesBody, body, 'a list of services').services.map((one) => ({
    id: one.id,
    host: one.host,
    zone: one.zone,
    isUp: one.state === 'up',
    isEnabled: one.status === 'enabled',
    isForcedDown: one.forced_down,
    disabledReason: one.disabled_reason ?? '',
    reportedAt: one.updated_at ?? '',
  }))

/** Reads what a service said. @throws CLOUD_ANSWER_UNREADABLE */
export function read<S extends z.ZodType>(schema: S, body: unknown, what: string): z.output<S> {
  const { success, data, error } = schema.safeParse(body)
  if (success) return data
  const [issue] = error.issues
  throw failure('CLOUD_ANSWER_UNREADABLE', `what should be ${what} is not: ${issue?.path.join('.')}: ${issue?.message}`)
}

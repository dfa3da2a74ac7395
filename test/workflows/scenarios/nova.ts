import type { Activities } from '../../../core/activities.ts'
import type { Move } from '../../../core/plan.ts'
import type { Effect } from './actions.ts'
import { type Did, idOf } from './scenario.ts'

/** The host that scenarios are about. */
export const host = 'compute1'
const others = ['compute2', 'compute3', 'compute4']

/** Times of reports, one later than the other. */
export const reports = ['2026-11-20T10:00:00.000000', '2026-11-20T11:00:00.000000'] as const

const serviceOn = (name: string, at: number) => ({
  ...{ id: idOf(100 + at), host: name, zone: 'nova', binary: 'nova-compute' },
  ...{ status: 'enabled', state: 'up', forced_down: false },
  ...{ disabled_reason: null as string | null, updated_at: reports[0] as string },
})
type Service = ReturnType<typeof serviceOn>

/** A running server on a volume. */
const serverOn = (n: number) => ({
  ...{ id: idOf(n), name: `web-${n}`, status: 'ACTIVE', locked: false, image: '' as const, flavor: { ram: 512 } },
  ...{ 'OS-EXT-STS:task_state': null as string | null, 'OS-EXT-STS:vm_state': 'active' },
  ...{ 'OS-EXT-STS:power_state': 1, host },
})
type Server = ReturnType<typeof serverOn>

interface Migration {
  readonly id: number
  readonly uuid: string
  status: string
  readonly migration_type: 'live-migration' | 'evacuation'
  readonly instance_uuid: string
  readonly source_compute: string
  readonly dest_compute: string
}

export interface NovaOptions {
  /** How many servers are on the host. @default 0 */
  readonly servers?: number
  readonly service?: Partial<Service>
  readonly server?: Partial<Server>
}

/** So many looks at a migration find it under way. */
const looksUntilOver = { 'live-migration': 3, evacuation: 1 } as const

/** Servers on four hosts as Nova, Placement and Neutron show them, and what can be done to them. */
export function createNova({ servers: count = 0, service: more, server }: NovaOptions = {}) {
  const service: Service = { ...serviceOn(host, 0), ...more }
  const services = [service, ...others.map((name, at) => serviceOn(name, at + 1))]
  const servers = Array.from({ length: count }, (_, at): Server => ({ ...serverOn(at + 1), ...server }))
  const migrations: Migration[] = []
  const looks = new Map<string, number>()
  const serverWith = (id: unknown) => servers.find((one) => one.id === id)

  function begin(
    migration_type: Migration['migration_type'],
    { id: instance_uuid, host: source_compute }: Server,
  ): void {
    const n = migrations.length + 1
    migrations.unshift({
      ...{ id: n, uuid: idOf(200 + n), status: 'running', migration_type, instance_uuid, source_compute },
      dest_compute: 'compute2',
    })
  }

  function goOn(migration: Migration): void {
    const seen = (looks.get(migration.uuid) ?? 0) + 1
    looks.set(migration.uuid, seen)
    const moved = serverWith(migration.instance_uuid)
    if (migration.status !== 'running' || seen <= looksUntilOver[migration.migration_type] || !moved) return
    migration.status = migration.migration_type === 'evacuation' ? 'done' : 'completed'
    moved.host = migration.dest_compute
  }

  const shown = ({ host: on, ...rest }: Server) => ({
    ...rest,
    ...{ 'OS-EXT-SRV-ATTR:host': on, 'OS-EXT-SRV-ATTR:hypervisor_hostname': on },
  })

  function answerTo(path: string): object | undefined {
    const { pathname, searchParams } = new URL(path, 'http://nova')
    const [, kind = '', id = '', of] = pathname.split('/')
    const on = searchParams.get('host')
    if (kind === 'os-services') return { services: services.filter((one) => on === null || one.host === on) }
    if (kind === 'os-migrations') {
      const asked = searchParams.get('instance_uuid')
      const found = migrations.filter((one) => asked === null || one.instance_uuid === asked)
      found.forEach(goOn)
      return { migrations: found.map((one) => ({ ...one })) }
    }
    if (kind === 'allocations') return { allocations: { [serverWith(id)?.host ?? '']: {} } }
    if (kind === 'resource_providers') return { name: id }
    if (kind === 'v2.0') return { ports: [] }
    if (of === 'os-instance-actions') return { instanceActions: [] }
    if (id === '' || id === 'detail') return { servers: servers.filter((one) => one.host === on).map(shown) }
    const one = serverWith(id)
    return one && { server: shown(one) }
  }

  const effects: Record<string, Effect> = {
    'compute-service.disable': {
      isDone: () => service.status === 'disabled',
      apply: ({ reason }) => void Object.assign(service, { status: 'disabled', disabled_reason: reason }),
    },
    'compute-service.enable': {
      isDone: () => service.status === 'enabled',
      apply: () => void Object.assign(service, { status: 'enabled', disabled_reason: null }),
    },
    [`PUT /os-services/${service.id}`]: {
      isDone: ({ forced_down }) => service.forced_down === forced_down,
      apply: ({ forced_down }) => void Object.assign(service, { forced_down, state: forced_down ? 'down' : 'up' }),
    },
    'server.lock': {
      isDone: ({ serverId }) => serverWith(serverId)?.locked === true,
      apply: ({ serverId }) => void Object.assign(serverWith(serverId) ?? {}, { locked: true }),
    },
    'server.unlock': {
      isDone: ({ serverId }) => serverWith(serverId)?.locked === false,
      apply: ({ serverId }) => void Object.assign(serverWith(serverId) ?? {}, { locked: false }),
    },
    'server.abort-live-migration': {
      refusal: ({ migrationId }) => (running(migrationId) ? undefined : 'the migration is not under way'),
      apply: ({ migrationId }) => void Object.assign(running(migrationId) ?? {}, { status: 'cancelled' }),
    },
    ...Object.fromEntries(
      servers.map((one): [string, Effect] => [
        `POST /servers/${one.id}/action`,
        { apply: (body) => begin('evacuate' in body ? 'evacuation' : 'live-migration', one) },
      ]),
    ),
  }
  const running = (id: unknown) => migrations.find((one) => one.id === id && one.status === 'running')

  return {
    service,
    servers,
    migrations,
    effects,
    readCloud: (async ({ path }) => {
      const body = answerTo(path)
      return body === undefined ? { status: 404 } : { status: 200, body }
    }) satisfies Activities['readCloud'],
    /** As the real one: a server that has left is a success. */
    moving(did: Did): Pick<Activities, 'liveMigrate'> {
      return {
        async liveMigrate({ serverId, serverName, from, to }) {
          const moved = serverWith(serverId)
          if (moved?.host === from) {
            did(`move of ${serverName}`)
            moved.host = to
          }
          return { host: to, migrationUuid: idOf(200), durationMs: 900 }
        },
      }
    },
    /** A move of each server. */
    moves: servers.map(
      ({ id: serverId, name: serverName }): Move => ({
        ...{ serverId, serverName, from: host, to: 'compute2', memoryMiB: 512, reason: 'leaves' },
      }),
    ),
  }
}

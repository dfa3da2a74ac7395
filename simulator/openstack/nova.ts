import { type Answer, field, type Request } from './listener.ts'
import { answerInstanceActions, answerMigrations, listUnderWay, performAction } from './nova-actions.ts'
import { changeMigration } from './nova-moves.ts'
import { createServer, deleteServer, listServers, showServer } from './nova-servers.ts'
import { authenticated, type Caller, isCaller, microversionOf } from './rights.ts'
import { note } from './trusts.ts'
import { type Flavor, flavors, novaTime, type RoleName, type Service, type World } from './world.ts'

/** One call to Nova that has passed its door. */
export interface NovaCall {
  readonly world: World
  readonly request: Request
  readonly caller: Caller
  readonly minor: number
}

/** Nova: services, hypervisors, groups, servers with their actions, and live migrations. */
export const createNova = (world: World) => {
  return (request: Request): Answer => {
    const caller = authenticated(world, request)
    if (!isCaller(caller)) return withRequestId(request, caller)
    if (request.path === '/v2.1/' || request.path === '/v2.1')
      return { status: 200, body: { version: versionOf(world, request) } }
    const { minor = 1, asked = '2.1' } = microversionOf(request, 'compute') ?? {}
    const headers = { 'openstack-api-version': `compute ${asked}` }
    if (minor > world.novaMinor)
      return novaFault(
        406,
        'computeFault',
        `Version ${asked} is not supported by the API. Minimum is 2.1 and maximum is 2.${world.novaMinor}.`,
      )
    const answer = route({ world, request, caller, minor })
    return withRequestId(request, { ...answer, headers: { ...headers, ...answer.headers } })
  }
}

const withRequestId = ({ requestId }: Request, answer: Answer): Answer => ({
  ...answer,
  headers: { ...answer.headers, 'x-compute-request-id': requestId },
})

function route(call: NovaCall): Answer {
  const { request } = call
  const path = request.path.replace(/^\/v2\.1/, '')
  if (path === '/os-services') return onlyFor('admin', call, 'os-services:list') ?? listServices(call)
  const [, serviceId] = /^\/os-services\/([^/]+)$/.exec(path) ?? []
  if (serviceId) return onlyFor('admin', call, 'os-services:update') ?? updateService(call, serviceId)
  if (path === '/os-hypervisors/detail')
    return onlyFor('admin', call, 'os-hypervisors:list-detail') ?? listHypervisors(call)
  if (path === '/limits') return { status: 200, body: { limits: { rate: [], absolute: limitsOf(call) } } }
  const [, flavorId] = /^\/flavors\/([^/]+)$/.exec(path) ?? []
  if (flavorId !== undefined) return showFlavor(flavorId)
  if (path === '/os-server-groups') return listGroups(call)
  if (path === '/os-aggregates')
    return onlyFor('admin', call, 'os-aggregates:index') ?? { status: 200, body: { aggregates: call.world.aggregates } }
  if (path === '/os-migrations') return onlyFor('admin', call, 'os-migrations:index') ?? answerMigrations(call)
  if (path === '/servers/detail' || path === '/servers')
    return request.method === 'POST' ? createServer(call) : listServers(call)
  const [, serverId = '', below, belowId] =
    /^\/servers\/([^/]+)(?:\/([^/]+)(?:\/([^/]+)(?:\/action)?)?)?$/.exec(path) ?? []
  const server = call.world.servers.find(({ id }) => id === serverId)
  const isVisible = server && (server.projectId === call.caller.projectId || call.caller.roles.includes('admin'))
  if (!isVisible) return novaFault(404, 'itemNotFound', `Instance ${serverId} could not be found.`)
  if (below === undefined) return request.method === 'DELETE' ? deleteServer(call, server) : showServer(call, server)
  if (below === 'os-instance-actions') return answerInstanceActions(call, server, belowId)
  if (below === 'migrations' && belowId === undefined)
    return onlyFor('manager', call, 'servers:migrations:index') ?? listUnderWay(call, server)
  if (below === 'migrations') return changeMigration(call, server, Number(belowId))
  return performAction(call, server)
}

export const novaFault = (status: number, name: string, message: string): Answer => ({
  status,
  body: { [name]: { code: status, message } },
})

/** The refusal of a caller without a role, if they are without it. */
export function onlyFor(role: RoleName, { caller }: NovaCall, rule: string): Answer | undefined {
  if (caller.roles.includes(role)) return undefined
  return novaFault(403, 'forbidden', `Policy doesn't allow os_compute_api:${rule} to be performed.`)
}

/** Cut into pages by offset, without links to the next. */
function listGroups({ world, request: { query } }: NovaCall): Answer {
  const from = Number(query.get('offset') ?? 0)
  const size = Math.min(Number(query.get('limit') ?? world.pageSize), world.pageSize)
  return { status: 200, body: { server_groups: world.groups.slice(from, from + size) } }
}

/** Of the project of the caller; a server counts whatever its status. */
function limitsOf({ world, caller }: NovaCall) {
  const own = world.servers.filter(({ projectId }) => projectId === caller.projectId)
  const sum = (of: (flavor: Flavor) => number) => own.reduce((total, { flavor }) => total + of(flavor), 0)
  return {
    ...{ maxTotalInstances: world.quota.instances, totalInstancesUsed: own.length },
    ...{ maxTotalCores: world.quota.cores, totalCoresUsed: sum(({ vcpus }) => vcpus) },
    ...{ maxTotalRAMSize: world.quota.ram, totalRAMUsed: sum(({ ram }) => ram) },
  }
}

function showFlavor(flavorId: string): Answer {
  const flavor = flavors.find(({ id }) => id === flavorId)
  if (!flavor) return novaFault(404, 'itemNotFound', `Flavor ${flavorId} could not be found.`)
  const { id, name, vcpus, ram, disk } = flavor
  return { status: 200, body: { flavor: { id, name, vcpus, ram, disk } } }
}

const versionOf = ({ novaMinor }: World, { url }: Request) => ({
  id: 'v2.1',
  status: 'CURRENT',
  version: `2.${novaMinor}`,
  min_version: '2.1',
  links: [{ rel: 'self', href: `${url}/v2.1/` }],
})

const reportEveryMs = 2_000
const downAfterMs = 6_000

/** When a service last reported: every 2 s, while it lives. */
export function lastReport({ now }: World, service: Service): number {
  const sinceMs = now() - service.reportsFromMs
  if (service.alive && sinceMs >= 0)
    service.lastReportMs = service.reportsFromMs + Math.floor(sinceMs / reportEveryMs) * reportEveryMs
  return service.lastReportMs
}

export const isUp = (world: World, service: Service): boolean =>
  !service.forcedDown && world.now() - lastReport(world, service) <= downAfterMs

function listServices({ world, request: { query }, minor }: NovaCall): Answer {
  const fits = (name: 'binary' | 'host', value: string) => query.get(name) === null || query.get(name) === value
  const services = world.services
    .filter((s) => fits('binary', s.binary) && fits('host', s.host))
    .map((service) => bodyOf(world, service, minor))
  return { status: 200, body: { services } }
}

const bodyOf = (world: World, service: Service, minor: number) => ({
  id: minor >= 53 ? service.id : service.number,
  binary: service.binary,
  host: service.host,
  zone: service.zone,
  status: service.status,
  state: isUp(world, service) ? 'up' : 'down',
  updated_at: novaTime(lastReport(world, service)),
  disabled_reason: service.disabledReason,
  ...(minor >= 11 && { forced_down: service.forcedDown }),
})

/** `PUT /os-services/{id}`, as from 2.53 on. */
function updateService({ world, request, caller, minor }: NovaCall, id: string): Answer {
  const service = world.services.find((one) => one.id === id)
  if (!service) return novaFault(404, 'itemNotFound', `Compute service ${id} could not be found.`)
  if (service.binary !== 'nova-compute')
    return novaFault(
      400,
      'badRequest',
      `Updating a ${service.binary} service is not supported. Only nova-compute services can be updated.`,
    )
  const status = field(request.body, 'status')
  const reason = field(request.body, 'disabled_reason')
  const forced = field(request.body, 'forced_down')
  if (reason !== undefined && status !== 'disabled')
    return novaFault(400, 'badRequest', "Specifying 'disabled_reason' with status 'enabled' is invalid.")
  const isLeft = world.migrations.some((m) => m.kind === 'evacuation' && m.from === service.host && m.status === 'done')
  if (forced === false && isLeft)
    return novaFault(
      400,
      'badRequest',
      `Unable to force up host ${service.host} as \`done\` evacuation migration records remain associated with the host. Ensure the compute service has been restarted, allowing these records to move to \`completed\` before retrying this request.`,
    )
  if (status === 'disabled' || status === 'enabled')
    Object.assign(service, { status, disabledReason: typeof reason === 'string' ? reason : null })
  if (typeof forced === 'boolean') service.forcedDown = forced
  note(
    world,
    request,
    caller,
    typeof forced === 'boolean' ? `service forced ${forced ? 'down' : 'up'}` : `service ${String(status)}`,
    service.host,
  )
  return { status: 200, body: { service: bodyOf(world, service, minor) } }
}

function listHypervisors({ world, minor }: NovaCall): Answer {
  const hypervisors = world.hosts.map((host) => {
    const service = world.services.find((s) => s.host === host.name)
    return {
      id: minor >= 53 ? host.id : world.hosts.indexOf(host) + 1,
      hypervisor_hostname: host.node,
      state: service && isUp(world, service) ? 'up' : 'down',
      status: service?.status,
      service: { id: service?.id, host: host.name, disabled_reason: null },
      hypervisor_type: host.hypervisorType ?? 'QEMU',
      // 2.88 took the sizes away
      ...(minor < 88 && {
        vcpus: host.size.VCPU,
        memory_mb: host.size.MEMORY_MB,
        local_gb: host.size.DISK_GB,
        cpu_info: { arch: 'x86_64' },
      }),
    }
  })
  return { status: 200, body: { hypervisors } }
}

/** Name and options of a server action; a body has one of them. */
export function actionOf({ body }: Request): { name: string; options: unknown } {
  const [name = ''] = Object.keys((body as object | undefined) ?? {})
  return { name, options: field(body, name) }
}

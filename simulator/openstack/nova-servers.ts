import { randomUUID } from 'node:crypto'
import { type Answer, field } from './listener.ts'
import { type NovaCall, novaFault, onlyFor } from './nova.ts'
import { note } from './trusts.ts'
import { amountsOf, flavors, novaTime, nowOf, type Server, type World } from './world.ts'

/** Lists servers page by page; those of all projects for administrators. */
export function listServers(call: NovaCall): Answer {
  const { world, request, caller } = call
  const { query, path, url } = request
  const isAll = isYes(query.get('all_tenants'))
  const refused = isAll ? onlyFor('admin', call, 'servers:detail:get_all_tenants') : undefined
  if (refused) return refused
  const all = world.servers.filter(
    (server) =>
      (isAll || server.projectId === caller.projectId) &&
      !(server.cellDown && call.minor < 69) &&
      isWanted(server, call, isAll),
  )
  const from = all.findIndex(({ id }) => id === query.get('marker')) + 1
  const size = Math.min(Number(query.get('limit') ?? world.pageSize), world.pageSize)
  const page = all.slice(from, from + size)
  const more = new URLSearchParams(query)
  more.set('marker', page.at(-1)?.id ?? '')
  const link = { rel: 'next', href: `${url}${path}?${more}` }
  return {
    status: 200,
    body: {
      servers: page.map((server) => bodyOf(call, server)),
      ...(page.length === size && { servers_links: [link] }),
    },
  }
}

/** What lists of servers can be asked for here; what else Nova filters and sorts by is not simulated. */
export const serverFilters: readonly string[] = [
  ...['all_tenants', 'limit', 'marker', 'name', 'status', 'host', 'project_id', 'tenant_id', 'user_id'],
]

const isYes = (word: string | null) => word !== null && !/^(0|f|false|off|n|no)$/i.test(word)

/** Whether a list has this server; filters by host, project and user are for administrators, and ignored of others. */
function isWanted(server: Server, { request: { query }, caller }: NovaCall, isAll: boolean): boolean {
  const fits = (filter: string, value: string | null) => query.get(filter) === null || query.get(filter) === value
  const statuses = query.getAll('status').map((status) => status.toUpperCase())
  if (statuses.length > 0 && !statuses.includes(server.status)) return false
  if (!new RegExp(query.get('name') ?? '').test(server.name)) return false
  if (!caller.roles.includes('admin')) return true
  // a project is only looked at among all of them
  const isOfProject = !isAll || (fits('project_id', server.projectId) && fits('tenant_id', server.projectId))
  return isOfProject && fits('host', server.host) && fits('user_id', server.userId)
}

export function showServer(call: NovaCall, server: Server): Answer {
  const body = { server: bodyOf(call, server) }
  // the look itself sees what was; the next ones see what came of it
  const { pending } = server
  if (pending && --pending.looks <= 0) {
    server.pending = undefined
    pending.settle()
  }
  return { status: 200, body }
}

function bodyOf({ world, caller, minor }: NovaCall, server: Server) {
  // what Nova's API has in its own database, from 2.69 on; before, such servers are left out
  if (server.cellDown) return { id: server.id, status: 'UNKNOWN', tenant_id: server.projectId, created: novaTime(0) }
  const { id, name, ram, vcpus, disk } = server.flavor
  return {
    id: server.id,
    name: server.name,
    status: server.status,
    tenant_id: server.projectId,
    user_id: server.userId,
    metadata: server.metadata,
    flavor:
      minor >= 47
        ? { vcpus, ram, disk, ephemeral: 0, swap: 0, original_name: name, extra_specs: server.flavor.extraSpecs ?? {} }
        : { id },
    'OS-EXT-STS:task_state': server.taskState,
    'OS-EXT-STS:vm_state': server.vmState,
    'OS-EXT-STS:power_state': server.vmState === 'stopped' ? 4 : 1,
    image: server.onVolume ? '' : { id: imageId, ...(minor >= 98 && { properties: server.imageProperties ?? {} }) },
    ...(minor >= 26 && { tags: server.tags ?? [] }),
    ...(minor >= 100 && { scheduler_hints: server.schedulerHints ?? {} }),
    ...(minor >= 9 && { locked: server.locked }),
    ...(minor >= 96 && { pinned_availability_zone: server.zone }),
    // whom it concerns
    ...(caller.roles.includes('admin') && {
      'OS-EXT-SRV-ATTR:host': server.host,
      'OS-EXT-SRV-ATTR:hypervisor_hostname': nodeOf(world, server),
    }),
  }
}

const imageId = '70a599e0-31e7-49b7-b260-868f441e862b'

const nodeOf = ({ hosts }: World, { host }: Server) => hosts.find(({ name }) => name === host)?.node ?? null

/** Makes a server; it is active after one look. The answer has its password, as Nova's does. */
export function createServer(call: NovaCall): Answer {
  const { world, request, caller } = call
  const refused = onlyFor('member', call, 'servers:create')
  if (refused) return refused
  const given = field(request.body, 'server')
  const flavor = flavors.find(({ id }) => id === field(given, 'flavorRef'))
  if (!flavor) return novaFault(400, 'badRequest', 'Flavor could not be found.')
  const asked = field(given, 'host')
  const server: Server = {
    id: randomUUID(),
    name: String(field(given, 'name')),
    projectId: caller.projectId ?? '',
    userId: caller.user.id,
    flavor,
    metadata: { ...(field(given, 'metadata') as Record<string, string> | undefined) },
    host: typeof asked === 'string' ? asked : (world.hosts.at(-1)?.name ?? null),
    status: 'BUILD',
    vmState: 'building',
    taskState: 'spawning',
    locked: false,
    zone: null,
    actions: [],
  }
  server.pending = {
    looks: 1,
    settle: () => Object.assign(server, { status: 'ACTIVE', vmState: 'active', taskState: null }),
  }
  place(world, server)
  world.servers.push(server)
  record(call, server, 'create')
  note(world, request, caller, 'server created', server.id)
  return { status: 202, body: { server: { id: server.id, links: [], adminPass: 'ZBuwoQz5NKqX' } } }
}

export function deleteServer({ world, request, caller }: NovaCall, server: Server): Answer {
  world.servers.splice(world.servers.indexOf(server), 1)
  world.allocations.delete(server.id)
  note(world, request, caller, 'server deleted', server.id)
  return { status: 204 }
}

/** Gives the server its room on its host, in Placement. */
export function place({ allocations }: World, server: Server): void {
  if (server.host !== null)
    allocations.set(server.id, new Map([[server.host, amountsOf(server.flavor, server.onVolume)]]))
}

/** Writes down who asked for what, newest first. */
export function record({ world, request, caller }: NovaCall, server: Server, action: string) {
  const entry = {
    action,
    requestId: request.requestId,
    userId: caller.user.id,
    projectId: caller.projectId ?? '',
    startMs: nowOf(world),
    message: null as string | null,
    events: [] as { event: string; result: string; details: string | null }[],
  }
  server.actions.unshift(entry)
  return entry
}

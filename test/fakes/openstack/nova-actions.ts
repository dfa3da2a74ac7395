import { randomUUID } from 'node:crypto'
import { type Answer, field } from './listener.ts'
import { actionOf, isUp, type NovaCall, novaFault, onlyFor } from './nova.ts'
import { record } from './nova-servers.ts'
import { note } from './trusts.ts'
import { amountsOf, type Host, type Migration, novaTime, nowOf, type Server, type World } from './world.ts'

/** `POST /servers/{id}/action`. */
export function performAction(call: NovaCall, server: Server): Answer {
  const { name } = actionOf(call.request)
  switch (name) {
    case 'os-stop':
      return power(call, server, 'stop', { from: 'active', while: 'powering-off', to: ['SHUTOFF', 'stopped'] })
    case 'os-start':
      return power(call, server, 'start', { from: 'stopped', while: 'powering-on', to: ['ACTIVE', 'active'] })
    case 'os-migrateLive':
      return migrate(call, server)
    default:
      return novaFault(400, 'badRequest', `There is no such action: ${name}`)
  }
}

const busy = (action: string, { id }: Server, state: string): Answer =>
  novaFault(409, 'conflictingRequest', `Cannot '${action}' instance ${id} while it is in ${state}`)

/** Why the server cannot do this now, if it cannot. */
function conflictOf(action: string, server: Server, from: string): Answer | undefined {
  if (server.vmState !== from) return busy(action, server, `vm_state ${server.vmState}`)
  if (server.taskState !== null) return busy(action, server, `task_state ${server.taskState}`)
  return undefined
}

interface Change {
  readonly from: string
  readonly while: string
  readonly to: readonly [status: string, vmState: string]
}

/** Turns a server on or off; it is done after one look at it. */
function power(call: NovaCall, server: Server, action: string, { from, while: task, to }: Change): Answer {
  const refused = onlyFor('member', call, `servers:${action}`) ?? conflictOf(action, server, from)
  if (refused) return refused
  const [status, vmState] = to
  server.taskState = task
  server.pending = { looks: 1, settle: () => Object.assign(server, { status, vmState, taskState: null }) }
  record(call, server, action)
  note(call.world, call.request, call.caller, action, server.id)
  return { status: 202 }
}

/** Accepts a live migration as Nova does from 2.34 on: whether it can be done shows later. */
function migrate(call: NovaCall, server: Server): Answer {
  const { world, request, caller } = call
  const asked = field(actionOf(request).options, 'host')
  const rule = `os-migrate-server:migrate_live${asked === null ? '' : ':host'}`
  const refused = onlyFor(
    asked === null ? 'manager' : 'admin',
    call,
    asked === null ? rule : 'os-migrate-server:migrate_live',
  )
  if (refused) return refused
  if (typeof asked === 'string' && !world.hosts.some(({ name }) => name === asked))
    return novaFault(400, 'badRequest', `Compute host ${asked} could not be found.`)
  const conflict = conflictOf('os-migrateLive', server, 'active')
  if (conflict) return conflict
  const from = world.hosts.find(({ name }) => name === server.host)
  if (!from) return novaFault(409, 'conflictingRequest', 'The server has no host.')
  const entry = record(call, server, 'live-migration')
  note(world, request, caller, 'live migration', server.id)
  Object.assign(server, { status: 'MIGRATING', taskState: 'migrating' })
  const migration: Migration = {
    type: 'live-migration',
    number: world.migrations.length + 1,
    id: randomUUID(),
    serverId: server.id,
    from: from.name,
    to: null,
    status: 'accepted',
    userId: caller.user.id,
    projectId: caller.projectId ?? '',
    createdMs: nowOf(world),
    steps: [],
  }
  const settle = () => {
    Object.assign(server, { status: 'ACTIVE', taskState: null })
  }
  const becomes = (status: string) => () => {
    migration.status = status
  }
  const target = targetOf(world, server, from, asked)
  // not in the list at first, then a few looks to its end; the server is ready before its record says so
  migration.steps.push(() => world.migrations.unshift(migration))
  if (!target)
    migration.steps.push(() => {
      entry.message = 'Error'
      const details = 'No valid host was found. '
      entry.events.unshift({ event: 'conductor_live_migrate_instance', result: 'Error', details })
      migration.status = 'error'
      settle()
    })
  else
    migration.steps.push(
      () => {
        migration.to = target.name
      },
      becomes('running'),
      ...(from.migrationFault === undefined
        ? [() => move(world, server, target), becomes('completed')]
        : [settle, becomes('failed')]),
    )
  world.underWay.push(migration)
  return { status: 202 }
}

function targetOf(world: World, server: Server, from: Host, asked: unknown): Host | undefined {
  const open = world.hosts.filter((host) => {
    const service = world.services.find((s) => s.host === host.name)
    return (
      host !== from &&
      service !== undefined &&
      isUp(service) &&
      service.status === 'enabled' &&
      hasRoom(world, host, server)
    )
  })
  return asked === null ? open[0] : open.find(({ name }) => name === asked)
}

function hasRoom({ allocations }: World, host: Host, { flavor }: Server): boolean {
  const need = amountsOf(flavor)
  const kinds = ['VCPU', 'MEMORY_MB', 'DISK_GB'] as const
  return kinds.every((kind) => {
    const used = [...allocations.values()].reduce((sum, by) => sum + (by.get(host.name)?.[kind] ?? 0), 0)
    return used + need[kind] <= (host.size[kind] - host.reserved[kind]) * host.ratios[kind]
  })
}

/** Puts a server on another host, room and all; it is ready there. */
export function move(world: World, server: Server, to: Host): void {
  Object.assign(server, { host: to.name, status: 'ACTIVE', taskState: null })
  world.allocations.set(server.id, new Map([[to.name, amountsOf(server.flavor)]]))
}

/** Lists migrations, newest first; each look brings those under way one step on. */
export function answerMigrations({ world, request: { query }, minor }: NovaCall): Answer {
  const fits = (name: string, value: string) => query.get(name) === null || query.get(name) === value
  const migrations = world.migrations
    .filter(
      (m) => fits('instance_uuid', m.serverId) && fits('migration_type', m.type) && fits('source_compute', m.from),
    )
    .map((m) => ({
      id: m.number,
      ...(minor >= 59 && { uuid: m.id }),
      status: m.status,
      migration_type: m.type,
      instance_uuid: m.serverId,
      source_compute: m.from,
      dest_compute: m.to,
      ...(minor >= 80 && { user_id: m.userId, project_id: m.projectId }),
      created_at: novaTime(m.createdMs),
      updated_at: novaTime(m.createdMs),
    }))
  for (const migration of world.underWay) migration.steps.shift()?.()
  return { status: 200, body: { migrations } }
}

/** Who asked for what on a server, and how each of it went. */
export function answerInstanceActions(
  { caller, minor }: NovaCall,
  server: Server,
  requestId: string | undefined,
): Answer {
  const shown = server.actions.map((action) => ({
    action: action.action,
    instance_uuid: server.id,
    request_id: action.requestId,
    user_id: action.userId,
    project_id: action.projectId,
    start_time: novaTime(action.startMs),
    message: action.message,
  }))
  if (requestId === undefined) return { status: 200, body: { instanceActions: shown } }
  const at = server.actions.findIndex((action) => action.requestId === requestId)
  const found = server.actions[at]
  if (!found) return novaFault(404, 'itemNotFound', `Action for request_id ${requestId} on instance not found`)
  const mayRead = minor >= 84 && caller.roles.includes('admin')
  const events = found.events.map(({ event, result, details }) => ({ event, result, ...(mayRead && { details }) }))
  return { status: 200, body: { instanceAction: { ...shown[at], events } } }
}

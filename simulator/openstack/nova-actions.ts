import { type Answer, field } from './listener.ts'
import { actionOf, type NovaCall, novaFault, onlyFor } from './nova.ts'
import { evacuate, migrateCold, migrateLive, settleMove } from './nova-moves.ts'
import { record } from './nova-servers.ts'
import { note } from './trusts.ts'
import { novaTime, type Server } from './world.ts'

/** `POST /servers/{id}/action`. */
export function performAction(call: NovaCall, server: Server): Answer {
  const { name } = actionOf(call.request)
  switch (name) {
    case 'os-stop':
      return power(call, server, 'stop', { from: 'active', while: 'powering-off', to: ['SHUTOFF', 'stopped'] })
    case 'os-start':
      return power(call, server, 'start', { from: 'stopped', while: 'powering-on', to: ['ACTIVE', 'active'] })
    case 'reboot':
      return reboot(call, server)
    case 'os-resetState':
      return resetState(call, server)
    case 'lock':
    case 'unlock':
      return lock(call, server, name)
    case 'os-migrateLive':
      return migrateLive(call, server)
    case 'migrate':
      return migrateCold(call, server)
    case 'confirmResize':
    case 'revertResize':
      return settleMove(call, server, name)
    case 'evacuate':
      return evacuate(call, server)
    default:
      return novaFault(400, 'badRequest', `There is no such action: ${name}`)
  }
}

const busy = (action: string, { id }: Server, state: string): Answer =>
  novaFault(409, 'conflictingRequest', `Cannot '${action}' instance ${id} while it is in ${state}`)

/** Why the server cannot do this now, if it cannot. */
export function conflictOf(action: string, server: Server, from: string): Answer | undefined {
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

/** Cuts the power of a server and starts it, also one in ERROR. */
function reboot(call: NovaCall, server: Server): Answer {
  const refused = onlyFor('member', call, 'servers:reboot')
  if (refused) return refused
  const isHard = field(actionOf(call.request).options, 'type') === 'HARD'
  const conflict = isHard ? undefined : conflictOf('reboot', server, 'active')
  if (conflict) return conflict
  server.taskState = isHard ? 'rebooting_hard' : 'rebooting'
  const settle = () => Object.assign(server, { status: 'ACTIVE', vmState: 'active', taskState: null })
  server.pending = { looks: 1, settle }
  record(call, server, 'reboot')
  note(call.world, call.request, call.caller, isHard ? 'reset' : 'reboot', server.id)
  return { status: 202 }
}

/** Keeps the owner of a server from changing it, or no more. */
function lock(call: NovaCall, server: Server, name: 'lock' | 'unlock'): Answer {
  const refused = onlyFor('member', call, `os-lock-server:${name}`)
  if (refused) return refused
  server.locked = name === 'lock'
  record(call, server, name)
  note(call.world, call.request, call.caller, `${name}ed`, server.id)
  return { status: 202 }
}

/** Writes another state down; nothing happens to the server itself. */
function resetState(call: NovaCall, server: Server): Answer {
  const refused = onlyFor('admin', call, 'os-admin-actions:reset_state')
  if (refused) return refused
  const state = String(field(actionOf(call.request).options, 'state'))
  server.pending = undefined
  Object.assign(server, { status: state.toUpperCase(), vmState: state, taskState: null })
  record(call, server, 'resetState')
  note(call.world, call.request, call.caller, `state reset to ${state}`, server.id)
  return { status: 202 }
}

/** Lists migrations, newest first; each look brings those under way one step on. */
export function answerMigrations({ world, request: { query }, minor }: NovaCall): Answer {
  const fits = (name: string, value: string) => query.get(name) === null || query.get(name) === value
  const migrations = world.migrations
    .filter(
      (m) =>
        fits('instance_uuid', m.serverId) &&
        fits('migration_type', m.kind) &&
        fits('source_compute', m.from) &&
        fits('status', m.status) &&
        m.changedMs >= Date.parse(query.get('changes-since') ?? '1970-01-01T00:00:00Z'),
    )
    .map((m) => ({
      id: m.number,
      ...(minor >= 59 && { uuid: m.id }),
      status: m.status,
      migration_type: m.kind,
      instance_uuid: m.serverId,
      source_compute: m.from,
      dest_compute: m.to,
      ...(minor >= 80 && { user_id: m.userId, project_id: m.projectId }),
      created_at: novaTime(m.createdMs),
      updated_at: novaTime(m.changedMs),
    }))
  for (const migration of world.underWay) migration.steps.shift()?.()
  return { status: 200, body: { migrations } }
}

/** The live migrations of a server that are under way. */
export function listUnderWay({ world }: NovaCall, server: Server): Answer {
  const migrations = world.migrations
    .filter(({ kind, serverId, status }) => kind === 'live-migration' && serverId === server.id && !isOver.has(status))
    .map(({ number, status }) => ({ id: number, status }))
  return { status: 200, body: { migrations } }
}

const isOver: ReadonlySet<string> = new Set(['completed', 'failed', 'error', 'cancelled'])

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

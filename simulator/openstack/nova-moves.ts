import { randomUUID } from 'node:crypto'
import { type Answer, field } from './listener.ts'
import { actionOf, isUp, type NovaCall, novaFault, onlyFor } from './nova.ts'
import { conflictOf } from './nova-actions.ts'
import { record } from './nova-servers.ts'
import { note } from './trusts.ts'
import { amountsOf, type Host, type Migration, nowOf, type Server, type World } from './world.ts'

/** A record of a move, which is listed once it is put there. */
function begin({ world, caller }: NovaCall, server: Server, kind: Migration['kind']): Migration {
  let status = 'accepted'
  let changedMs = nowOf(world)
  return {
    number: world.migrations.length + 1,
    id: randomUUID(),
    kind,
    serverId: server.id,
    from: server.host ?? '',
    to: null,
    get status() {
      return status
    },
    set status(next) {
      status = next
      changedMs = nowOf(world)
    },
    get changedMs() {
      return changedMs
    },
    userId: caller.user.id,
    projectId: caller.projectId ?? '',
    createdMs: nowOf(world),
    steps: [],
  }
}

/** Accepts a live migration as Nova does from 2.34 on: whether it can be done shows later. */
export function migrateLive(call: NovaCall, server: Server): Answer {
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
  const conflict = conflictOf('os-migrateLive', server, server.vmState === 'paused' ? 'paused' : 'active')
  if (conflict) return conflict
  const from = world.hosts.find(({ name }) => name === server.host)
  if (!from) return novaFault(409, 'conflictingRequest', 'The server has no host.')
  const before = { vmState: server.vmState, status: server.status }
  const entry = record(call, server, 'live-migration')
  note(world, request, caller, 'live migration', server.id)
  Object.assign(server, { status: 'MIGRATING', taskState: 'migrating' })
  const migration = begin(call, server, 'live-migration')
  const settle = () => {
    Object.assign(server, { status: before.status, taskState: null })
  }
  const becomes = (status: string) => () => {
    migration.status = status
  }
  const arrive = (host: Host) => () => {
    move(world, server, host)
    Object.assign(server, { vmState: before.vmState, status: before.status })
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
  else {
    migration.steps.push(
      () => {
        migration.to = target.name
      },
      becomes(from.migrationsStay ?? 'running'),
    )
    const end = from.migrationFault === undefined ? [arrive(target), becomes('completed')] : [settle, becomes('failed')]
    if (from.migrationsStay === undefined) migration.steps.push(...end)
    migration.complete = () => migration.steps.push(...end)
  }
  world.underWay.push(migration)
  return { status: 202 }
}

function targetOf(world: World, server: Server, from: Host, asked: unknown): Host | undefined {
  const open = world.hosts.filter((host) => {
    const service = world.services.find((s) => s.host === host.name)
    return (
      host !== from &&
      service !== undefined &&
      isUp(world, service) &&
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

/** `DELETE` aborts a live migration under way, `POST …/action` brings it to its end. */
export function changeMigration(call: NovaCall, server: Server, number: number): Answer {
  const { world, request, caller } = call
  const isAbort = request.method === 'DELETE'
  const refused = onlyFor('manager', call, `servers:migrations:${isAbort ? 'delete' : 'force_complete'}`)
  if (refused) return refused
  if (server.taskState !== 'migrating') {
    const action = isAbort ? 'abort live migration' : 'force_complete'
    const why =
      server.taskState === null
        ? `Instance ${server.id} is in an invalid state for '${action}'`
        : `Cannot '${action}' instance ${server.id} while it is in task_state ${server.taskState}`
    return novaFault(409, 'conflictingRequest', why)
  }
  const migration = world.migrations.find((one) => one.number === number && one.serverId === server.id)
  if (!migration) return novaFault(404, 'itemNotFound', `Migration ${number} not found for instance ${server.id}`)
  const allowed = isAbort ? ['running', 'queued', 'preparing'] : ['running']
  if (!allowed.includes(migration.status)) {
    const what = isAbort ? 'abort live migration' : 'force complete'
    return novaFault(
      400,
      'badRequest',
      `Migration ${number} state of instance ${server.id} is ${migration.status}. Cannot ${what} while the migration is in this state.`,
    )
  }
  note(world, request, caller, isAbort ? 'live migration aborted' : 'live migration forced', server.id)
  if (isAbort) {
    migration.steps.splice(0)
    const settle = () => {
      if (migration.status === 'cancelled') return
      Object.assign(server, { status: server.vmState === 'paused' ? 'PAUSED' : 'ACTIVE', taskState: null })
      migration.status = 'cancelled'
    }
    // whoever looks at the server sees it end, and whoever looks at the migration
    migration.steps.push(settle)
    server.pending = { looks: 1, settle }
  } else migration.complete?.()
  return { status: 202 }
}

/** Moves a server that is off meanwhile; it waits to be confirmed or reverted after one look at it. */
export function migrateCold(call: NovaCall, server: Server): Answer {
  const { world, request, caller } = call
  const asked = field(actionOf(request).options, 'host') ?? null
  const refused = onlyFor(asked === null ? 'manager' : 'admin', call, 'os-migrate-server:migrate')
  if (refused) return refused
  if (typeof asked === 'string' && !world.hosts.some(({ name }) => name === asked))
    return novaFault(400, 'badRequest', `Compute host ${asked} could not be found.`)
  const conflict = conflictOf('migrate', server, server.vmState === 'stopped' ? 'stopped' : 'active')
  if (conflict) return conflict
  const from = world.hosts.find(({ name }) => name === server.host)
  if (!from) return novaFault(409, 'conflictingRequest', 'The server has no host.')
  const entry = record(call, server, 'migrate')
  note(world, request, caller, 'cold migration', server.id)
  const migration = begin(call, server, 'migration')
  const before = server.status
  const target = targetOf(world, server, from, asked)
  Object.assign(server, { status: 'RESIZE', taskState: 'resize_prep' })
  const settle = () => {
    if (!target || from.migrationFault !== undefined) {
      entry.message = 'Error'
      const details = from.migrationFault ?? 'No valid host was found. '
      entry.events.unshift({ event: 'conductor_migrate_server', result: 'Error', details })
      migration.status = 'error'
      return Object.assign(server, { status: before, taskState: null })
    }
    Object.assign(migration, { to: target.name, status: 'finished' })
    world.allocations.set(server.id, new Map([[target.name, amountsOf(server.flavor)]]))
    return Object.assign(server, { host: target.name, status: 'VERIFY_RESIZE', vmState: 'resized', taskState: null })
  }
  server.pending = { looks: 1, settle }
  server.beforeMove = { host: from.name, status: before, vmState: before === 'SHUTOFF' ? 'stopped' : 'active' }
  world.migrations.unshift(migration)
  return { status: 202 }
}

/** Confirms or reverts; the status stays what it was until the old host has cleaned up. */
export function settleMove(call: NovaCall, server: Server, name: string): Answer {
  const { world, request, caller } = call
  const refused = onlyFor('member', call, `servers:${name}`) ?? conflictOf(name, server, 'resized')
  if (refused) return refused
  const { beforeMove } = server
  const migration = world.migrations.find((one) => one.serverId === server.id && one.status === 'finished')
  if (!beforeMove || !migration) return novaFault(400, 'badRequest', 'Instance has not been resized.')
  const isConfirm = name === 'confirmResize'
  record(call, server, name)
  note(world, request, caller, isConfirm ? 'resize confirmed' : 'resize reverted', server.id)
  migration.status = isConfirm ? 'confirming' : 'reverting'
  const { host, status, vmState } = beforeMove
  if (!isConfirm) Object.assign(server, { status: 'REVERT_RESIZE', taskState: 'resize_reverting' })
  const settle = () => {
    migration.status = isConfirm ? 'confirmed' : 'reverted'
    if (!isConfirm) world.allocations.set(server.id, new Map([[host, amountsOf(server.flavor)]]))
    Object.assign(server, { status, vmState, taskState: null, ...(!isConfirm && { host }) })
  }
  server.pending = { looks: 1, settle }
  return { status: isConfirm ? 204 : 202 }
}

/** Rebuilds a server of a host that is down elsewhere. The old host keeps its room until its service starts again. */
export function evacuate(call: NovaCall, server: Server): Answer {
  const { world, request, caller, minor } = call
  const refused = onlyFor('admin', call, 'os-evacuate')
  if (refused) return refused
  const asked = field(actionOf(request).options, 'host') ?? null
  const from = world.hosts.find(({ name }) => name === server.host)
  if (!from) return novaFault(409, 'conflictingRequest', 'The server has no host.')
  if (typeof asked === 'string' && !world.hosts.some(({ name }) => name === asked))
    return novaFault(404, 'itemNotFound', `Compute host ${asked} not found.`)
  if (asked === from.name) return novaFault(400, 'badRequest', "The target host can't be the same one.")
  if (!['active', 'stopped', 'error'].includes(server.vmState))
    return novaFault(
      409,
      'conflictingRequest',
      `Cannot 'evacuate' instance ${server.id} while it is in vm_state ${server.vmState}`,
    )
  const service = world.services.find((one) => one.binary === 'nova-compute' && one.host === from.name)
  if (service && isUp(world, service))
    return novaFault(400, 'badRequest', `Compute service of ${from.name} is still in use.`)
  const entry = record(call, server, 'evacuate')
  note(world, request, caller, 'evacuation', server.id)
  const migration = begin(call, server, 'evacuation')
  const before = { status: server.status, vmState: server.vmState }
  const target = targetOf(world, server, from, asked)
  Object.assign(server, { status: 'REBUILD', taskState: 'rebuilding' })
  world.migrations.unshift(migration)
  const fail = (details: string) => () => {
    entry.message = 'Error'
    entry.events.unshift({ event: 'conductor_rebuild_server', result: 'Error', details })
    migration.status = 'error'
    Object.assign(server, { status: 'ERROR', vmState: 'error', taskState: null })
  }
  if (!target) migration.steps.push(fail('No valid host was found. '))
  else if (from.migrationsStay !== undefined)
    migration.steps.push(() => {
      migration.status = 'pre-migrating'
    })
  else
    migration.steps.push(
      () => {
        Object.assign(migration, { to: target.name, status: 'pre-migrating' })
        world.allocations.get(server.id)?.set(target.name, amountsOf(server.flavor, server.onVolume))
      },
      from.migrationFault !== undefined
        ? fail(from.migrationFault)
        : () => {
            const isOff = minor >= 95 || before.vmState === 'stopped'
            const state = isOff ? { status: 'SHUTOFF', vmState: 'stopped' } : { status: 'ACTIVE', vmState: 'active' }
            Object.assign(server, { host: target.name, ...state, taskState: null })
            migration.status = 'done'
          },
    )
  world.underWay.push(migration)
  return { status: 200 }
}

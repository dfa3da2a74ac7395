import { Context } from '@temporalio/activity'
import { z } from 'zod'
import type { Activities, MigrationOutcome, UsedDelegation } from '../core/activities.ts'
import { codeOf, detailsOf, failure, messageOf } from '../core/errors.ts'
import type { Move } from '../core/plan.ts'
import type { ServiceClient } from '../openstack/service.ts'
import type { Session } from '../openstack/session.ts'
import { relieve } from '../policies/relieve.ts'
import type { Brake } from './brake.ts'
import { takeSnapshot } from './inventory.ts'
import type { Pause } from './pause.ts'
import { runRequestId, type Sessions } from './sessions.ts'

/** 2.59 gives migrations a UUID; from 2.68 on nobody can force a server past the scheduler's checks. */
export const nova = { min: '2.68', max: '2.96' }

const Server = z.object({
  server: z.object({
    status: z.string(),
    'OS-EXT-SRV-ATTR:host': z.string().nullable(),
    'OS-EXT-SRV-ATTR:hypervisor_hostname': z.string().nullable(),
    'OS-EXT-STS:task_state': z.string().nullable(),
  }),
})
const Migration = z.object({
  uuid: z.string(),
  status: z.string(),
  source_compute: z.string().nullable(),
  created_at: z.string(),
})
const Allocations = z.object({
  allocations: z.record(z.string(), z.object({ resources: z.record(z.string(), z.number()) })),
})
const Provider = z.object({ name: z.string() })

const ended = new Set(['completed', 'done', 'error', 'failed', 'cancelled'])

/** What a comparison of Nova's clock with ours may be wrong by; its times are whole seconds. */
const clockErrorMs = 2_500

/** Nova accepted, yet neither migration nor task is to be seen: nothing came of it. */
const mostIdleLooks = 15

export interface MigrationActivitiesOptions {
  sessions: Sessions
  pause: Pause
  brake: Brake
  /** Between two looks at a migration. @default 1000 */
  pollMs?: number
}

export function createMigrationActivities({
  sessions,
  pause,
  brake,
  pollMs = 1000,
}: MigrationActivitiesOptions): Pick<Activities, 'planRelief' | 'liveMigrate'> {
  async function migrate(session: Session, move: Move): Promise<MigrationOutcome> {
    const client = await session.service('compute').negotiate(nova, { requestId: runRequestId() })
    const { scheduledTimestampMs: startMs, attempt } = Context.current().info
    const before = await migrationsOf(client, move)
    const underWay = before.find(({ status }) => !ended.has(status))
    // what an earlier attempt of ours began may be over by now: its outcome counts, it is not begun again
    const sinceMs = startMs + client.aheadMs() - clockErrorMs
    const begunBefore = before.find((m) => attempt > 1 && Date.parse(`${m.created_at}Z`) >= sinceMs)
    const followed = underWay ?? begunBefore
    const requestId = followed ? undefined : await request(client, move, brake)
    const older = new Set(before.filter((migration) => migration !== followed).map(({ uuid }) => uuid))
    for (let idleLooks = 0; ; ) {
      const migration = (await migrationsOf(client, move)).find(({ uuid }) => !older.has(uuid))
      const server = await show(client, move)
      const isOver = migration ? ended.has(migration.status) : server.host !== move.from
      if (isOver && server.taskState === null) {
        const { host } = server
        if (host === move.from || (migration && migration.status !== 'completed' && migration.status !== 'done'))
          throw failure('MIGRATION_FAILED', await why(client, move, host, migration?.status), { ...move })
        if (server.status !== 'ACTIVE' && server.status !== 'PAUSED')
          throw failure('MIGRATION_FAILED', `${move.serverName} is on ${host} but its status is ${server.status}`)
        await checkAllocations(session, move, server, pause)
        const migrationUuid = migration?.uuid ?? 'unknown'
        const durationMs = Date.now() - startMs
        return { host, migrationUuid, durationMs, ...(requestId && { requestId }) }
      }
      if (!migration && server.taskState === null && ++idleLooks === mostIdleLooks)
        throw failure('MIGRATION_FAILED', await why(client, move, server.host), { ...move })
      await pause(pollMs, { migration: migration?.uuid, status: migration?.status })
    }
  }

  return {
    /** Takes a snapshot and lets the policy decide. Changes nothing. @throws as `takeSnapshot` and `relieve` */
    async planRelief(options) {
      return relieve(await takeSnapshot(await sessions.forRemediation()), options)
    },

    /**
     * Live-migrates one server and follows the migration to its end, then checks host, status and allocations.
     *
     * Safe to repeat: a server that left `from` is a success, a migration under way is followed, not started again.
     * Cancelling stops the wait, not the migration.
     *
     * @throws STOPPED before anything was asked of Nova; MIGRATION_FAILED the server is still on `from`; SNAPSHOT_INCOMPLETE it moved but Placement disagrees
     * @see https://docs.openstack.org/api-ref/compute/#live-migrate-server-os-migratelive-action
     */
    async liveMigrate(move) {
      const session = await sessions.forRemediation()
      return withRightsOf(session, () => migrate(session, move))
    },
  }
}

/** Says with whose rights it was done, also of what failed. */
async function withRightsOf(session: Session, work: () => Promise<MigrationOutcome>): Promise<MigrationOutcome> {
  const { trust } = await session.token()
  const delegation: UsedDelegation | undefined = trust && { trustId: trust.id, userId: trust.trustorUserId }
  try {
    return { ...(await work()), ...(delegation && { delegation }) }
  } catch (error) {
    const code = codeOf(error)
    if (!code || !delegation) throw error
    throw failure(code, messageOf(error), { ...detailsOf(error), delegation })
  }
}

const base = (move: Pick<Move, 'serverId'>) => `/servers/${move.serverId}`

/** Asks Nova to begin. A lost answer is no failure: the wait that follows finds the migration, or that there is none. */
async function request(client: ServiceClient, move: Move, brake: Brake): Promise<string | undefined> {
  const before = await show(client, move)
  if (before.host !== move.from) return undefined
  if (before.taskState !== null)
    throw failure('CLOUD_BUSY', `${move.serverName} is busy: ${before.taskState}`, { serverId: move.serverId })
  await brake()
  try {
    const answer = await client.request({
      method: 'POST',
      path: `${base(move)}/action`,
      body: { 'os-migrateLive': { host: move.to, block_migration: 'auto' } },
      requestId: runRequestId(),
    })
    return answer.requestId
  } catch (error) {
    if (codeOf(error) === 'OUTCOME_UNKNOWN') throw failure('CLOUD_BUSY', 'the answer of Nova was lost; looking again')
    throw error
  }
}

async function migrationsOf(client: ServiceClient, move: Move) {
  const query = { instance_uuid: move.serverId, migration_type: 'live-migration' }
  const found: z.infer<typeof Migration>[] = []
  const options = { query, requestId: runRequestId() }
  for await (const migration of client.pages('/os-migrations', 'migrations', Migration, options)) found.push(migration)
  return found.filter((migration) => migration.source_compute === move.from)
}

/** Where a server is, and whether it is at rest there. */
export async function show(client: ServiceClient, move: Pick<Move, 'serverId'>) {
  const { server } = await client.get(base(move), Server, { requestId: runRequestId() })
  return {
    status: server.status,
    host: server['OS-EXT-SRV-ATTR:host'] ?? '',
    /** Placement knows it by this name, which need not be that of the host. */
    node: server['OS-EXT-SRV-ATTR:hypervisor_hostname'] ?? '',
    taskState: server['OS-EXT-STS:task_state'],
  }
}

const Actions = z.object({ instanceActions: z.array(z.object({ action: z.string(), request_id: z.string() })) })
const ActionEvents = z.object({
  instanceAction: z.object({
    message: z.string().nullish(),
    events: z.array(z.object({ result: z.string().nullish(), details: z.string().nullish() })).default([]),
  }),
})

/** Nova's own reason, from the instance actions of the server; the status alone when it gives none. */
async function why(client: ServiceClient, move: Move, host: string, status = 'nothing'): Promise<string> {
  const { serverName, from, to } = move
  const told = `the live migration of ${serverName} from ${from} to ${to} ended as ${status}; the server ${host === from ? 'stays' : 'is'} on ${host}`
  const { instanceActions } = await client.get(`${base(move)}/os-instance-actions`, Actions)
  const id = instanceActions.find(({ action }) => action === 'live-migration')?.request_id
  if (!id) return told
  const { instanceAction } = await client.get(`${base(move)}/os-instance-actions/${id}`, ActionEvents)
  const details = instanceAction.events.find((event) => event.result === 'Error')?.details ?? instanceAction.message
  return details ? `${told}: ${details.slice(0, 300)}` : told
}

/** After the move only the new host may hold room for the server; Placement is told a moment after Nova. */
async function checkAllocations(
  session: Session,
  move: Move,
  { host, node }: { host: string; node: string },
  pause: Pause,
): Promise<void> {
  for (let look = 1; ; look++) {
    const holders = await holdersOf(session, move.serverId)
    if (holders.length === 1 && holders[0] === node) return
    if (look === 10)
      throw failure(
        'SNAPSHOT_INCOMPLETE',
        `${move.serverName} moved to ${host}, but room is held on ${holders.join(', ')}`,
      )
    await pause(500)
  }
}

/** The nodes that hold room for a server, as Placement has them. */
export async function holdersOf(session: Session, serverId: string): Promise<string[]> {
  const placement = session.service('placement', { microversion: '1.20' })
  const requestId = runRequestId()
  const { allocations } = await placement.get(`/allocations/${serverId}`, Allocations, { requestId })
  const holders: string[] = []
  for (const uuid of Object.keys(allocations))
    holders.push((await placement.get(`/resource_providers/${uuid}`, Provider, { requestId })).name)
  return holders
}

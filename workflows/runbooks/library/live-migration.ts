import { codeOf, failure } from '../../../core/errors.ts'
import type { MigrationFacts, ServerFacts } from '../../../policies/nova-facts.ts'
import { doubtsAbout, hasEnded, isWaiting, limitSecondsOf } from '../../../policies/server-migration.ts'
import type { RunContext } from '../../sdk/context.ts'
import type { RunResult } from '../../sdk/definition.ts'
import { awaitArrival } from './arrival.ts'
import { changed, findMigrations, findServer, reasonOf } from './looks.ts'
import type { MigrateServer } from './migrate-server.ts'

/** Nova accepted, yet neither migration nor task is to be seen: nothing came of it. */
const mostIdleLooks = 15
const beginsWithinSeconds = 300
const settlesWithinSeconds = 900

/** Moves a running server and follows that very migration, whatever else happens to the server meanwhile. */
export async function migrateLive(run: RunContext, input: MigrateServer, server: ServerFacts): Promise<RunResult> {
  const { serverId, to } = input
  const { name, host: from, status } = server
  for (const doubt of doubtsAbout(server)) run.note(`Nova may refuse to move ${name} live: ${doubt}`)
  const others = await findMigrations(run, {
    source_compute: from,
    migration_type: 'live-migration',
    status: 'running',
  })
  if (others.length > 0) run.note(`${others.length} other server(s) leave ${from} at the moment: it may have to wait`)
  const older = new Set((await ofServer(run, serverId)).map(({ uuid }) => uuid))
  const beganMs = Date.now()
  await run.call({
    service: 'compute',
    method: 'POST',
    path: `/servers/${serverId}/action`,
    body: { 'os-migrateLive': { host: to ?? null, block_migration: 'auto' } },
    microversion: '2.68',
  })
  if (run.dryRun) return { summary: `${name} would be moved live from ${from} to ${to ?? 'a host that Nova chooses'}` }

  let begun: MigrationFacts | undefined
  let isSeen = false
  run.undo(`the live migration of ${name}`, async () => {
    // one that was cancelled before Nova showed it goes on all the same
    const one = isSeen ? begun : await beginning(run, { server, older })
    if (one) await abort(run, serverId, one)
  })
  try {
    begun = await beginning(run, { server, older })
    isSeen = true
  } catch (error) {
    // whatever failed, a look has said so; a cancellation says nothing
    isSeen = codeOf(error) !== undefined
    throw error
  }
  const { migration, overdue } = await ending(run, input, server, begun)
  const last = overdue ? await hasten(run, input, server, migration) : migration
  if (last.status !== 'completed' && last.status !== 'done') {
    const why = overdue ? ` after ${overdue}` : await reasonOf(run, serverId, 'live-migration')
    const stays = await findServer(run, serverId)
    if (!stays) throw changed(server, 'was deleted')
    const told = `the live migration of ${name} ended as ${last.status}; the server is on ${stays.host}${why}`
    throw failure('MIGRATION_FAILED', told, { serverId, migration: last.uuid })
  }
  const place = await awaitArrival(run, server, {
    ...{ statuses: [status], withinSeconds: input.settleSeconds },
    ...(to !== undefined && { to }),
  })
  const seconds = Math.round((Date.now() - beganMs) / 1000)
  return {
    summary: `${name} moved live from ${from} to ${place.host} in ${seconds} s`,
    ...{ host: place.host, migration: begun.uuid },
  }
}

const ofServer = (run: RunContext, serverId: string) =>
  findMigrations(run, { instance_uuid: serverId, migration_type: 'live-migration' })

/** The migration that Nova has begun; it checks only after it has accepted. */
async function beginning(
  run: RunContext,
  { server, older }: { server: ServerFacts; older: ReadonlySet<string> },
): Promise<MigrationFacts> {
  const { id, name, host } = server
  let idleLooks = 0
  const found = await run.waitFor(
    `Nova has begun to move ${name}`,
    async () => {
      const begun = (await ofServer(run, id)).find(({ uuid }) => !older.has(uuid))
      if (begun) return { begun }
      const now = await findServer(run, id)
      if (!now) throw changed(server, 'was deleted')
      return now.taskState === null && ++idleLooks === mostIdleLooks && {}
    },
    { withinSeconds: beginsWithinSeconds },
  )
  if (found?.begun) return found.begun
  const why = await reasonOf(run, id, 'live-migration')
  throw failure('MIGRATION_FAILED', `nothing came of the live migration of ${name}; the server is on ${host}${why}`, {
    serverId: id,
  })
}

interface Ending {
  readonly migration: MigrationFacts
  /** Over its time, and which one. */
  readonly overdue?: string
}

/** Waits for the end of the migration, or of its time, which begins when it leaves the queue. */
async function ending(
  run: RunContext,
  { serverId, limitSeconds, queueSeconds }: MigrateServer,
  { name, memoryMiB }: ServerFacts,
  { uuid }: MigrationFacts,
): Promise<Ending> {
  const givenSeconds = limitSeconds ?? limitSecondsOf(memoryMiB)
  const queuedMs = Date.now()
  let runsMs: number | undefined
  const seen = await run.waitFor(
    `the migration of ${name} has ended (${givenSeconds} s at most)`,
    async (): Promise<Ending | undefined> => {
      const migration = (await ofServer(run, serverId)).find((one) => one.uuid === uuid)
      if (!migration) throw changed({ id: serverId, name }, 'was deleted')
      if (hasEnded(migration)) return { migration }
      if (!isWaiting(migration)) runsMs ??= Date.now()
      if (runsMs !== undefined && Date.now() - runsMs >= givenSeconds * 1000)
        return { migration, overdue: `the ${givenSeconds} s it was given` }
      if (runsMs === undefined && Date.now() - queuedMs >= queueSeconds * 1000)
        return { migration, overdue: `${queueSeconds} s in the queue` }
      return undefined
    },
    { withinSeconds: 2 * (givenSeconds + queueSeconds) },
  )
  if (!seen) throw failure('RUN_TIMED_OUT', `the migration of ${name} was not seen to end`, { serverId })
  return seen
}

/** What to do with one that is over its time. One that is not on its way yet can only be aborted. */
async function hasten(
  run: RunContext,
  { serverId, tooSlow }: MigrateServer,
  server: ServerFacts,
  migration: MigrationFacts,
): Promise<MigrationFacts> {
  if (tooSlow === 'abort' || isWaiting(migration)) return abort(run, serverId, migration)
  await unlessOver(run.action('server.force-live-migration', { serverId, migrationId: migration.number }))
  return ended(run, serverId, migration, server.name)
}

async function abort(run: RunContext, serverId: string, migration: MigrationFacts): Promise<MigrationFacts> {
  const now = (await ofServer(run, serverId)).find(({ uuid }) => uuid === migration.uuid)
  // what has arrived stays where it is
  if (!now || hasEnded(now)) return now ?? { ...migration, status: 'gone' }
  await unlessOver(run.action('server.abort-live-migration', { serverId, migrationId: migration.number }))
  return ended(run, serverId, migration, serverId)
}

/** It may have ended by itself just before: then the look that follows says how. */
async function unlessOver(order: Promise<unknown>): Promise<void> {
  try {
    await order
  } catch (error) {
    if (codeOf(error) !== 'CLOUD_REFUSED' && codeOf(error) !== 'EFFECT_FAILED') throw error
  }
}

async function ended(
  run: RunContext,
  serverId: string,
  { uuid }: MigrationFacts,
  name: string,
): Promise<MigrationFacts> {
  const last = await run.waitFor(
    `the migration of ${name} is over`,
    async () => (await ofServer(run, serverId)).find((one) => one.uuid === uuid && hasEnded(one)),
    { withinSeconds: settlesWithinSeconds },
  )
  if (!last) throw failure('RUN_TIMED_OUT', `the migration of ${name} was not seen to end`, { serverId })
  return last
}

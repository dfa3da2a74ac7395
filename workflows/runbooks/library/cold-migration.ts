import type { ServerFacts } from '../../../policies/nova-facts.ts'
import type { RunContext } from '../../sdk/context.ts'
import type { RunResult } from '../../sdk/definition.ts'
import { awaitArrival } from './arrival.ts'
import { changed, findMigrations, findServer } from './looks.ts'
import type { MigrateServer } from './migrate-server.ts'

const waits = 'VERIFY_RESIZE'

export type ColdOrder = Pick<MigrateServer, 'serverId' | 'to' | 'confirm' | 'settleSeconds' | 'limitSeconds'>

/**
 * Moves a server that is shut down meanwhile, and confirms once all is well. Until then it can be reverted, and is when
 * something is not. What its owner resizes or confirms in between is not ours to touch.
 */
export async function migrateCold(run: RunContext, input: ColdOrder, server: ServerFacts): Promise<RunResult> {
  const { serverId, to, confirm, limitSeconds } = input
  const { name, host: from, status } = server
  const target = { withinSeconds: input.settleSeconds, ...(to !== undefined && { to }) }
  const ofServer = () => findMigrations(run, { instance_uuid: serverId })
  const older = new Set((await ofServer()).map(({ uuid }) => uuid))
  /** Ours is the only new one: a resize of its owner would be another, and is confirmed by the same call. */
  const isOurs = async () => {
    const since = (await ofServer()).filter(({ uuid }) => !older.has(uuid))
    return since.length === 1 && since[0]?.kind === 'migration' && since[0].status === 'finished'
  }

  let isConfirmed = false
  run.undo(`the move of ${name}`, async () => {
    const now = await findServer(run, serverId)
    if (isConfirmed || now?.status !== waits || !(await isOurs())) return
    await run.action('server.revert-resize', { serverId })
  })
  if (to === undefined) await run.action('server.migrate', { serverId }, { limitSeconds })
  else await run.action('server.migrate-to', { serverId, host: to }, { limitSeconds })
  if (run.dryRun) return { summary: `${name} would be moved cold from ${from} to ${to ?? 'a host that Nova chooses'}` }

  const moved = await findServer(run, serverId)
  if (!moved) throw changed(server, 'was deleted')
  if (moved.host === from && moved.status !== waits) throw changed(server, `was brought back to ${from}`)
  if (moved.status === waits) {
    const { host } = await awaitArrival(run, server, { ...target, statuses: [waits] })
    if (confirm === 'no') return { summary: `${name} is on ${host} and waits to be confirmed or reverted`, host }
    if (confirm === 'ask') await run.ask(`${name} has moved from ${from} to ${host}. Confirm it? No takes it back.`)
    if (!(await isOurs())) throw changed(server, 'was resized, confirmed or moved by somebody else')
    isConfirmed = true
    await run.action('server.confirm-resize', { serverId })
  } else run.note(`${name} was confirmed by itself or by its owner`)
  const arrived = await awaitArrival(run, server, { ...target, statuses: [status] })
  return { summary: `${name} moved cold from ${from} to ${arrived.host}`, host: arrived.host }
}

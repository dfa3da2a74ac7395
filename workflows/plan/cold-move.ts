import type { WaveMove } from '../../core/activities.ts'
import type { ErrorCode } from '../../core/catalogue.ts'
import { planRunbook } from '../../core/cloud-plan.ts'
import { codeOf, failure, messageOf } from '../../core/errors.ts'
import type { LeaseGrounds } from '../../core/governor.ts'
import type { ServerFacts } from '../../policies/nova-facts.ts'
import { coldLimitSecondsOf, whyNotMoved } from '../../policies/server-migration.ts'
import { migrateCold } from '../runbooks/library/cold-migration.ts'
import { findServer, reasonOf } from '../runbooks/library/looks.ts'
import { migrateServer } from '../runbooks/library/migrate-server.ts'
import type { RunContext } from '../sdk/context.ts'
import { createQuietRecord } from '../sdk/record.ts'
import { createRunContext } from '../sdk/run-context.ts'
import { createUndoStack } from '../sdk/undo.ts'

export type ColdMove = WaveMove & { readonly cold: NonNullable<WaveMove['cold']> }

interface Hands {
  readonly grounds: Pick<LeaseGrounds, 'by' | 'why'>
  readonly note: (text: string) => void
  readonly safePoint: () => void
}

/** A call that the cloud does not take at once is tried again for so long. */
const mostLatenessMs = 10 * 60_000
/** Placement and Neutron follow Nova a moment later. */
const settleSeconds = 60

/** What is wrong with this one server; anything else is told by its own code. */
const ofTheServer: ReadonlySet<string> = new Set([
  ...(['EFFECT_FAILED', 'OUTCOME_UNKNOWN', 'RESULT_UNVERIFIED', 'RUN_TIMED_OUT'] as const),
  ...(['SERVER_CHANGED', 'TARGET_MISSING', 'CLOUD_REFUSED'] as const),
] satisfies ErrorCode[])

/**
 * Moves one server of a wave cold, by the steps of the runbook `migrate-server`: migrated, seen, confirmed, and with the
 * status it had. What does not come out well is reverted, as far as Nova lets it; a migration that takes longer than it
 * may goes on, because Nova cannot abort one.
 *
 * @throws PLAN_STALE it is not as it was planned; MIGRATION_FAILED with where it is; STOPPED, of a move that was begun
 *   with `begun` in its details
 */
export async function moveCold(move: ColdMove, { grounds, note, safePoint }: Hands): Promise<void> {
  const { serverId, to, cold } = move
  const { by, why } = grounds
  const record = createQuietRecord({ runbook: planRunbook, input: {}, dryRun: false, by, why }, note)
  const undone = createUndoStack()
  const run = createRunContext({
    ...{ needs: migrateServer.needs, dryRun: false, record, undone, safePoint, mayChange: true },
    doer: {
      ...{ delegation: { standing: true }, projectId: '', userId: by, why },
      ...{ maxLatenessMs: mostLatenessMs, holdsLease: true, endsWhenStopped: true },
    },
    ask: () => Promise.reject(failure('INTERNAL', 'the wave of a plan asks nobody')),
  })
  const before = await lookBefore(run, move)
  if (!before) return
  try {
    const limitSeconds = coldLimitSecondsOf(cold.copiedMiB)
    await migrateCold(run, { serverId, to, confirm: 'yes', settleSeconds, limitSeconds }, before)
  } catch (error) {
    const left = await undone.unwind(record)
    throw await toldWith(run, move, { before, error, left })
  }
}

/** Undefined when it is there already, as it should be. @throws PLAN_STALE, MIGRATION_FAILED */
async function lookBefore(run: RunContext, { serverId, from, to, cold }: ColdMove): Promise<ServerFacts | undefined> {
  const server = await findServer(run, serverId)
  const stale = (why: string) => failure('PLAN_STALE', `server ${serverId} ${why}`, { serverId })
  if (!server) throw stale('is gone')
  if ((server.status === 'SHUTOFF') !== cold.isOff && (server.status === 'SHUTOFF' || server.status === 'ACTIVE'))
    throw stale(
      cold.isOff ? 'was off when it was planned, and runs by now' : 'ran when it was planned, and is off by now',
    )
  if (server.host !== from && server.host !== to) throw stale(`is on ${server.host} and not on ${from}`)
  const why = whyNotMoved(server, 'cold')
  if (why) throw failure('MIGRATION_FAILED', `server ${serverId} is not moved: ${why}`, { serverId })
  return server.host === to ? undefined : server
}

async function toldWith(
  run: RunContext,
  { serverId, from, to }: ColdMove,
  { before, error, left }: { before: ServerFacts; error: unknown; left: string | undefined },
): Promise<unknown> {
  const code = codeOf(error)
  if (code === undefined) return error
  const now = await seen(run, serverId)
  const isUntouched = now?.host === from && now.status === before.status && now.taskState === null
  if (code === 'STOPPED' && isUntouched) return error
  const why = code === 'EFFECT_FAILED' ? await reasonOf(run, serverId, 'migrate') : ''
  const place = now ? `it is ${now.status} on ${now.host}` : 'where it is cannot be seen'
  const next = now?.status === 'VERIFY_RESIZE' ? ', and has to be confirmed or reverted' : ''
  const told =
    `the cold migration of server ${serverId} from ${from} to ${to} did not end well: ` +
    [`${messageOf(error)}${why}`, `${place}${next}`, ...(left ? [left] : [])].join('; ')
  return failure(ofTheServer.has(code) ? 'MIGRATION_FAILED' : code, told, { serverId, begun: true })
}

/** For the telling only: what failed before is what is reported, not that nobody could look. */
async function seen(run: RunContext, serverId: string): Promise<ServerFacts | undefined> {
  try {
    return await findServer(run, serverId)
  } catch (error) {
    if (codeOf(error) === undefined) throw error
    return undefined
  }
}

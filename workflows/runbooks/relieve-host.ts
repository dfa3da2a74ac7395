import type { MigrationOutcome } from '../../core/activities.ts'
import type { LeaseNeed, Target } from '../../core/governor.ts'
import type { Move, Plan } from '../../core/plan.ts'
import type { GaugePolicy } from '../../core/policy.ts'
import type { Hands } from '../sdk/context.ts'
import { patient, quick } from '../steps.ts'
import { type Granted, runbook } from './runbook.ts'

export type ReliefOrder = { host: string } & GaugePolicy['with']

export interface RelieveHost extends ReliefOrder, Granted {
  /** Executed literally; made at the start when left out. */
  plan?: Plan
}

export interface RelieveHostResult {
  summary: string
  plan: Plan
  moved: (Move & MigrationOutcome)[]
}

/**
 * Brings a host under its limit with the fewest live migrations, one after another.
 *
 * The plan is made once, here or before, and executed literally. A host that is under its limit already needs no move. The first
 * migration that fails ends the run: its server stays where it was, those moved before stay moved.
 *
 * @throws HOST_UNKNOWN, PLAN_IMPOSSIBLE, SNAPSHOT_INCOMPLETE, MIGRATION_FAILED, DELEGATION_MISSING
 */
export async function relieveHost({ plan: given, grounds, ...order }: RelieveHost): Promise<RelieveHostResult> {
  const { host } = order
  const prepare = async () => {
    const plan = given ?? (await planRelief(order))
    return { need: reliefLease({ host, plan }), plan }
  }
  return runbook('relieve-host', prepare, grounds, (note, safePoint, { plan }) =>
    carryOutRelief({ note, safePoint, quick, patient }, order, plan),
  )
}

/** Makes the moves of the plan, one after another. */
export async function carryOutRelief(
  { note, safePoint, patient }: Hands,
  { host, resource }: ReliefOrder,
  plan: Plan,
): Promise<RelieveHostResult> {
  note(inWords(plan))
  const moved: RelieveHostResult['moved'] = []
  for (const move of plan.moves) {
    safePoint()
    const outcome = await patient(titleOfMove(move), migrationLimitMs(move.memoryMiB)).liveMigrate(move)
    moved.push({ ...move, ...outcome })
    note(`moved ${move.serverName} to ${outcome.host} in ${(outcome.durationMs / 1000).toFixed(1)} s`)
  }
  const result = moved.length === 0 ? 'nothing to move' : `${moved.length} server(s) moved`
  return {
    summary: `${host}: ${result}, ${percent(plan.before)} → ${percent(plan.after)} of ${resource}`,
    plan,
    moved,
  }
}

export const titleOfMove = ({ serverName, from, to }: Move): string =>
  `Live-migrate ${serverName} from ${from} to ${to}`

/** The host that is relieved and every server that moves; where they move to must not be emptied meanwhile. */
export const reliefLease = ({ host, plan }: { host: string; plan: Plan }): LeaseNeed => ({
  runbook: 'relieve-host',
  targets: [`host/${host}`, ...plan.moves.map(({ serverId }): Target => `server/${serverId}`)],
  within: [...new Set(plan.moves.map(({ to }): Target => `host/${to}`))],
  risk: 'move',
  expectedMs: 60_000 + plan.moves.reduce((sum, { memoryMiB }) => sum + migrationLimitMs(memoryMiB), 0),
})

/** Asks for the plan; the cloud is looked at, nothing is changed. */
export const planRelief = (
  { host, resource, limit, maxMoves }: ReliefOrder,
  hands: Pick<Hands, 'quick'> = { quick },
): Promise<Plan> =>
  hands.quick(`Plan the fewest moves that bring ${host} to at most ${percent(limit)} of its ${resource}`).planRelief({
    host,
    resource,
    limit,
    maxMoves,
  })

export const inWords = ({ moves, before, after }: Plan): string =>
  moves.length === 0
    ? `no move needed: ${percent(before)} in use`
    : `plan: ${moves.length} move(s), ${percent(before)} → ${percent(after)}`

const percent = (share: number) => `${Math.round(share * 100)} %`

/**
 * Nova gives a migration 800 s per GiB, at least 2 GiB, before it aborts it; twice that leaves room for its queue.
 * @see https://docs.openstack.org/nova/latest/configuration/config.html#libvirt.live_migration_completion_timeout
 */
export const migrationLimitMs = (memoryMiB: number) => 2 * 800_000 * Math.max(2, Math.ceil(memoryMiB / 1024))

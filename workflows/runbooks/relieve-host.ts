import type { MigrationOutcome } from '../../core/activities.ts'
import type { Move, Plan } from '../../core/plan.ts'
import type { GaugePolicy } from '../../core/policy.ts'
import { patient, quick } from '../steps.ts'
import { runbook } from './runbook.ts'

export type RelieveHost = { host: string } & GaugePolicy['with']

export interface RelieveHostResult {
  summary: string
  plan: Plan
  moved: (Move & MigrationOutcome)[]
}

/**
 * Brings a host under its limit with the fewest live migrations, one after another.
 *
 * The plan is made once and executed literally. A host that is under its limit already needs no move. The first
 * migration that fails ends the run: its server stays where it was, those moved before stay moved.
 *
 * @throws HOST_UNKNOWN, PLAN_IMPOSSIBLE, SNAPSHOT_INCOMPLETE, MIGRATION_FAILED, DELEGATION_MISSING
 */
export async function relieveHost({ host, resource, limit, maxMoves }: RelieveHost): Promise<RelieveHostResult> {
  return runbook('relieve-host', async (note) => {
    const goal = `${host} to at most ${percent(limit)} of its ${resource}`
    const plan = await quick(`Plan the fewest moves that bring ${goal}`).planRelief({ host, resource, limit, maxMoves })
    note(
      plan.moves.length === 0
        ? `no move needed: ${percent(plan.before)} in use`
        : `plan: ${plan.moves.length} move(s), ${percent(plan.before)} → ${percent(plan.after)}`,
    )
    const moved: RelieveHostResult['moved'] = []
    for (const move of plan.moves) {
      const outcome = await patient(
        `Live-migrate ${move.serverName} from ${move.from} to ${move.to}`,
        migrationLimitMs(move.memoryMiB),
      ).liveMigrate(move)
      moved.push({ ...move, ...outcome })
      note(`moved ${move.serverName} to ${outcome.host} in ${(outcome.durationMs / 1000).toFixed(1)} s`)
    }
    const result = moved.length === 0 ? 'nothing to move' : `${moved.length} server(s) moved`
    return {
      summary: `${host}: ${result}, ${percent(plan.before)} → ${percent(plan.after)} of ${resource}`,
      plan,
      moved,
    }
  })
}

const percent = (share: number) => `${Math.round(share * 100)} %`

/**
 * Nova gives a migration 800 s per GiB, at least 2 GiB, before it aborts it; twice that leaves room for its queue.
 * @see https://docs.openstack.org/nova/latest/configuration/config.html#libvirt.live_migration_completion_timeout
 */
const migrationLimitMs = (memoryMiB: number) => 2 * 800_000 * Math.max(2, Math.ceil(memoryMiB / 1024))

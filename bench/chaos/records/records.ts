import type { ActionView } from '../../../core/action.ts'
import type { GovernorConfig } from '../../../core/governor.ts'
import type { Incident } from '../../../core/incident.ts'
import type { Sample } from '../background.ts'
import type { Delivery } from '../deliveries.ts'
import type { Entry } from '../journal.ts'
import type { AuditEvent } from './audit.ts'
import type { Effect, Migration } from './effects.ts'

/** Everything the promises are checked against: Steward's own word, what was seen from outside, and the cloud's records. */
export interface Records {
  readonly governor: GovernorConfig
  readonly journal: readonly Entry[]
  readonly samples: readonly Sample[]
  readonly deliveries: readonly Delivery[]
  readonly audit: readonly AuditEvent[]
  readonly incidents: readonly Incident[]
  readonly actions: readonly ActionView[]
  readonly effects: readonly Effect[]
  readonly migrations: readonly Migration[]
  /** Workflow ids of all incidents by the engine's own list, one entry for each run of it. */
  readonly incidentWorkflows: readonly string[]
  readonly userIds: { readonly olga: string; readonly admin: string; readonly alice: string }
  /** What was still at work when the wait for rest was over. */
  readonly restless: readonly string[]
}

/** One run of a runbook or of an action, as Steward tells of it. */
export interface Run {
  readonly runId: string
  readonly runbook: string
  readonly targets: readonly string[]
  readonly startedAt: number
  readonly endedAt: number
  readonly of: string
  /** Missing for an action. */
  readonly incident?: Incident
  readonly action?: ActionView
}

/** All runs Steward tells of. */
export function runsOf({ incidents, actions }: Pick<Records, 'incidents' | 'actions'>): Run[] {
  const ofIncidents = incidents.flatMap((incident) =>
    incident.runs.map(
      (run): Run => ({
        runId: run.runId,
        runbook: run.runbook,
        targets: run.targets,
        startedAt: Date.parse(run.startedAt),
        endedAt: run.endedAt ? Date.parse(run.endedAt) : Number.POSITIVE_INFINITY,
        of: `incident ${incident.id}`,
        incident,
      }),
    ),
  )
  const ofActions = actions.flatMap((action): Run[] => {
    const [, serverId] = /\/servers\/([0-9a-f-]{36})/.exec(action.call?.path ?? '') ?? []
    if (!action.runRequestId) return []
    return [
      {
        runId: action.runRequestId.slice('req-'.length),
        runbook: 'action',
        targets: serverId ? [`server/${serverId}`] : [],
        startedAt: Date.parse(action.runAt),
        endedAt: action.endedAt ? Date.parse(action.endedAt) : Number.POSITIVE_INFINITY,
        of: `action ${action.id}`,
        action,
      },
    ]
  })
  return [...ofIncidents, ...ofActions]
}

/** The run an effect belongs to: by its request id, or, of a restart over SSH, by host and time. */
export function runOf(effect: Effect, runs: readonly Run[]): Run | undefined {
  if (effect.runId) return runs.find(({ runId }) => runId === effect.runId)
  return runs.find(
    ({ runbook, targets, startedAt, endedAt }) =>
      runbook === 'restart-service' &&
      targets.includes(effect.target) &&
      startedAt - 1_000 <= effect.at &&
      effect.until <= endedAt + 1_000,
  )
}

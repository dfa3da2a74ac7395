import { Context } from '@temporalio/activity'
import type { Activities } from '../core/activities.ts'
import type { PowerConfig } from '../core/power.ts'
import { digestOf } from '../policies/planner/digest.ts'
import type { PlanDocuments } from '../temporal/plan-documents.ts'
import type { Plans } from '../temporal/plans.ts'
import { whileBeating } from './beating.ts'
import { readCloudModel } from './cloud-model.ts'
import type { ReadUse } from './measured-use.ts'
import { readPastMoves } from './past-moves.ts'
import type { Planning } from './planning.ts'
import { runRequestId, type Sessions } from './sessions.ts'

export interface PlanMakingOptions {
  sessions: Pick<Sessions, 'forRemediation'>
  documents: Pick<PlanDocuments, 'keep'>
  plans: Pick<Plans, 'made'>
  planning: Planning
  /** Missing: only what is given away is known. */
  readUse?: ReadUse | undefined
  /** What hosts draw. */
  power?: PowerConfig | undefined
}

/** As long as the planner cares. */
const rememberedMs = 7 * 86_400_000

export const createPlanMaking = ({
  sessions,
  documents,
  plans,
  planning,
  readUse,
  power,
}: PlanMakingOptions): Pick<Activities, 'makePlan'> => ({
  /**
   * Takes one picture of the whole cloud and plans on it. Changes nothing but the history of its workflow, which keeps the
   * document. Safe to repeat: each attempt leaves a document of its own. Heartbeats.
   *
   * @throws SNAPSHOT_INCOMPLETE, PLAN_IMPOSSIBLE, PLAN_TOO_LARGE, INPUT_INVALID (a host to be emptied is not there), PLAN_NOT_FOUND,
   *   DELEGATION_MISSING, DELEGATION_LOST, METRICS_REFUSED; METRICS_UNREACHABLE, CLOUD_UNREACHABLE and ENGINE_UNREACHABLE (retried)
   */
  makePlan: ({ goal, options, stay, ownReason, undoes }) =>
    whileBeating(async () => {
      const { cancellationSignal, info } = Context.current()
      const workflowId = info.workflowExecution?.workflowId ?? ''
      const made = undoes === undefined ? [] : await plans.made(undoes)
      const session = await sessions.forRemediation()
      const requestId = runRequestId()
      const past = await readPastMoves(session, { sinceMs: Date.now() - rememberedMs, requestId })
      // the way back is gone however busy it has become
      const use = goal === 'undo' ? {} : { readUse }
      const file = await readCloudModel(session, { requestId, ownReason, watts: wattsIn(power), ...use })
      const document = await planning(
        { file, goal, made, options: { ...options, stay, past }, nowMs: Date.now() },
        cancellationSignal,
      )
      return digestOf(document, await documents.keep(workflowId, document))
    }),
})

const wattsIn = (power: PowerConfig | undefined) =>
  new Map(Object.entries(power?.hosts ?? {}).flatMap(([host, { watts }]) => (watts ? [[host, watts]] : [])))

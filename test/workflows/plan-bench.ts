import { Context } from '@temporalio/activity'
import type { WorkflowHandle } from '@temporalio/client'
import type { PlanCommand, PlanState, PlanView } from '../../core/cloud-plan.ts'
import { GovernorConfig } from '../../core/governor.ts'
import type { PlanDocument } from '../../core/plan-document.ts'
import { attributes } from '../../core/search-attributes.ts'
import { digestOf } from '../../policies/planner/digest.ts'
import { planDocument } from '../../policies/planner/document.ts'
import type { Goal, Model } from '../../policies/planner/model.ts'
import { createPlanDocuments } from '../../temporal/plan-documents.ts'
import { planCommands } from '../../workflows/plan/desk.ts'
import { cloudPlan } from '../../workflows/plan/plan.ts'
import * as models from '../policies/planner/clouds.ts'
import { type Bench, untilState, viewOf } from './engine.ts'
import { person } from './people.ts'
import type { Cloud, Script } from './scripted.ts'

export type PlanHandle = WorkflowHandle<typeof cloudPlan>

/** Three hosts of one test: two servers on the first, which is to be emptied. */
export const modelOf = ({ host }: Pick<Cloud, 'host'>): Model =>
  models.cloud(
    [models.host(host), models.host(`${host}-b`), models.host(`${host}-c`)],
    [models.server('s-1', host, 4), models.server('s-2', host, 2), models.server('s-3', `${host}-b`, 12)],
  )

export const documentOf = (model: Model, goal: Goal = 'consolidate', options = {}): PlanDocument =>
  planDocument({ model, takenMs: Date.now() }, goal, options, Date.now())

/** Plans as the worker does it, on a model in place of a cloud: the document is kept where the API finds it. */
export const plans = (bench: Pick<Bench, 'client'>, document: () => PlanDocument): Script => ({
  async makePlan() {
    const { workflowId = '' } = Context.current().info.workflowExecution ?? {}
    const made = document()
    return digestOf(made, await createPlanDocuments(bench.client).keep(workflowId, made))
  },
})

export const brakesOf = (more: Partial<GovernorConfig['approval']> = {}) => ({
  approval: { ...GovernorConfig.parse({}).approval, ...more },
})

/** Begins a plan as the API does; its id names the world of the test. */
export function askFor(
  bench: Pick<Bench, 'client' | 'taskQueue'>,
  { host }: Pick<Cloud, 'host'>,
  more: Partial<PlanView> = {},
  governor = brakesOf(),
): Promise<PlanHandle> {
  const view: PlanView = {
    ...{ id: host, goal: 'drain', options: { drain: [host] }, state: 'planning', by: 'olga', userId: 'user-olga' },
    ...{ createdAt: new Date().toISOString(), answers: [], timeline: [] },
    ...more,
  }
  return bench.client.workflow.start(cloudPlan, {
    workflowId: `plan/${host}`,
    taskQueue: bench.taskQueue,
    args: [{ view, governor }],
    memo: { view },
    typedSearchAttributes: [
      { key: attributes.kind, value: 'plan' },
      { key: attributes.state, value: view.state },
    ],
  })
}

export async function planIn(handle: PlanHandle, state: PlanState): Promise<PlanView> {
  await untilState(handle, state)
  return viewOf<PlanView>(handle)
}

export const tell = <K extends PlanCommand['does']>(
  handle: PlanHandle,
  does: K,
  by: string,
  more: Omit<Extract<PlanCommand, { does: K }>, 'does' | 'by'>,
): Promise<PlanView> =>
  handle.executeUpdate<PlanView, [PlanCommand]>(planCommands[does].name, {
    args: [{ does, by: person(by), ...more } as PlanCommand],
  })

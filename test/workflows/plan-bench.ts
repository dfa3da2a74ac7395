import { Context } from '@temporalio/activity'
import type { WorkflowHandle } from '@temporalio/client'
import { createPlanWaves } from '../../activities/plan-waves.ts'
import type { Activities, PlanWish } from '../../core/activities.ts'
import { newPlan, type PlanCommand, type PlanState, type PlanView } from '../../core/cloud-plan.ts'
import { GovernorConfig } from '../../core/governor.ts'
import type { PlanDocument } from '../../core/plan-document.ts'
import { attributes } from '../../core/search-attributes.ts'
import { digestOf } from '../../policies/planner/digest.ts'
import { planDocument } from '../../policies/planner/document.ts'
import { asBefore, assertHolds } from '../../policies/planner/holds.ts'
import type { Goal, Model } from '../../policies/planner/model.ts'
import { afterMoves } from '../../policies/planner/undo.ts'
import { wayBackDocument } from '../../policies/planner/way-back.ts'
import { createPlanDocuments } from '../../temporal/plan-documents.ts'
import { createPlans } from '../../temporal/plans.ts'
import { planCommands } from '../../workflows/plan/desk.ts'
import type { PlanTimes } from '../../workflows/plan/life.ts'
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
export const plans = (
  bench: Pick<Bench, 'client'>,
  document: (wish: PlanWish) => PlanDocument | Promise<PlanDocument>,
): Script & Pick<Activities, 'makePlan'> => ({
  async makePlan(wish) {
    const { workflowId = '' } = Context.current().info.workflowExecution ?? {}
    const made = await document(wish)
    return digestOf(made, await createPlanDocuments(bench.client).keep(workflowId, made))
  },
})

/** A cloud of which only the model is real: what is moved is there afterwards, and every picture shows it as it is. */
export interface ModelCloud extends Script {
  model: Model
  /** Hosts that are disabled, with the reason. */
  readonly disabled: Map<string, string>
}

export function modelCloud(bench: Pick<Bench, 'client'>, first: Model): ModelCloud {
  const documents = createPlanDocuments(bench.client)
  const { readWave } = createPlanWaves({ documents, sessions: undefined as never })
  const cloud: ModelCloud = {
    model: first,
    disabled: new Map(),
    ...plans(bench, async ({ goal, options, stay, undoes = '' }) => {
      if (goal !== 'undo') return documentOf(cloud.model, goal, { ...options, stay })
      const picture = { model: cloud.model, takenMs: Date.now() }
      return wayBackDocument(picture, await createPlans(bench.client).made(undoes), options, Date.now())
    }),
    readWave,
    async checkWave({ workflowId, pack, wave, moved }) {
      const document = await documents.read(workflowId, pack)
      const { moves } = await readWave({ workflowId, pack, wave })
      const begun = moves.filter(({ serverId }) => moved.includes(serverId))
      const nowMs = begun.length > 0 ? Date.parse(document.validity.takenAt) : Date.now()
      assertHolds(document, asBefore(cloud.model, begun), nowMs, wave)
    },
    liveMigrate(move) {
      cloud.model = afterMoves(cloud.model, [move])
      return { host: move.to, migrationUuid: `m-${move.serverId}`, durationMs: 1 }
    },
    verifyMoves({ moves }) {
      const at = new Map(cloud.model.servers.map(({ id, host }) => [id, host]))
      return { astray: moves.filter(({ serverId, to }) => at.get(serverId) !== to).map(({ serverId }) => serverId) }
    },
    disableHost({ host, reason }) {
      cloud.disabled.set(host, cloud.disabled.get(host) ?? reason)
      return { ours: cloud.disabled.get(host) === reason }
    },
    enableHost: ({ host, reason }) => ({ enabled: cloud.disabled.get(host) === reason && cloud.disabled.delete(host) }),
    findDisabled: ({ reason }) => ({
      hosts: [...cloud.disabled].filter(([, why]) => why === reason).map(([host]) => host),
    }),
  }
  return cloud
}

export const brakesOf = (more: Partial<GovernorConfig['approval']> = {}) => ({
  approval: { ...GovernorConfig.parse({}).approval, ...more },
})

/** Begins a plan as the API does; its id names the world of the test. */
export function askFor(
  bench: Pick<Bench, 'client' | 'taskQueue'>,
  { host }: Pick<Cloud, 'host'>,
  more: Partial<PlanView> = {},
  governor = brakesOf(),
  times: PlanTimes = { lookAgainMs: 50 },
): Promise<PlanHandle> {
  const { userId, name: by } = person('olga')
  const createdAt = new Date().toISOString()
  const view = { ...newPlan({ id: host, goal: 'drain', options: { drain: [host] }, by, userId, createdAt }), ...more }
  return bench.client.workflow.start(cloudPlan, {
    workflowId: `plan/${host}`,
    taskQueue: bench.taskQueue,
    args: [{ view, governor }, times],
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

/** Whether the engine has this word for the run of a wave: what the run does next comes after it. */
export async function wasTold({ client }: Pick<Bench, 'client'>, { host }: Pick<Cloud, 'host'>, word: string) {
  const { events } = await client.workflow.getHandle(`run/plan/${host}`).fetchHistory()
  return (events ?? []).some(
    ({ workflowExecutionSignaledEventAttributes: signal, workflowExecutionCancelRequestedEventAttributes: cancel }) =>
      word === 'cancel' ? !!cancel : signal?.signalName === word,
  )
}

import {
  type Client,
  type WorkflowExecutionInfo,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client'
import {
  type OpenPlan,
  type PlanCommand,
  type PlanShown,
  type PlanState,
  PlanView,
  planWorkflowId,
  WaveRunView,
} from '../core/cloud-plan.ts'
import { codeOf, failure, messageOf } from '../core/errors.ts'
import type { PlanDocument } from '../core/plan-document.ts'
import { attributes } from '../core/search-attributes.ts'
import { taskQueues } from '../core/task-queues.ts'
import { movesOf } from '../policies/planner/progress.ts'
import type { PastMove } from '../policies/planner/rest.ts'
import { cloudPlan } from '../workflows/plan/plan.ts'
import { quoted } from './incident-list.ts'
import { type Page, type PageWish, pageOf } from './page.ts'
import { createPlanDocuments } from './plan-documents.ts'
import { engineTimeoutMs, throughEngine } from './reach.ts'

/** Plans for many hosts. All calls may throw ENGINE_UNREACHABLE. */
export interface Plans {
  start(plan: OpenPlan): Promise<void>
  /** @throws PLAN_NOT_FOUND */
  show(id: string): Promise<PlanView>
  /** The same with what has become of each move; needs no worker. @throws PLAN_NOT_FOUND */
  detail(id: string): Promise<PlanShown>
  /** By pages: those that are not at their end first, newest first. @throws INPUT_INVALID when `page` is no page of such a list */
  list(wish: PageWish, state?: PlanState): Promise<Page<PlanView>>
  /** @throws PLAN_NOT_FOUND, PLAN_CLOSED while there is none yet */
  document(id: string): Promise<PlanDocument>
  /** Every move that was made for it, in order. @throws PLAN_NOT_FOUND */
  made(id: string): Promise<PastMove[]>
  /** Has a command carried out; the plan as it is then. @throws PLAN_NOT_FOUND, PLAN_CLOSED */
  command(id: string, command: PlanCommand): Promise<PlanView>
}

export function createPlans(client: Client, taskQueue: string = taskQueues.remediation): Plans {
  const handleOf = (id: string) => client.workflow.getHandle<typeof cloudPlan>(planWorkflowId(id))
  const documents = createPlanDocuments(client)

  async function show(id: string): Promise<PlanView> {
    try {
      return viewOf(await handleOf(id).describe())
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw failure('PLAN_NOT_FOUND', `there is no plan ${id}`)
      throw error
    }
  }

  const query = (wish: PageWish, ...also: string[]): Promise<Page<PlanView>> =>
    pageOf(client, ["StewardKind = 'plan'", ...also].join(' AND '), wish, (found) =>
      // one that a former version wrote in another way does not keep the others from being seen
      PlanView.safeParse(found.memo.view).success ? viewOf(found) : undefined,
    )

  async function command(id: string, given: PlanCommand): Promise<PlanView> {
    await show(id)
    try {
      return PlanView.parse(await handleOf(id).executeUpdate<PlanView, [PlanCommand]>(given.does, { args: [given] }))
    } catch (error) {
      if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError)
        throw failure('ENGINE_UNREACHABLE', 'no worker has taken the command in time; it may still be carried out')
      const isRefused = error instanceof WorkflowUpdateFailedError
      if (isRefused && codeOf(error)) throw failure(codeOf(error) ?? 'INTERNAL', messageOf(error))
      if (!isRefused && !(error instanceof WorkflowNotFoundError)) throw error
      const view = await show(id)
      if (view.state === 'discarded' && given.does === 'discard') return view
      throw failure('PLAN_CLOSED', `the plan ${id} is ${view.state}: it cannot be told to ${given.does}`)
    }
  }

  /** What the run of the wave at work shows of itself; undefined when it has just ended. */
  async function runningWave({ run }: PlanView): Promise<WaveRunView | undefined> {
    if (!run) return undefined
    try {
      const { memo } = await client.workflow.getHandle(run.workflowId, run.runId).describe()
      return WaveRunView.safeParse(memo?.view).data
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined
      throw error
    }
  }

  async function detail(id: string): Promise<PlanShown> {
    const view = await throughEngine(client, () => show(id))
    if (!view.digest) return { ...view, moves: [] }
    const [document, running] = await Promise.all([
      documents.read(planWorkflowId(id), view.digest.pack),
      throughEngine(client, () => runningWave(view)),
    ])
    const says = running?.says
    return { ...view, ...(says && { says }), moves: movesOf(document, view.waves, running) }
  }

  async function madeFor({ id, earlier, digest, waves }: PlanView): Promise<PastMove[]> {
    const parts = [...earlier, ...(digest ? [{ pack: digest.pack, waves }] : [])]
    const found: PastMove[] = []
    for (const part of parts) {
      if (!part.waves.some(({ moved }) => moved > 0)) continue
      const endedMs = new Map(part.waves.map(({ wave, endedAt }) => [wave, Date.parse(endedAt ?? '')]))
      const document = await documents.read(planWorkflowId(id), part.pack)
      for (const { wave, serverId, from, to, state } of movesOf(document, part.waves))
        if (state === 'moved') found.push({ serverId, from, to, atMs: endedMs.get(wave) || Date.now() })
    }
    return found
  }

  return {
    detail,
    made: async (id) => madeFor(await throughEngine(client, () => show(id))),
    show: (id) => throughEngine(client, () => show(id)),
    list: (wish, state) =>
      throughEngine(client, () => query(wish, ...(state ? [`StewardState = ${quoted(state)}`] : []))),
    command: (id, given) => throughEngine(client, () => command(id, given), 2 * engineTimeoutMs),
    async document(id) {
      const { digest, state } = await throughEngine(client, () => show(id))
      if (!digest) throw failure('PLAN_CLOSED', `the plan ${id} is ${state}: it has no document`)
      return documents.read(planWorkflowId(id), digest.pack)
    },
    start: (plan) =>
      throughEngine(client, async () => {
        const { view } = plan
        await client.workflow.start(cloudPlan, {
          workflowId: planWorkflowId(view.id),
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
          taskQueue,
          args: [plan],
          memo: { view },
          staticSummary: view.why ?? `${view.goal}, asked for by ${view.by}`,
          typedSearchAttributes: [
            { key: attributes.kind, value: 'plan' },
            { key: attributes.state, value: view.state },
          ],
        })
      }),
  }
}

/** One that was terminated could not say so itself. */
function viewOf({ memo, status, closeTime }: Pick<WorkflowExecutionInfo, 'memo' | 'status' | 'closeTime'>): PlanView {
  const view = PlanView.parse(memo?.view)
  if (view.endedAt !== undefined || status.name === 'RUNNING') return view
  const detail = `its workflow is ${status.name} in Temporal`
  return { ...view, state: 'stopped', reason: { detail }, endedAt: (closeTime ?? new Date()).toISOString() }
}

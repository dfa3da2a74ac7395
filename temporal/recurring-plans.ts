import {
  type Client,
  type WorkflowExecutionInfo,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client'
import { codeOf, failure, messageOf } from '../core/errors.ts'
import { type RecurringPlan, type RecurringPlanCommand, RecurringPlanView } from '../core/recurring-plan.ts'
import { attributes } from '../core/search-attributes.ts'
import { taskQueues } from '../core/task-queues.ts'
import { recurringPlan } from '../workflows/recurring-plan.ts'
import { type Page, type PageWish, pageOf } from './page.ts'
import { engineTimeoutMs, pastTheEndOfARun, throughEngine } from './reach.ts'

/** Plans that are made again and again. All calls may throw ENGINE_UNREACHABLE. */
export interface RecurringPlans {
  start(plan: RecurringPlan): Promise<void>
  /** @throws PLAN_NOT_FOUND */
  show(id: string): Promise<RecurringPlanView>
  /** By pages: those that are not at their end first, newest first. @throws INPUT_INVALID when `page` is no page of such a list */
  list(wish: PageWish): Promise<Page<RecurringPlanView>>
  /** Has a command carried out; the recurring plan as it is then. @throws PLAN_NOT_FOUND, PLAN_CLOSED */
  command(id: string, command: RecurringPlanCommand): Promise<RecurringPlanView>
}

export function createRecurringPlans(client: Client, taskQueue: string = taskQueues.remediation): RecurringPlans {
  const handleOf = (id: string) => client.workflow.getHandle<typeof recurringPlan>(`recurring-plan/${id}`)

  async function show(id: string): Promise<RecurringPlanView> {
    try {
      return viewOf(await handleOf(id).describe())
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw failure('PLAN_NOT_FOUND', `there is no recurring plan ${id}`)
      throw error
    }
  }

  async function command(id: string, given: RecurringPlanCommand): Promise<RecurringPlanView> {
    await show(id)
    try {
      return await pastTheEndOfARun(() =>
        handleOf(id).executeUpdate<RecurringPlanView, [RecurringPlanCommand]>(given.does, { args: [given] }),
      )
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw failure('PLAN_CLOSED', `recurring plan ${id} has ended`)
      if (!(error instanceof WorkflowUpdateFailedError)) throw error
      throw failure(codeOf(error) ?? 'PLAN_CLOSED', codeOf(error) ? messageOf(error) : `${id} has just ended`)
    }
  }

  return {
    show: (id) => throughEngine(client, () => show(id)),
    list: (wish) =>
      throughEngine(client, () =>
        pageOf(client, "StewardKind = 'recurring-plan' AND ExecutionStatus != 'ContinuedAsNew'", wish, viewOf),
      ),
    command: (id, given) => throughEngine(client, () => command(id, given), 2 * engineTimeoutMs),
    start: (plan) =>
      throughEngine(client, async () => {
        const { view } = plan
        await client.workflow.start(recurringPlan, {
          workflowId: handleOf(view.id).workflowId,
          taskQueue,
          args: [plan],
          memo: { view },
          staticSummary: view.name ?? `plans to ${view.goal}, asked for by ${view.by}`,
          typedSearchAttributes: [
            { key: attributes.kind, value: 'recurring-plan' },
            { key: attributes.state, value: view.state },
          ],
        })
      }),
  }
}

/** One that was terminated could not say so itself. */
function viewOf({
  memo,
  status,
  closeTime,
}: Pick<WorkflowExecutionInfo, 'memo' | 'status' | 'closeTime'>): RecurringPlanView {
  const { next, ...view } = RecurringPlanView.parse(memo?.view)
  if (view.endedAt !== undefined || status.name === 'RUNNING') return { ...view, ...(next && { next }) }
  const reason = `its workflow is ${status.name} in Temporal`
  return { ...view, state: 'ended', reason, endedAt: (closeTime ?? new Date()).toISOString() }
}

import { type Client, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client'
import { ActionView } from '../core/action.ts'
import { codeOf, failure, messageOf } from '../core/errors.ts'
import type { Person } from '../core/person.ts'
import { type RecurringAction, RecurringActionView, type RecurringCommand } from '../core/recurrence.ts'
import { attributes } from '../core/search-attributes.ts'
import { taskQueues } from '../core/task-queues.ts'
import { titleOf } from '../core/work.ts'
import { recurringAction } from '../workflows/recurring-action.ts'
import { delegationAttribute, identified } from './delegation-id.ts'
import { quoted } from './incident-list.ts'
import { type Page, type PageWish, pageOf } from './page.ts'
import { engineTimeoutMs, pastTheEndOfARun, throughEngine } from './reach.ts'

/** The recurring actions of all projects; every question names the project that asks. */
export interface RecurringActions {
  start(action: RecurringAction): Promise<void>
  /** @throws ACTION_NOT_FOUND also for another project's */
  show(id: string, projectId: string): Promise<RecurringActionView>
  /** By pages: those that are active first. @throws INPUT_INVALID when `page` is no page of such a list */
  list(projectId: string, wish: PageWish): Promise<Page<RecurringActionView>>
  /** One occurrence, with what was answered. @throws ACTION_NOT_FOUND */
  occurrence(id: string, at: string, projectId: string): Promise<ActionView>
  /** Has a command carried out; the recurring action as it is then. @throws ACTION_NOT_FOUND, ACTION_CLOSED, and what the command is refused with */
  command(id: string, projectId: string, command: RecurringCommand & { by: Person }): Promise<RecurringActionView>
}

export function createRecurringActions(client: Client): RecurringActions {
  const handleOf = (id: string) => client.workflow.getHandle<typeof recurringAction>(`recurring-action/${id}`)
  const notFound = (id: string) => failure('ACTION_NOT_FOUND', `this project has no recurring action ${id}`)

  async function memoOf(workflowId: string): Promise<unknown> {
    try {
      return (await client.workflow.getHandle(workflowId).describe()).memo?.view
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined
      throw error
    }
  }

  async function show(id: string, projectId: string): Promise<RecurringActionView> {
    const view = RecurringActionView.safeParse(await memoOf(handleOf(id).workflowId)).data
    if (view?.projectId !== projectId) throw notFound(id)
    return view
  }

  async function occurrence(id: string, at: string, projectId: string): Promise<ActionView> {
    const view = ActionView.safeParse(await memoOf(`action/${id}/${at}`)).data
    if (view?.projectId !== projectId) throw failure('ACTION_NOT_FOUND', `${id} had no occurrence of ${at}`)
    return view
  }

  const list: RecurringActions['list'] = (projectId, wish) => {
    const query = `StewardKind = 'recurring-action' AND StewardProjectId = ${quoted(projectId)} AND ExecutionStatus != 'ContinuedAsNew'`
    return pageOf(client, query, wish, ({ memo }) => {
      const view = RecurringActionView.parse(memo.view)
      // the index is only an index: the encrypted view has the last word on whose it is
      return view.projectId === projectId ? view : undefined
    })
  }

  async function command(id: string, projectId: string, { does, ...given }: RecurringCommand & { by: Person }) {
    await show(id, projectId)
    const told = 'delegated' in given ? { ...given, delegated: identified(given.delegated) } : given
    try {
      return await pastTheEndOfARun(() =>
        handleOf(id).executeUpdate<RecurringActionView, [object]>(does, { args: [told] }),
      )
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw failure('ACTION_CLOSED', `recurring action ${id} has ended`)
      if (!(error instanceof WorkflowUpdateFailedError)) throw error
      throw failure(codeOf(error) ?? 'ACTION_CLOSED', codeOf(error) ? messageOf(error) : `${id} has just ended`)
    }
  }

  return {
    show: (id, projectId) => throughEngine(client, () => show(id, projectId)),
    list: (projectId, wish) => throughEngine(client, () => list(projectId, wish)),
    occurrence: (id, at, projectId) => throughEngine(client, () => occurrence(id, at, projectId)),
    command: (id, projectId, given) => throughEngine(client, () => command(id, projectId, given), 3 * engineTimeoutMs),
    start: (action) =>
      throughEngine(client, async () => {
        const { view } = action
        await client.workflow.start(recurringAction, {
          workflowId: handleOf(view.id).workflowId,
          taskQueue: taskQueues.actions,
          args: [action],
          memo: { view },
          staticSummary: view.name ?? titleOf(view),
          typedSearchAttributes: [
            { key: attributes.kind, value: 'recurring-action' },
            { key: attributes.state, value: view.state },
            { key: attributes.projectId, value: view.projectId },
            ...delegationAttribute(action),
          ],
        })
      }),
  }
}

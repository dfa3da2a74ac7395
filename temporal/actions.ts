import { type Client, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client'
import { ActionView, type ScheduledAction } from '../core/action.ts'
import { failure } from '../core/errors.ts'
import type { Person } from '../core/person.ts'
import { attributes } from '../core/search-attributes.ts'
import { taskQueues } from '../core/task-queues.ts'
import { cancelAction, scheduledAction } from '../workflows/scheduled-action.ts'
import { engineTimeoutMs, throughEngine } from './reach.ts'

/** The deferred actions of all projects; every question names the project that asks. */
export interface Actions {
  start(action: ScheduledAction): Promise<void>
  /** @throws ACTION_NOT_FOUND also for another project's action */
  show(id: string, projectId: string): Promise<ActionView>
  /** Newest first, at most `limit`. */
  list(projectId: string, limit: number): Promise<ActionView[]>
  /** @throws ACTION_NOT_FOUND, ACTION_CLOSED */
  cancel(id: string, projectId: string, by: Person): Promise<ActionView>
}

export function createActions(client: Client): Actions {
  const handleOf = (id: string) => client.workflow.getHandle<typeof scheduledAction>(`action/${id}`)

  async function show(id: string, projectId: string): Promise<ActionView> {
    try {
      const { memo } = await handleOf(id).describe()
      const view = ActionView.parse(memo?.view)
      if (view.projectId === projectId) return view
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error
    }
    throw failure('ACTION_NOT_FOUND', `this project has no action ${id}`)
  }

  async function list(projectId: string, limit: number): Promise<ActionView[]> {
    const query = `StewardKind = 'action' AND StewardProjectId = ${quoted(projectId)}`
    const found: ActionView[] = []
    for await (const { memo } of client.workflow.list({ query, pageSize: limit })) {
      const view = ActionView.parse(memo?.view)
      // the index is only an index: the encrypted view has the last word on whose it is
      if (view.projectId === projectId) found.push(view)
      if (found.length >= limit) break
    }
    return found
  }

  async function cancel(id: string, projectId: string, by: Person): Promise<ActionView> {
    const view = await show(id, projectId)
    if (view.state !== 'scheduled') throw failure('ACTION_CLOSED', `action ${id} is ${view.state}`)
    try {
      return await handleOf(id).executeUpdate(cancelAction, { args: [{ by }] })
    } catch (error) {
      if (error instanceof WorkflowNotFoundError || error instanceof WorkflowUpdateFailedError)
        throw failure('ACTION_CLOSED', `action ${id} has ended or is being carried out`)
      throw error
    }
  }

  return {
    show: (id, projectId) => throughEngine(client, () => show(id, projectId)),
    list: (projectId, limit) => throughEngine(client, () => list(projectId, limit)),
    cancel: (id, projectId, by) => throughEngine(client, () => cancel(id, projectId, by), 3 * engineTimeoutMs),
    start: (action) =>
      throughEngine(client, async () => {
        const { view } = action
        await client.workflow.start(scheduledAction, {
          workflowId: `action/${view.id}`,
          taskQueue: taskQueues.actions,
          args: [action],
          memo: { view },
          staticSummary: view.name ?? `${view.call.method} ${view.call.service}${view.call.path}`,
          typedSearchAttributes: [
            { key: attributes.kind, value: 'action' },
            { key: attributes.state, value: view.state },
            { key: attributes.projectId, value: view.projectId },
          ],
        })
      }),
  }
}

/** Ids come from Keystone, but a quote in one must still not end the string. */
const quoted = (id: string) => `'${id.replaceAll("'", "''")}'`

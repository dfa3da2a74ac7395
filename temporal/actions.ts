import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client'
import { type ActionCommand, type ActionState, ActionView, isWaiting, type ScheduledAction } from '../core/action.ts'
import { codeOf, failure } from '../core/errors.ts'
import type { Person } from '../core/person.ts'
import { attributes } from '../core/search-attributes.ts'
import { taskQueues } from '../core/task-queues.ts'
import { titleOf } from '../core/work.ts'
import { scheduledAction } from '../workflows/scheduled-action.ts'
import { delegationAttribute, identified } from './delegation-id.ts'
import { quoted } from './incident-list.ts'
import { type Page, type PageWish, pageOf } from './page.ts'
import { engineTimeoutMs, throughEngine } from './reach.ts'

/** The deferred actions of all projects; every question names the project that asks. */
export interface Actions {
  /** `fingerprint` is kept with it, see `taken`. @returns false when there is one with this id already */
  start(action: ScheduledAction, fingerprint?: string): Promise<boolean>
  /** The action with this id and the fingerprint it was started with; undefined when there is none in this project. */
  taken(id: string, projectId: string): Promise<{ view: ActionView; fingerprint?: string } | undefined>
  /** @throws ACTION_NOT_FOUND also for another project's action */
  show(id: string, projectId: string): Promise<ActionView>
  /**
   * Those in any of `states` (all when left out), by pages: the ones that wait or run first, newest first.
   *
   * @throws INPUT_INVALID when `page` is no page of such a list
   */
  list(projectId: string, wish: PageWish & { states?: readonly ActionState[] }): Promise<Page<ActionView>>
  /** Has a command carried out; the action as it is then. @throws ACTION_NOT_FOUND, ACTION_CLOSED */
  command(id: string, projectId: string, command: ActionCommand & { by: Person }): Promise<ActionView>
}

export function createActions(client: Client): Actions {
  const handleOf = (id: string) => client.workflow.getHandle<typeof scheduledAction>(`action/${id}`)

  const taken: Actions['taken'] = async (id, projectId) => {
    try {
      const { memo } = await handleOf(id).describe()
      const view = ActionView.parse(memo?.view)
      if (view.projectId !== projectId) return undefined
      return { view, ...(typeof memo?.fingerprint === 'string' && { fingerprint: memo.fingerprint }) }
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined
      throw error
    }
  }

  async function show(id: string, projectId: string): Promise<ActionView> {
    const found = await taken(id, projectId)
    if (found) return found.view
    throw failure('ACTION_NOT_FOUND', `this project has no action ${id}`)
  }

  const list: Actions['list'] = async (projectId, { states, ...wish }) => {
    const inStates = states ? ` AND StewardState IN (${states.map(quoted).join(', ')})` : ''
    const query = `StewardKind = 'action' AND StewardProjectId = ${quoted(projectId)}${inStates}`
    return pageOf(client, query, wish, ({ memo }) => {
      const view = ActionView.parse(memo.view)
      // the index is only an index: the encrypted view has the last word on whose it is, and how it is
      return view.projectId === projectId && (states?.includes(view.state) ?? true) ? view : undefined
    })
  }

  const command: Actions['command'] = async (id, projectId, { does, ...given }) => {
    const view = await show(id, projectId)
    if (!isWaiting(view.state)) throw failure('ACTION_CLOSED', `action ${id} is ${view.state}`)
    try {
      const told = 'delegated' in given ? { ...given, delegated: identified(given.delegated) } : given
      return await handleOf(id).executeUpdate<ActionView, [object]>(does, { args: [told] })
    } catch (error) {
      const isRefused = error instanceof WorkflowUpdateFailedError && codeOf(error) === undefined
      if (error instanceof WorkflowNotFoundError || isRefused)
        throw failure('ACTION_CLOSED', `action ${id} has ended or is being carried out`)
      throw error
    }
  }

  return {
    show: (id, projectId) => throughEngine(client, () => show(id, projectId)),
    list: (projectId, wish) => throughEngine(client, () => list(projectId, wish)),
    command: (id, projectId, told) => throughEngine(client, () => command(id, projectId, told), 3 * engineTimeoutMs),
    taken: (id, projectId) => throughEngine(client, () => taken(id, projectId)),
    start: (action, fingerprint) =>
      throughEngine(client, async () => {
        const { view } = action
        try {
          await client.workflow.start(scheduledAction, {
            workflowId: `action/${view.id}`,
            taskQueue: taskQueues.actions,
            // an id is one action, also when that has ended
            workflowIdReusePolicy: 'REJECT_DUPLICATE',
            args: [action],
            memo: { view, ...(fingerprint !== undefined && { fingerprint }) },
            staticSummary: view.name ?? titleOf(view),
            ...(view.priority !== undefined && { priority: { priorityKey: view.priority } }),
            typedSearchAttributes: [
              { key: attributes.kind, value: 'action' },
              { key: attributes.state, value: view.state },
              { key: attributes.projectId, value: view.projectId },
              ...delegationAttribute(action),
            ],
          })
          return true
        } catch (error) {
          if (error instanceof WorkflowExecutionAlreadyStartedError) return false
          throw error
        }
      }),
  }
}

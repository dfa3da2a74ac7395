import { randomUUID } from 'node:crypto'
import type { WorkflowHandle } from '@temporalio/client'
import type { ActionView, ScheduledAction } from '../../core/action.ts'
import type { Call } from '../../core/call.ts'
import { attributes } from '../../core/search-attributes.ts'
import { scheduledAction } from '../../workflows/scheduled-action.ts'
import type { Bench } from './engine.ts'

export type ActionHandle = WorkflowHandle<typeof scheduledAction>

/** Stops one server: a POST, so not to be repeated blindly. */
export const stopServer: Call = {
  service: 'compute',
  method: 'POST',
  path: '/servers/6f1c/action',
  body: { 'os-stop': null },
}

/**
 * Due so late that the look ahead, an hour before, comes in a moment. A worker that is busy for longer than that moment
 * finds its time gone by, and does not look.
 */
export const soonLookedMs = 3_600_000 + 15_000

export interface ActionOptions {
  call?: Call
  /** From now; the past when negative. @default 1 */
  dueInMs?: number
  /** @default 60 000 */
  maxLatenessMs?: number
  more?: Partial<ActionView>
}

/** What the API hands to the engine when somebody defers a call. */
export function actionOf(trustId: string, options: ActionOptions = {}): ScheduledAction {
  const { call = stopServer, dueInMs = 1, maxLatenessMs = 60_000, more } = options
  const view: ActionView = {
    id: randomUUID(),
    state: 'scheduled',
    projectId: 'project-1',
    userId: 'user-1',
    roles: ['member'],
    call,
    runAt: new Date(Date.now() + dueInMs).toISOString(),
    createdAt: new Date().toISOString(),
    ...more,
  }
  return { view, trustId, maxLatenessMs }
}

export const startAction = (
  bench: Pick<Bench, 'client' | 'taskQueue'>,
  action: ScheduledAction,
): Promise<ActionHandle> =>
  bench.client.workflow.start(scheduledAction, {
    workflowId: `action/${action.view.id}`,
    taskQueue: bench.taskQueue,
    args: [action],
    memo: { view: action.view },
    typedSearchAttributes: [{ key: attributes.state, value: action.view.state }],
  })

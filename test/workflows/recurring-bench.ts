import { randomUUID } from 'node:crypto'
import type { WorkflowHandle } from '@temporalio/client'
import type { UpdateDefinition } from '@temporalio/common'
import { expect, vi } from 'vitest'
import { Recurrence, type RecurringAction, type RecurringActionView } from '../../core/recurrence.ts'
import { attributes } from '../../core/search-attributes.ts'
import { metTheEndOfARun } from '../../temporal/reach.ts'
import { recurringAction } from '../../workflows/recurring-action.ts'
import { stopServer } from './action-bench.ts'
import { type Bench, viewOf } from './engine.ts'

const mostTurns = 5

export type RecurringHandle = WorkflowHandle<typeof recurringAction>

export interface RecurringOptions {
  /** How the user writes it. @default every second, also beside one that still runs */
  recurrence?: object
  view?: Partial<RecurringActionView>
  more?: Partial<RecurringAction>
}

/** A recurrence of seconds is refused to users; the workflow takes it when its smallest gap allows it. */
export const ofSeconds = (written: object): Recurrence => ({
  ...Recurrence.parse({ interval: 'PT1S', overlap: 'allow', ...written, catchUpSeconds: 60 }),
  ...('catchUpSeconds' in written && { catchUpSeconds: Number(written.catchUpSeconds) }),
})

/**
 * What the API hands to the engine when somebody asks for a call again and again. An interval counts from now: counted
 * from 1970, it would be the time of day at which a test runs that decides when the next call is.
 */
export function recurringOf(trustId: string, { recurrence = {}, view, more }: RecurringOptions = {}): RecurringAction {
  const { afterMs = Date.now() } = more ?? {}
  const now = new Date().toISOString()
  const start = new Date(afterMs).toISOString()
  return {
    view: {
      ...{ id: randomUUID(), state: 'active', projectId: 'project-1', userId: 'user-1', roles: ['member'] },
      ...{ call: stopServer, recurrence: ofSeconds({ start, ...recurrence }), maxLatenessSeconds: 60, createdAt: now },
      ...{ delegated: { since: now, until: '2099-01-01T00:00:00.000Z' }, counted: 0, running: [], past: [] },
      ...view,
    },
    trustId,
    afterMs,
    minGapMs: 1000,
    ...more,
  }
}

export const startRecurring = (
  bench: Pick<Bench, 'client' | 'taskQueue'>,
  action: RecurringAction,
): Promise<RecurringHandle> =>
  bench.client.workflow.start(recurringAction, {
    workflowId: `recurring-action/${action.view.id}`,
    taskQueue: bench.taskQueue,
    args: [action],
    memo: { view: action.view },
    typedSearchAttributes: [
      { key: attributes.kind, value: 'recurring-action' },
      { key: attributes.state, value: action.view.state },
    ],
  })

/** Has a command carried out; one that meets the end of a run is for the next run, as everywhere in Steward. */
export async function order<R, A>(handle: RecurringHandle, update: UpdateDefinition<R, [A]>, given: A): Promise<R> {
  for (let turn = 1; ; turn++) {
    try {
      return await handle.executeUpdate(update, { args: [given] })
    } catch (error) {
      if (turn === mostTurns || !metTheEndOfARun(error)) throw error
    }
  }
}

/** Outcomes so far, oldest first. */
export const outcomes = async (handle: RecurringHandle): Promise<string[]> =>
  (await viewOf<RecurringActionView>(handle)).past.map(({ outcome }) => outcome)

/** Waits until so many occurrences have an outcome. */
export const untilPast = (handle: RecurringHandle, count: number): Promise<void> =>
  vi.waitFor(async () => expect((await outcomes(handle)).length).toBeGreaterThanOrEqual(count), {
    timeout: 40_000,
    interval: 100,
  })

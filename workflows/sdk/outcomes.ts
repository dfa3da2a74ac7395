import { ActivityFailure, TimeoutFailure } from '@temporalio/workflow'
import { failure } from '../../core/errors.ts'
import type { Fanned } from './context.ts'

/** How many of how many went well, for a summary. */
export const inNumbers = (outcomes: readonly Fanned<unknown, unknown>[]): string =>
  `${outcomes.filter(({ outcome }) => outcome === 'done').length} of ${outcomes.length}`

/** Those that did not, with their reasons, for a result. */
export const failedOnes = <T>(outcomes: readonly Fanned<T, unknown>[]) =>
  outcomes
    .filter(({ outcome }) => outcome !== 'done')
    .map(({ item, outcome, reason }) => ({ item, outcome, ...(reason && { reason }) }))

/** Does what is not repeated; that its worker was lost meanwhile means that nobody can tell whether it took effect. */
export async function orUnknown<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof ActivityFailure && error.cause instanceof TimeoutFailure)
      throw failure('OUTCOME_UNKNOWN', `the worker was lost during ${what}`)
    throw error
  }
}

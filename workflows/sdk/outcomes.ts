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

/**
 * Ends the run as failed unless all went well, with the reasons: `forEach` itself throws for none of them.
 * @throws RUN_FAILED
 */
export function assertAllDone(outcomes: readonly Fanned<unknown, unknown>[]): void {
  const failed = outcomes.filter(({ outcome }) => outcome === 'failed')
  const notBegun = outcomes.filter(({ outcome }) => outcome === 'not begun').length
  if (failed.length === 0 && notBegun === 0) return
  const told = failed.slice(0, toldReasons).map(({ item, reason }) => `${nameOf(item)}: ${reason}`)
  const more = failed.length > toldReasons ? [`${failed.length - toldReasons} more failed`] : []
  const rest = notBegun > 0 ? [`${notBegun} not begun`] : []
  throw failure('RUN_FAILED', `${inNumbers(outcomes)} done; ${[...told, ...more, ...rest].join('; ')}`)
}

const toldReasons = 5

/** As people know it: what it is called, or its id. */
function nameOf(item: unknown): string {
  if (typeof item !== 'object' || item === null) return String(item)
  const { name, id } = item as { name?: unknown; id?: unknown }
  return String(name ?? id ?? 'one')
}

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

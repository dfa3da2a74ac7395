import { CancellationScope, isCancellation } from '@temporalio/workflow'
import type { ErrorCode } from '../../../core/catalogue.ts'
import type { Step } from '../../../core/declared-runbook.ts'
import { codeOf, failure, messageOf } from '../../../core/errors.ts'
import type { RunContext } from '../context.ts'

/** Somebody's will, or a bound of Steward: no document goes on after these. */
const final: ReadonlySet<ErrorCode | undefined> = new Set([
  ...(['STOPPED', 'GAVE_WAY', 'RUN_REFUSED', 'RUNBOOK_LIMIT', 'CALL_NOT_DECLARED'] as const),
])
/** What would fail the same way again; and what may have been done, so that trying again could do it twice. */
const notAgain: ReadonlySet<ErrorCode | undefined> = new Set([
  ...(['EXPRESSION_FAILED', 'INPUT_INVALID', 'OUTCOME_UNKNOWN', 'DELEGATION_MISSING'] as const),
])

/** Whether what a document says of errors is of use for this one. */
export const canBeHandled = (error: unknown): boolean => !isCancellation(error) && !final.has(codeOf(error))

/** Tries as often as the step says. */
export async function withRetries<T>(
  { retry: { times, everySeconds } = { times: 0, everySeconds: 0 } }: Pick<Step, 'retry'>,
  run: RunContext,
  act: () => Promise<T>,
): Promise<T> {
  for (let tried = 0; ; tried++) {
    try {
      return await act()
    } catch (error) {
      if (tried >= times || !canBeHandled(error) || notAgain.has(codeOf(error))) throw error
      await run.sleep(everySeconds, `before trying again: ${messageOf(error)}`)
    }
  }
}

/**
 * After `timeoutSeconds` nothing more of it is begun; what was begun is seen through first.
 *
 * @throws RUN_TIMED_OUT
 */
export async function withinTime<T>(
  { timeoutSeconds, line }: Pick<Step, 'timeoutSeconds' | 'line'>,
  run: RunContext,
  act: () => Promise<T>,
): Promise<T> {
  if (timeoutSeconds === undefined || run.dryRun) return act()
  const outer = CancellationScope.current()
  try {
    return await CancellationScope.withTimeout(timeoutSeconds * 1000, act)
  } catch (error) {
    if (!isCancellation(error) || outer.consideredCancelled) throw error
    throw failure('RUN_TIMED_OUT', `line ${line}: not done within ${timeoutSeconds} s`, { timeoutSeconds })
  }
}

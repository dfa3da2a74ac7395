import { setTimeout as sleep } from 'node:timers/promises'
import { ApplicationFailure, Context } from '@temporalio/activity'

/**
 * Waits between two looks, heartbeating all the while with `details`, which the next worker begins with.
 * Ends at once when the activity is cancelled, or when the worker leaves: waiting is what another one can do.
 */
export type Pause = (ms: number, details?: unknown) => Promise<void>

const sliceMs = 5_000

export function createPause(leaving: AbortSignal): Pause {
  return async (ms, details) => {
    const { cancellationSignal, heartbeat } = Context.current()
    const signal = AbortSignal.any([cancellationSignal, leaving])
    for (let leftMs = ms; leftMs > 0; leftMs -= sliceMs) {
      heartbeat(details)
      try {
        await sleep(Math.min(leftMs, sliceMs), undefined, { signal })
      } catch (error) {
        if (cancellationSignal.aborted) throw error
        throw ApplicationFailure.retryable('the worker leaves; another one goes on')
      }
    }
  }
}

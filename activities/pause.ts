import { setTimeout as sleep } from 'node:timers/promises'
import { Context } from '@temporalio/activity'

const sliceMs = 5_000

/** Waits between two looks, heartbeating all the while; ends at once when the activity is cancelled. */
export async function pause(ms: number, details?: unknown): Promise<void> {
  const { cancellationSignal: signal, heartbeat } = Context.current()
  for (let leftMs = ms; leftMs > 0; leftMs -= sliceMs) {
    heartbeat(details)
    await sleep(Math.min(leftMs, sliceMs), undefined, { signal })
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '../core/errors.ts'

/** Waits for the turn of one more call. @throws OVERLOADED when that would take too long: nothing was sent */
export type Pace = () => Promise<void>

/** Well below what an activity is given for a call. */
const longestWaitMs = 30_000

/** Lets calls begin evenly, at most so many in a second, in the order they ask; all at once when no number is given. */
export function createPace(
  callsPerSecond: number | undefined,
  { now = Date.now, wait = sleep }: { now?: () => number; wait?: (ms: number) => Promise<unknown> } = {},
): Pace {
  if (callsPerSecond === undefined) return async () => undefined
  const gapMs = 1000 / callsPerSecond
  let nextMs = 0
  return async () => {
    const nowMs = now()
    const turnMs = Math.max(nowMs, nextMs)
    if (turnMs - nowMs > longestWaitMs)
      throw failure('OVERLOADED', `${callsPerSecond} calls per second (actions.callsPerSecond) are taken for a while`)
    nextMs = turnMs + gapMs
    if (turnMs > nowMs) await wait(turnMs - nowMs)
  }
}

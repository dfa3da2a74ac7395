import { failure } from '../core/errors.ts'
import type { StopButton } from '../temporal/stop.ts'

/** Asked right before every side effect. @throws STOPPED, ENGINE_UNREACHABLE (retried): when in doubt nothing is begun */
export type Brake = () => Promise<void>

/** Well below the five seconds within which the stop button must work. */
const believedMs = 1_000

/** Looks at the stop button, at most once a second however many side effects are about to begin. */
export function createBrake(stop: Pick<StopButton, 'show'>, now: () => number = Date.now): Brake {
  let last: { until: number; answer: ReturnType<StopButton['show']> } | undefined
  return async () => {
    if (!last || last.until <= now()) {
      const asked = { until: now() + believedMs, answer: stop.show() }
      asked.answer.catch(() => {
        if (last === asked) last = undefined
      })
      last = asked
    }
    const pressed = await last.answer
    if (pressed)
      throw failure('STOPPED', `${pressed.by} pressed the stop button at ${pressed.at}: ${pressed.why}`, {
        by: pressed.by,
        at: pressed.at,
      })
  }
}

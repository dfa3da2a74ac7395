import type { GovernorConfig } from '../core/governor.ts'

export interface Firings {
  /** Incidents that were opened by this alert since `sinceMs`, the present one included. */
  readonly opened: number
  /** When the open incident heard of further starts of its alert, epoch ms. */
  readonly startsMs: readonly number[]
  /** Earlier starts do not count: the window, or when a person had a look. */
  readonly sinceMs: number
}

/** Since when firings count: the window, cut off where a person handed the incident back. */
export const countedSinceMs = ({ withinSeconds }: GovernorConfig['flap'], nowMs: number, handedBackMs = 0): number =>
  Math.max(nowMs - withinSeconds * 1000, handedBackMs)

/** Says that an alert comes and goes, with the figures; undefined when it does not. */
export function flapping({ opened, startsMs, sinceMs }: Firings, limits: GovernorConfig['flap']): string | undefined {
  const firings = opened + startsMs.filter((startMs) => startMs > sinceMs).length
  if (firings < limits.firings) return undefined
  return `flapping: it fired ${firings} times within ${limits.withinSeconds} s, ${limits.firings} are too many`
}

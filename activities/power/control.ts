import type { PowerReading } from '../../core/power.ts'

/**
 * The power of one host. Nothing is repeated here, and each call ends within its time.
 *
 * All throw POWER_UNREACHABLE (with `retryAfterSeconds` where that was said), POWER_REFUSED, POWER_NOT_CONFIGURED.
 */
export interface PowerControl {
  /** Changes nothing. @throws POWER_UNKNOWN when the answer does not tell the state */
  look(): Promise<PowerReading>
  /**
   * Orders it, and returns as soon as the order was taken.
   * @throws POWER_UNSUPPORTED; OUTCOME_UNKNOWN when the order may have been taken: a look tells
   */
  off(how: 'graceful' | 'hard'): Promise<void>
  on(): Promise<void>
}

/** The time of a reading: when its answer is there, so that what happened before the question is surely in it. */
export const readingTime = (): string => new Date().toISOString()

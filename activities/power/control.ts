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
   * Orders it, and returns as soon as the order was taken. `begin` is awaited right before the order is sent, after all
   * that has to be read for it.
   * @throws POWER_UNSUPPORTED; OUTCOME_UNKNOWN when the order may have been taken: a look tells; what `begin` throws
   */
  off(how: 'graceful' | 'hard', begin: Begin): Promise<void>
  on(begin: Begin): Promise<void>
}

export type Begin = () => Promise<void>

/** The time of a reading is that of its question: what it says is at least as new. */
export const readingTime = (): string => new Date().toISOString()

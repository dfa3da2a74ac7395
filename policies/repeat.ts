import type { Call } from '../core/call.ts'
import { catalogue, type ErrorCode } from '../core/catalogue.ts'

/** What may follow a call that did not end well. */
export type Verdict = 'repeat' | 'look first' | 'give up'

/** Calls that may be made twice with the effect of one (RFC 9110, 9.2.2). */
const idempotent: ReadonlySet<Call['method']> = new Set(['GET', 'PUT', 'DELETE'])

export const isIdempotent = ({ method }: Pick<Call, 'method'>): boolean => idempotent.has(method)

/**
 * Decides whether a deferred call may be made again. `code` is undefined when the worker was lost during the call, so
 * that nobody knows whether it was sent.
 *
 * A call whose answer was lost is repeated only if repeating is harmless; otherwise, and where the call itself is not at
 * hand, the cloud is asked first.
 */
export function afterFailure(call: Pick<Call, 'method'> | undefined, code: ErrorCode | undefined): Verdict {
  if (code === undefined || code === 'OUTCOME_UNKNOWN') return call && isIdempotent(call) ? 'repeat' : 'look first'
  // nothing was sent, and what is due may still be wanted when the stop button is released
  if (code === 'STOPPED') return 'repeat'
  return catalogue[code].remedy === 'retry' ? 'repeat' : 'give up'
}

/** Wait before attempt `attempt` (1 is the second one): doubling from 1 s to a cap that keeps histories short. */
export function backoffMs(attempt: number, maxLatenessMs: number): number {
  const capMs = Math.min(300_000, Math.max(5_000, maxLatenessMs / 120))
  return Math.min(capMs, 1000 * 2 ** Math.min(attempt - 1, 20))
}

import { ApplicationFailure } from '@temporalio/common'
import { catalogue, type ErrorCode } from './catalogue.ts'

/**
 * Builds the one error type that crosses workflow, activity and API.
 * Temporal forbids subclassing its failures, so identity is the `type` string, never `instanceof`.
 * `details` is stored and shown: ids and figures only, never a header or a body that may hold a secret.
 */
export function failure(code: ErrorCode, message: string, details: Record<string, unknown> = {}): ApplicationFailure {
  return ApplicationFailure.create({
    type: code,
    message,
    details: [details],
    nonRetryable: catalogue[code].remedy !== 'retry',
  })
}

/** The code of a failure, however deep Temporal wrapped it; `undefined` when it is none of ours. */
export function codeOf(error: unknown): ErrorCode | undefined {
  const found = innermost(error)
  return found && (found.type as ErrorCode)
}

/** What a person reads: the message of our own failure inside `error`, never a stack. */
export function messageOf(error: unknown): string {
  return innermost(error)?.message ?? (error instanceof Error ? error.message : String(error))
}

interface Coded {
  type: string
  message: string
  details?: unknown[]
}

/** The deepest failure with a code of the catalogue: activity and child failures wrap the one that says why. */
function innermost(error: unknown): Coded | undefined {
  let found: Coded | undefined
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('type' in at && typeof at.type === 'string' && Object.hasOwn(catalogue, at.type)) found = at as unknown as Coded
  }
  return found
}

/** The details a failure was built with; empty for foreign errors. */
export function detailsOf(error: unknown): Record<string, unknown> {
  const [details] = innermost(error)?.details ?? []
  return typeof details === 'object' && details !== null ? (details as Record<string, unknown>) : {}
}

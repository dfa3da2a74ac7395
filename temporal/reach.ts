import { type Client, isGrpcServiceError, ServiceError, WorkflowNotFoundError } from '@temporalio/client'
import { failure } from '../core/errors.ts'

/** gRPC codes that say "not now": DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE, CANCELLED by a lost connection. */
const notNow: ReadonlySet<number> = new Set([1, 4, 8, 14])

/** Longest wait for one answer of the engine; Alertmanager and people would rather have a 503. */
export const engineTimeoutMs = 10_000

/**
 * Runs calls to the engine, and says ENGINE_UNREACHABLE instead of gRPC's many words for it.
 *
 * @throws ENGINE_UNREACHABLE
 */
export async function throughEngine<T>(client: Client, ask: () => Promise<T>, timeoutMs = engineTimeoutMs): Promise<T> {
  try {
    return await client.connection.withDeadline(Date.now() + timeoutMs, ask)
  } catch (error) {
    const grpc = error instanceof ServiceError ? error.cause : error
    if (isGrpcServiceError(grpc) && notNow.has(grpc.code))
      throw failure('ENGINE_UNREACHABLE', 'Temporal does not answer')
    throw error
  }
}

/** Each run of a workflow that recurs waits for one time: a command may meet the end of one, and is then for the next. */
const mostTurns = 5

/** Asks a workflow whose runs follow each other. @throws what `ask` throws */
export async function pastTheEndOfARun<T>(ask: () => Promise<T>): Promise<T> {
  for (let turn = 1; ; turn++) {
    try {
      return await ask()
    } catch (error) {
      if (turn === mostTurns || !metTheEndOfARun(error)) throw error
    }
  }
}

/** The run closed between the moment an update came and the moment it was looked at: the next run may be asked. */
export function metTheEndOfARun(error: unknown): boolean {
  const grpc = error instanceof ServiceError ? error.cause : error
  if (!isGrpcServiceError(grpc)) return false
  // ABORTED; or FAILED_PRECONDITION when the update came between the last task of a run and its end
  return grpc.code === 10 || (grpc.code === 9 && grpc.details.includes('workflow task failure'))
}

/** There is no such workflow, or it is no longer kept: histories answer so in the engine's own words, NOT_FOUND. */
export function isGone(error: unknown): boolean {
  const grpc = error instanceof ServiceError ? error.cause : error
  return error instanceof WorkflowNotFoundError || (isGrpcServiceError(grpc) && grpc.code === 5)
}

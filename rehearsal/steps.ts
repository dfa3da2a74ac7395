import { Context } from '@temporalio/activity'
import { ApplicationFailure, defaultPayloadConverter } from '@temporalio/common'
import type { ActivityInterceptorsFactory } from '@temporalio/worker'
import { codeOf, detailsOf, failure, messageOf } from '../core/errors.ts'
import { type Tried, type TriedFailure, type Trying, virtualTimeHeader } from '../core/virtual-time.ts'
import { type Attempts, LostAttempt } from './attempts.ts'
import type { Conductor } from './conductor.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** One run whose clock is held, as its steps see it. */
export interface Play {
  readonly clock: VirtualClock
  readonly attempts: Attempts
  readonly conductor: Conductor
}

/** Tries the steps of runs in virtual time as the engine would in real time, and says when they ended. */
export const inVirtualTime =
  (playOf: (workflowId: string | undefined) => Play): ActivityInterceptorsFactory =>
  ({ info }) => ({
    inbound: {
      async execute({ headers, ...input }, next) {
        const header = headers[virtualTimeHeader]
        const play = playOf(info.workflowExecution?.workflowId)
        if (!header) throw failure('INTERNAL', `${info.activityType} does not say how it is to be tried`)
        const trying = defaultPayloadConverter.fromPayload<Trying>(header)
        const unwanted = play.conductor.begin(trying.step)
        try {
          return await tried(play, trying, unwanted, () => next({ ...input, headers }))
        } finally {
          play.conductor.end(trying.step)
        }
      },
    },
  })

async function tried(
  { clock, attempts }: Play,
  { limitMs, patienceMs = Number.POSITIVE_INFINITY, mostAttempts, firstBackoffMs, longestBackoffMs }: Trying,
  unwanted: AbortSignal,
  act: () => Promise<unknown>,
): Promise<Tried> {
  const beganMs = clock.now()
  const { info } = Context.current()
  for (let attempt = 1; ; attempt++) {
    // what the engine says of an attempt
    Object.assign(info, {
      attempt,
      scheduledTimestampMs: beganMs,
      currentAttemptScheduledTimestampMs: clock.now(),
    })
    try {
      const result = await attempts.run(act, unwanted, limitMs)
      return { atMs: clock.now(), result }
    } catch (error) {
      unwanted.throwIfAborted()
      const failed = failureOf(error)
      const backoffMs = Math.min(longestBackoffMs, firstBackoffMs * 2 ** (attempt - 1))
      const isLast = attempt >= mostAttempts || clock.now() + backoffMs > beganMs + patienceMs
      if (failed.nonRetryable || isLast) return { atMs: clock.now(), failed }
      await attempts.run(() => attempts.pause(backoffMs), unwanted)
    }
  }
}

function failureOf(error: unknown): TriedFailure {
  if (error instanceof LostAttempt) return { message: error.message, nonRetryable: false, details: [], timedOut: true }
  if (codeOf(error) === 'SERVICE_UNKNOWN') return told(notSimulated(`such service: ${messageOf(error)}`))
  if (error instanceof ApplicationFailure) return told(error)
  return { message: messageOf(error), nonRetryable: false, details: [detailsOf(error)] }
}

const told = ({ type, message, nonRetryable, details }: ApplicationFailure): TriedFailure => ({
  ...{ message, nonRetryable: nonRetryable === true, details: details ?? [] },
  ...(typeof type === 'string' && { type }),
})

/** What the simulated cloud does not have is nothing that a runbook can be blamed for. */
export const notSimulated = (what: string): ApplicationFailure =>
  failure('NOT_SIMULATED', `the simulated cloud has no ${what}`)

import { ActivityFailure, CancellationScope, sleep, TimeoutFailure } from '@temporalio/workflow'
import type { CallOutcome } from '../core/activities.ts'
import type { Deed } from '../core/chain.ts'
import type { Rights } from '../core/delegation.ts'
import { codeOf, failure, messageOf } from '../core/errors.ts'
import type { LeaseGrounds, LeaseNeed } from '../core/governor.ts'
import { titleOf } from '../core/work.ts'
import { afterFailure, backoffMs } from '../policies/repeat.ts'
import { leasedTargets, typicalMs } from '../policies/work.ts'
import { withLease } from './lease.ts'
import { once, patient, quick } from './steps.ts'

/** Whose deed it is, and with which rights. */
export interface Doer {
  readonly delegation: Rights
  readonly projectId: string
  readonly userId: string
  readonly why: string
  /** Again and again, if that is safe, for so long. */
  readonly maxLatenessMs: number
  /** Whether a lease on what is changed is held already, by the run that the deed belongs to. */
  readonly holdsLease?: true
  /** A pressed stop button ends it at once, and is not waited for to be released. */
  readonly endsWhenStopped?: true
}

export const titleOfDeed = (deed: Deed): string =>
  titleOf('call' in deed ? deed : { action: deed.action, with: deed.input as Record<string, string> })

/**
 * Does one thing, with the lease of what it changes: again and again where that is safe, until `deadlineMs`, and waits for
 * the end of what it began. What was begun is seen through, also when somebody cancels meanwhile: its outcome must be told.
 *
 * @param limitSeconds how long that end is waited for, in place of what the catalogue says
 * @throws OUTCOME_UNKNOWN when nobody can tell whether it took effect, EFFECT_FAILED, refusals of the cloud and the governor
 */
export async function carryOut(
  deed: Deed,
  doer: Doer,
  deadlineMs: number,
  limitSeconds?: number,
): Promise<CallOutcome> {
  for (let attempt = 1; ; attempt++) {
    const { outcome, again } = await CancellationScope.nonCancellable(() =>
      withTargets(deed, doer, deadlineMs, limitSeconds),
    )
    if (outcome) return outcome
    if (doer.endsWhenStopped && codeOf(again) === 'STOPPED') throw again
    const waitMs = backoffMs(attempt, doer.maxLatenessMs)
    if (Date.now() + waitMs > deadlineMs) throw again
    await sleep(waitMs)
  }
}

interface Tried {
  outcome?: CallOutcome
  /** Why there is none, when the call may be made again. */
  again?: unknown
}

async function withTargets(
  deed: Deed,
  doer: Doer,
  deadlineMs: number,
  limitSeconds: number | undefined,
): Promise<Tried> {
  const targets = doer.holdsLease ? [] : leasedTargets(deed)
  if (targets.length === 0) return attempt(deed, doer, limitSeconds)
  const { projectId, userId, why } = doer
  const expectedMs = typicalMs(deed)
  const need: LeaseNeed = { runbook: 'action', targets, within: [`project/${projectId}`], risk: 'move', expectedMs }
  const waitSeconds = Math.max(1, Math.floor((deadlineMs - Date.now()) / 1000))
  const grounds: LeaseGrounds = { requester: 'action', by: userId, why, waitSeconds }
  try {
    return await withLease(
      need,
      grounds,
      () => undefined,
      () => attempt(deed, doer, limitSeconds),
    )
  } catch (error) {
    if (afterFailure(callIn(deed), codeOf(error) ?? 'INTERNAL') === 'repeat') return { again: error }
    throw error
  }
}

async function attempt(deed: Deed, doer: Doer, limitSeconds: number | undefined): Promise<Tried> {
  const tried = await send(deed, doer)
  const { outcome } = tried
  if (!outcome?.goesOn || 'call' in deed) return tried
  const { startedAt: since, before, body: result } = outcome
  const { delegation } = doer
  const attemptMs = Math.max(longestWaitMs, 1500 * (limitSeconds ?? 0))
  const { outcome: end, detail } = await patient(`Wait for the end of ${titleOfDeed(deed)}`, attemptMs).awaitEffect({
    ...{ ...deed, ...delegation, since },
    ...(before !== undefined && { before }),
    ...(result !== undefined && { result }),
    ...(limitSeconds !== undefined && { limitSeconds }),
  })
  if (end === 'failed') throw failure('EFFECT_FAILED', detail)
  if (end === 'unseen') throw failure('OUTCOME_UNKNOWN', `accepted with ${outcome.status}, but ${detail}`)
  return tried
}

/** The catalogue's own limits are shorter; this one ends an attempt that hangs. A longer one that was given lasts longer. */
const longestWaitMs = 6 * 3_600_000

async function send(deed: Deed, { delegation }: Doer): Promise<Tried> {
  const what = titleOfDeed(deed)
  const sentAfter = new Date().toISOString()
  try {
    return { outcome: await once(what).performCall({ ...deed, ...delegation }) }
  } catch (error) {
    const reason = workerWasLost(error) ? failure('OUTCOME_UNKNOWN', `the worker was lost during ${what}`) : error
    const verdict = afterFailure(callIn(deed), codeOf(reason) ?? 'INTERNAL')
    if (verdict === 'give up') throw reason
    if (verdict === 'repeat') return { again: reason }
    const { verdict: seen, requestId } = await look({ ...deed, ...delegation, sentAfter }, what)
    if (seen === 'done') {
      const note = 'its answer was lost; that it took effect was seen by looking'
      return { outcome: { status: 202, startedAt: sentAfter, note, ...(requestId && { requestId }), ...goesOn(deed) } }
    }
    if (seen === 'unknown') throw failure('OUTCOME_UNKNOWN', `no answer to ${what}`)
    return { again: failure('CLOUD_UNREACHABLE', `no answer to ${what}, which did not take effect`) }
  }
}

/** An action that took effect may still be under way; the wait for its end ends at once when it is not. */
const goesOn = (deed: Deed) => ('call' in deed ? {} : ({ goesOn: true } as const))

const callIn = (deed: Deed) => ('call' in deed ? deed.call : undefined)

/** Asks the cloud whether a call took effect; a look that fails leaves the outcome as unknown as it was. */
async function look(sent: Parameters<ReturnType<typeof quick>['reconcileCall']>[0], what: string) {
  try {
    return await quick('Look whether the call took effect').reconcileCall(sent)
  } catch (error) {
    throw failure('OUTCOME_UNKNOWN', `no answer to ${what}, and looking failed: ${messageOf(error)}`)
  }
}

/** The activity timed out: its worker died or hung, before, during or after the call. */
const workerWasLost = (error: unknown) => error instanceof ActivityFailure && error.cause instanceof TimeoutFailure

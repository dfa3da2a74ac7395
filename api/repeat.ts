import { randomUUID } from 'node:crypto'
import { delegationOf } from '../core/delegation.ts'
import { durationMs } from '../core/duration.ts'
import { failure } from '../core/errors.ts'
import type {
  ChangeOfRecurring,
  ChangeRecurring,
  CreateRecurring,
  Delegated,
  Preview,
  Recurrence,
  RecurringActionView,
} from '../core/recurrence.ts'
import { saysNothing, workOf } from '../core/work.ts'
import { occurrences } from '../policies/recurrence/occurrences.ts'
import { validate } from '../policies/recurrence/validate.ts'
import { tailMs } from '../policies/work.ts'
import type { RecurringActions } from '../temporal/recurring-actions.ts'
import { personOf } from './access.ts'
import type { Caller } from './callers.ts'
import { type Asked, type DelegationOptions, withDelegation } from './delegation.ts'

export interface RepeatOptions extends DelegationOptions {
  recurring: RecurringActions
}

const dayMs = 86_400_000

/** What a recurrence comes to. Changes nothing. @throws INPUT_INVALID with the reason */
export function preview(recurrence: Recurrence, count: number, nowMs: number): Preview {
  const { refusal, warnings } = validate(recurrence, { nowMs })
  if (refusal !== undefined) throw failure('INPUT_INVALID', `recurrence: ${refusal}`)
  const next = occurrences(recurrence, { afterMs: nowMs, count })
  return { occurrences: next.map(({ startsAt: _jittered, ...occurrence }) => occurrence), warnings: [...warnings] }
}

/**
 * Takes a recurring action in: checks it, gets the caller's rights for all its calls, starts its workflow.
 *
 * All or nothing, as `deferAction`. Not repeatable: each call makes a recurring action.
 *
 * @throws INPUT_INVALID, TIME_TOO_FAR, ENGINE_UNREACHABLE, and what `withDelegation` throws
 */
export async function repeatAction(
  input: CreateRecurring,
  caller: Caller,
  options: RepeatOptions,
  asked: Asked,
): Promise<RecurringActionView> {
  const { now = Date.now, recurring } = options
  const { name, recurrence, maxLatenessSeconds, delegateFor, applicationCredential } = input
  const work = workOf(input)
  const nowMs = now()
  preview(recurrence, 1, nowMs)
  const untilMs = delegationEnd({ recurrence, maxLatenessSeconds, delegateFor }, options)
  return withDelegation(
    { work, untilMs: untilMs + tailMs(work, maxLatenessSeconds * 1000), applicationCredential },
    caller,
    options,
    asked,
    async (delegated) => {
      const { roles, delegatedBy } = delegated
      const until = new Date(untilMs).toISOString()
      const createdAt = new Date(nowMs).toISOString()
      const view: RecurringActionView = {
        ...{ id: randomUUID(), ...(name !== undefined && { name }), state: 'active' },
        ...{
          projectId: caller.projectId,
          userId: caller.userId,
          roles,
          ...work,
          recurrence,
          maxLatenessSeconds,
          createdAt,
        },
        ...(delegatedBy && { delegatedBy }),
        ...{ delegated: { since: createdAt, until }, counted: 0, running: [], past: [] },
      }
      await recurring.start({ view, ...delegationOf(delegated), afterMs: nowMs })
      return view
    },
  )
}

/**
 * Changes a recurring action, or makes one more occurrence now. Only who its calls are made as may do that. Another call,
 * `delegateFor` or an application credential needs another delegation.
 *
 * @throws ACTION_NOT_FOUND, ACTION_CLOSED, DELEGATION_REFUSED, and what `repeatAction` throws
 */
export async function changeRepeating(
  id: string,
  { delegateFor, applicationCredential, ...change }: ChangeOfRecurring,
  caller: Caller,
  options: RepeatOptions,
  asked: Asked,
): Promise<RecurringActionView> {
  const { recurring, now = Date.now } = options
  const present = await ownOf(id, caller, recurring)
  const hasWork = !saysNothing(change)
  const work = workOf(hasWork ? change : present)
  const recurrence = change.recurrence ?? present.recurrence
  const maxLatenessSeconds = change.maxLatenessSeconds ?? present.maxLatenessSeconds
  if (change.recurrence) preview(recurrence, 1, now())
  const apply = (delegated?: Delegated) =>
    recurring.command(id, caller.projectId, {
      ...{ does: 'change', by: personOf(caller) },
      ...given(change),
      ...(hasWork && { work }),
      ...(delegated && { delegated }),
    })
  if (delegateFor === undefined && !hasWork && !applicationCredential) return apply()
  const untilMs =
    delegateFor === undefined
      ? Date.parse(present.delegated.until)
      : delegationEnd({ recurrence, maxLatenessSeconds, delegateFor }, options)
  return withDelegation(
    { work, untilMs: untilMs + tailMs(work, maxLatenessSeconds * 1000), applicationCredential },
    caller,
    options,
    asked,
    (delegated) => apply({ ...delegated, until: new Date(untilMs).toISOString() }),
  )
}

/** @throws ACTION_NOT_FOUND, DELEGATION_REFUSED when its calls are made as somebody else */
export async function ownOf(id: string, caller: Caller, recurring: RecurringActions): Promise<RecurringActionView> {
  const present = await recurring.show(id, caller.projectId)
  if (present.userId === caller.userId) return present
  throw failure('DELEGATION_REFUSED', 'its calls are made with the rights of somebody else, who alone decides on them')
}

/** What is left out stays as it is. */
function given({
  name,
  recurrence,
  maxLatenessSeconds,
}: Omit<ChangeOfRecurring, 'delegateFor' | 'applicationCredential'>): ChangeRecurring {
  return {
    ...(name !== undefined && { name }),
    ...(recurrence && { recurrence }),
    ...(maxLatenessSeconds !== undefined && { maxLatenessSeconds }),
  }
}

/** No longer than it is of use. @throws INPUT_INVALID, TIME_TOO_FAR */
function delegationEnd(
  {
    recurrence,
    maxLatenessSeconds,
    delegateFor,
  }: Pick<CreateRecurring, 'recurrence' | 'maxLatenessSeconds' | 'delegateFor'>,
  { maxDays, now = Date.now }: RepeatOptions,
): number {
  const forMs = durationMs(delegateFor)
  if (!forMs) throw failure('INPUT_INVALID', `delegateFor: ${delegateFor} is not a duration of weeks, days or hours`)
  if (forMs > maxDays * dayMs) throw failure('TIME_TOO_FAR', `${delegateFor} is longer than ${maxDays} days`)
  const usefulMs =
    recurrence.end === undefined
      ? Number.POSITIVE_INFINITY
      : Date.parse(recurrence.end) + (recurrence.jitterSeconds + maxLatenessSeconds) * 1000
  return Math.min(now() + forMs, usefulMs)
}

import { defineUpdate } from '@temporalio/workflow'
import type { Person } from '../core/person.ts'
import type { ChangeRecurring, RecurringActionView } from '../core/recurrence.ts'

interface By {
  readonly by: Person
}
const command = <I extends object = object>(name: string) => defineUpdate<RecurringActionView, [By & I]>(name)

/** No occurrence until `resume`; those that pass meanwhile are not made up for and do not count. */
export const pauseRecurring = command('pause')
/** Goes on with the first occurrence from now, also when it was snoozed. */
export const resumeRecurring = command('resume')
/** No occurrence before that moment (RFC 3339); those before it are not made up for and do not count. */
export const snoozeRecurring = command<{ until: string }>('snooze')
/** Takes effect with the next occurrence; a new recurrence begins now. */
export const changeRecurring = command<ChangeRecurring>('change')
/** One more occurrence, now, which does not count. */
export const runRecurringNow = command('runNow')
/** Ends it; answers when the trust is gone, or when a call that uses it is still being made. */
export const cancelRecurring = command('cancel')

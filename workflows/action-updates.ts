import { defineUpdate } from '@temporalio/workflow'
import type { ActionView, ChangeAction } from '../core/action.ts'
import type { Person } from '../core/person.ts'

interface By {
  readonly by: Person
}
const command = <I extends object = object>(name: string) => defineUpdate<ActionView, [By & I]>(name)

/** Ends it before its time; answers when the trust is gone, or after ten seconds with the clean-up going on. */
export const cancelAction = command('cancel')
/** It waits for `resume`, and is skipped when nobody says that in time. */
export const pauseAction = command('pause')
export const resumeAction = command('resume')
/** It is due now, also when it was paused. */
export const runActionNow = command('runNow')
/** Another time, other work, or both; the trust that comes with it replaces the present one. */
export const changeAction = command<ChangeAction>('change')

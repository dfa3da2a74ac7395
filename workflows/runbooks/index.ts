import type { Runbook } from '../sdk/definition.ts'
import { httpCall } from './library/http-call.ts'
import { morningOn, nightOff } from './library/night-off.ts'
import { askPerson, notify } from './library/people.ts'

/** The runbooks that come with Steward, one file each. */
export const builtInRunbooks: readonly Runbook[] = [askPerson, httpCall, morningOn, nightOff, notify]

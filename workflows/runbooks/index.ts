import type { Runbook } from '../sdk/definition.ts'
import { httpCall } from './library/http-call.ts'
import { morningOn, nightOff } from './library/night-off.ts'

/** The runbooks that come with Steward, one file each. */
export const builtInRunbooks: readonly Runbook[] = [httpCall, morningOn, nightOff]

/** What authors of runbooks import, as `steward/runbook`. */
export { z } from 'zod'
export type { Activities, CallOutcome } from '../../core/activities.ts'
export type { Call } from '../../core/call.ts'
export { codeOf, failure, messageOf } from '../../core/errors.ts'
export type { Risk, Target } from '../../core/governor.ts'
export type { Answer } from '../../core/runbook.ts'
export type { CloudAnswer, Fanned, FanOutOptions, RunContext, WaitOptions } from './context.ts'
export { defineRunbook, type RunbookSource, type RunResult } from './definition.ts'

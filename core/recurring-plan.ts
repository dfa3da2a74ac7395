import { z } from 'zod'
import { ApproveBy, CreatePlan, PlanState, PlanWishes } from './cloud-plan.ts'
import type { Person } from './person.ts'
import { Occurrence, Recurrence } from './recurrence.ts'

const Instant = z.iso.datetime()
const name = z.string().trim().min(1).max(200).describe('for people')
const windowMinutes = z.int().min(5).max(1_440)

/** Two plans of the same cloud are in each other's way, so that the next one never runs beside the last one. */
const When = Recurrence.refine(({ overlap }) => overlap === 'skip', {
  message: 'overlap: a plan is left out while the last one still runs; only `skip` can be asked for',
  path: ['overlap'],
})

export const CreateRecurringPlan = z.strictObject({
  name: name.exactOptional(),
  goal: CreatePlan.shape.goal,
  options: PlanWishes.prefault({}),
  why: CreatePlan.shape.why,
  when: When,
  windowMinutes: windowMinutes.default(120).describe('no wave begins later than this after the time of the plan'),
  approve: ApproveBy.default('ask'),
})
export type CreateRecurringPlan = z.infer<typeof CreateRecurringPlan>

/** A plan that was made, or a time at which none was. */
export const PastPlan = z.object({
  at: Instant,
  planId: z.string().optional(),
  outcome: z.union([PlanState, z.literal('skipped')]),
  endedAt: Instant,
  detail: z.string().optional(),
})
export type PastPlan = z.infer<typeof PastPlan>

export const RecurringPlanState = z.enum(['active', 'paused', 'ended', 'deleted'])

/** What people read of a recurring plan. Kept as the memo of its workflow. */
export const RecurringPlanView = z.object({
  id: z.string(),
  name: z.string().optional(),
  state: RecurringPlanState,
  by: z.string().describe('who asked for it'),
  userId: z.string(),
  goal: CreatePlan.shape.goal,
  options: PlanWishes,
  why: z.string().optional(),
  when: Recurrence,
  windowMinutes: z.number(),
  approve: ApproveBy,
  createdAt: Instant,
  next: Occurrence.optional(),
  counted: z.int().describe('times at which a plan was made or left out'),
  running: z.object({ at: Instant, planId: z.string() }).optional().describe('the plan that has not ended yet'),
  past: z.array(PastPlan).describe('the latest, newest last'),
  reason: z.string().optional().describe('why it is in this state'),
  endedAt: Instant.optional(),
})
export type RecurringPlanView = z.infer<typeof RecurringPlanView>

/** With what comes after the next time as well. */
export const RecurringPlanShown = RecurringPlanView.extend({
  upcoming: z.array(Occurrence.omit({ startsAt: true })).describe('the next times; jitter is not in them'),
})
export type RecurringPlanShown = z.infer<typeof RecurringPlanShown>

/** What the workflow of a recurring plan starts with, and hands on to its next run. */
export interface RecurringPlan {
  readonly view: RecurringPlanView
  /** Times up to this moment are dealt with, epoch ms. */
  readonly afterMs: number
}

/** What a person may do with it; each is an update of its workflow, named by `does`. */
export interface RecurringPlanCommand {
  readonly does: 'pause' | 'resume' | 'delete'
  readonly by: Person
}

import { z } from 'zod'
import {
  ApproveBy,
  CreatePlan,
  coldAutoRefused,
  hasPersonForCold,
  mayPowerOff,
  PlanState,
  PlanWishes,
  powerOffRefused,
} from './cloud-plan.ts'
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

const share = z.number().min(0).max(1)
const percent = z.number().min(1).max(100)

/** How hard to save, by a number from 0 (energy is plenty) to 1 (dear, or dirty). */
export const PlanSignal = z
  .strictObject({
    query: z.string().trim().min(1).max(4_000).describe('PromQL that gives one number from 0 to 1'),
    consolidateFrom: share.default(0.6).describe('hosts are emptied from this on'),
    spreadUpTo: share.default(0.3).describe('servers are spread up to this; in between nothing changes'),
    calmCpuPercent: percent.default(60).describe('CPU limit of hosts at `consolidateFrom`'),
    hardCpuPercent: percent.default(90).describe('the same at 1'),
  })
  .refine(({ consolidateFrom, spreadUpTo }) => spreadUpTo < consolidateFrom, {
    message: 'spreadUpTo: must be below consolidateFrom, or plans would take back each other',
    path: ['spreadUpTo'],
  })
  .refine(({ calmCpuPercent, hardCpuPercent }) => calmCpuPercent <= hardCpuPercent, {
    message: 'calmCpuPercent: must not be above hardCpuPercent',
    path: ['calmCpuPercent'],
  })
export type PlanSignal = z.infer<typeof PlanSignal>

const followsSignal = {
  message: 'signal: goes with the goal `consolidate`, and spreads when it is low',
  path: ['signal'],
}

export const CreateRecurringPlan = z
  .strictObject({
    name: name.exactOptional(),
    goal: CreatePlan.shape.goal,
    options: PlanWishes.prefault({}),
    why: CreatePlan.shape.why,
    signal: PlanSignal.exactOptional().describe(
      'what decides each time whether to consolidate, how hard, or to spread',
    ),
    when: When,
    windowMinutes: windowMinutes.default(120).describe('no wave begins later than this after the time of the plan'),
    approve: ApproveBy.default('ask'),
  })
  .refine(mayPowerOff, powerOffRefused)
  .refine(hasPersonForCold, coldAutoRefused)
  .refine(({ goal, signal }) => signal === undefined || goal === 'consolidate', followsSignal)
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
  signal: PlanSignal.optional(),
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

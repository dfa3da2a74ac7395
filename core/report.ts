import { z } from 'zod'

/**
 * How an incident came out; each is in exactly one. `recovered`: a run helped, and that was verified · `cleared by
 * itself`: over without a run that helped · `suppressed`: somebody was at work there, or the alert flapped · `rejected`: a
 * person said no, or nobody answered · `escalated`: people had to see to it, whether they still do or not.
 */
export const incidentEnds = [
  'recovered',
  'cleared by itself',
  'not confirmed',
  'observed',
  'suppressed',
  'rejected',
  'escalated',
  'open',
] as const
export type IncidentEnd = (typeof incidentEnds)[number]

const count = z.int().min(0)
const rate = z.number().min(0).max(1).optional()
const Spread = z.object({ p50Ms: z.number(), p99Ms: z.number(), of: z.int().min(1) })
export type Spread = z.infer<typeof Spread>

/** Figures of the incidents of one runbook, one policy, or all. A rate is missing when there is nothing to divide by. */
export const ReportRow = z.object({
  name: z.string(),
  incidents: count,
  ends: z.record(z.enum(incidentEnds), count),
  runs: count,
  helped: count.describe('runs whose signal cleared and stayed clear'),
  verdicts: count.describe('runs that were watched to the end'),
  verifiedSuccessRate: rate.describe('helped / verdicts'),
  recurrenceRate: rate.describe(
    'share of the recovered incidents after which the same policy opened another one for the same entity within 24 h',
  ),
  falseFireRate: rate.describe(
    'share of the ended incidents that were not confirmed, or over before anything was done',
  ),
  refusals: z.record(z.string(), count).describe('incidents the governor held up or stopped, by code'),
  timeToFirstAct: Spread.optional().describe('from the opening to the first run'),
  timeToRecovery: Spread.optional().describe('from the opening to the moment the signal was seen to be clear'),
  people: z
    .object({ asked: count, approved: count, rejected: count, timedOut: count, undecided: count })
    .describe('plans people were asked about; undecided: still asked, or over before they answered'),
})
export type ReportRow = z.infer<typeof ReportRow>

export const RunbookRow = ReportRow.extend({
  demotion: z
    .object({ reason: z.string(), figures: z.record(z.string(), z.union([z.number(), z.string()])) })
    .optional()
    .describe('why it asks before it acts, if it has been put to `ask` by itself'),
})
export type RunbookRow = z.infer<typeof RunbookRow>

/** How well runbooks and policies do, from the incidents opened within a period. */
export const RunbookReport = z.object({
  since: z.string(),
  until: z.string(),
  truncated: z.boolean().describe('there were more incidents than are read; the oldest are left out'),
  all: ReportRow,
  runbooks: z.array(RunbookRow),
  policies: z.array(ReportRow),
})
export type RunbookReport = z.infer<typeof RunbookReport>

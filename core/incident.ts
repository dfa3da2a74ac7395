import { z } from 'zod'
import type { Alert } from './alert.ts'
import type { GovernorConfig } from './governor.ts'
import { ByLink, type Person } from './person.ts'
import { Plan } from './plan.ts'
import type { Policy } from './policy.ts'

/**
 * `suppressed`: somebody is at work there · `flapping`: watched until it is quiet · `observing`: would have acted ·
 * `asking`: waits for a person's yes · `taken-over`: a person has it · `escalated`: people are needed; it still closes
 * when the signal clears.
 */
export const IncidentState = z.enum([
  'confirming',
  'suppressed',
  'flapping',
  'planning',
  'observing',
  'asking',
  'acting',
  'verifying',
  'taken-over',
  'escalated',
  'closed',
])
export type IncidentState = z.infer<typeof IncidentState>

const Ruling = z.object({
  rule: z.string(),
  says: z.enum(['pass', 'wait', 'ask', 'observe', 'refuse']),
  reason: z.string(),
  figures: z.record(z.string(), z.union([z.number(), z.string()])).optional(),
  until: z.string().optional(),
  code: z.string().optional(),
})

/** What is going to be done, exactly: a yes is to this, and to nothing else. */
export const Proposal = z.object({
  planId: z.uuid().describe('changes whenever anything in the plan changes'),
  runbook: z.string(),
  targets: z.array(z.string()),
  sentence: z.string(),
  plan: Plan.optional(),
  askedAt: z.string(),
  expiresAt: z.string(),
  needs: z.int().describe('how many persons must say yes'),
  reasons: z.array(z.string()).describe('why a person is asked'),
})
export type Proposal = z.infer<typeof Proposal>

export const Answer = z.object({
  planId: z.uuid(),
  by: z.string(),
  userId: z.string(),
  byLink: ByLink.optional(),
  at: z.string(),
  says: z.enum(['approved', 'rejected']),
  why: z.string().optional(),
})
export type Answer = z.infer<typeof Answer>

/** What people read about an incident. Kept as the memo of its workflow, so reading it needs no worker. */
export const IncidentView = z.object({
  policy: z.string(),
  host: z.string(),
  binary: z.string().optional(),
  state: IncidentState,
  summary: z.string(),
  source: z.string(),
  openedAt: z.string(),
  endedAt: z.string().optional(),
  /** Every delivery of the alert that was folded into this incident, the first one included. */
  signals: z.int(),
  runs: z.array(
    z.object({
      runbook: z.string(),
      workflowId: z.string(),
      runId: z.string(),
      outcome: z.enum(['running', 'succeeded', 'failed', 'stopped']),
      detail: z.string().optional(),
      targets: z.array(z.string()),
      startedAt: z.string(),
      endedAt: z.string().optional(),
      helped: z.boolean().optional().describe('the signal cleared and stayed clear; missing while it is watched'),
    }),
  ),
  rung: z.int().min(0).describe('step of the ladder, 0 is the first'),
  /** The last decision of the governor about this incident: every rule with its figures. */
  rulings: z.array(Ruling).optional(),
  proposal: Proposal.optional(),
  answers: z.array(Answer).describe('of people who were asked; at most the last 20'),
  takenOverBy: z.string().optional(),
  acknowledgedBy: z.string().optional(),
  confirmedAt: z.string().optional(),
  clearSince: z.string().optional().describe('since when the signal has been clear; missing while it fires'),
  /** When the signal was seen to be clear, where it then stayed clear. */
  recoveredAt: z.string().optional(),
  /** Why it ended as it did; `code` is missing when all is well. */
  reason: z.object({ code: z.string().optional(), detail: z.string() }).optional(),
  timeline: z.array(z.object({ at: z.string(), text: z.string() })).describe('at most the last 50 entries'),
})
export type IncidentView = z.infer<typeof IncidentView>

/** What the workflow of an incident starts with; policy and brakes are the version at the time it was opened. */
export interface OpenIncident {
  readonly alert: Alert
  readonly policy: Policy
  readonly governor: Pick<GovernorConfig, 'flap' | 'approval' | 'waitSeconds'>
}

/** What a person may do with an open incident; each is an update of its workflow, named by `does`. */
export type IncidentCommand =
  | { does: 'acknowledge'; by: Person }
  | { does: 'comment'; by: Person; text: string }
  | { does: 'take-over'; by: Person; why?: string }
  | { does: 'hand-back'; by: Person; why?: string }
  | { does: 'close'; by: Person; why: string }
  | { does: 'answer'; by: Person; planId: string; says: 'approved' | 'rejected'; why?: string }

/**
 * An incident as the API shows it: `id` is the run id its workflow began with, unique also among the incidents of one
 * host, and kept when a long history begins anew.
 */
export const Incident = IncidentView.extend({ id: z.uuid(), workflowId: z.string() })
export type Incident = z.infer<typeof Incident>

import { z } from 'zod'
import type { Alert } from './alert.ts'
import type { Policy } from './policy.ts'

export const IncidentState = z.enum(['confirming', 'acting', 'verifying', 'closed', 'escalated'])
export type IncidentState = z.infer<typeof IncidentState>

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
      outcome: z.enum(['running', 'succeeded', 'failed']),
      detail: z.string().optional(),
    }),
  ),
  /** Why it ended as it did; `code` is missing when all is well. */
  reason: z.object({ code: z.string().optional(), detail: z.string() }).optional(),
  timeline: z.array(z.object({ at: z.string(), text: z.string() })).describe('at most the last 50 entries'),
})
export type IncidentView = z.infer<typeof IncidentView>

/** What the workflow of an incident starts with; the policy is the version at the time it was opened. */
export interface OpenIncident {
  readonly alert: Alert
  readonly policy: Policy
}

/** An incident as the API shows it: `id` is the Temporal run id, unique also among the incidents of one host. */
export const Incident = IncidentView.extend({ id: z.uuid(), workflowId: z.string() })
export type Incident = z.infer<typeof Incident>

import { z } from 'zod'
import type { ErrorCode } from './catalogue.ts'

/** What a lease is on: hosts, zones, clusters and endpoints by name, the others by id. There is no word for "all". */
export const Target = z
  .string()
  .regex(
    /^(host|server|volume|stack|project|zone|cluster|endpoint)\/[A-Za-z0-9][A-Za-z0-9._:-]{0,254}$/,
    'host/NAME, server/ID, volume/ID, stack/ID, project/ID, zone/NAME, cluster/NAME, endpoint/NAME',
  )
export type Target = z.infer<typeof Target>

/** What wants to act. The order is that of precedence: a person is never made to wait by an alert. */
export const requesters = ['person', 'alert', 'action', 'plan'] as const
export type Requester = (typeof requesters)[number]
export const priorityOf: Readonly<Record<Requester, number>> = { person: 100, alert: 50, action: 30, plan: 10 }

/**
 * What an act can break: `read` nothing, `service` a control service for seconds, `move` a server's well-being while it
 * moves, `destructive` what cannot be taken back.
 */
export const risks = ['read', 'service', 'move', 'destructive'] as const
export type Risk = (typeof risks)[number]

/** `observe` decides and records but does nothing; `ask` needs a person's yes to exactly this plan; `auto` acts. */
export const Mode = z.enum(['observe', 'ask', 'auto'])
export type Mode = z.infer<typeof Mode>

/** How many hosts of a zone can be seen well, at one moment. Disabled and forced-down ones are nobody's fault. */
export interface Survey {
  readonly takenAt: string
  /** Of the target's zone; a target without a host has the whole cloud here. */
  readonly zone: { readonly name: string; readonly up: number; readonly down: number }
  readonly cloud: { readonly up: number; readonly down: number }
}

/** A person's yes to one plan. */
export interface Approval {
  readonly by: string
  readonly at: string
  readonly planId: string
}

/** Whoever holds a lease; a workflow is asked whether it still runs, a person's lease just ends. */
export interface Holder {
  readonly workflowId?: string
  readonly runId?: string
}

export interface LeaseRequest {
  /** The same request again, after a lost answer, has the same id. */
  readonly id: string
  readonly holder: Holder
  readonly requester: Requester
  /** Policy, user or plan; for people who read who holds it. */
  readonly by: string
  readonly why: string
  readonly runbook: string
  readonly policy?: string
  /** What the policy itself asks for; the strictest of all modes counts. */
  readonly mode?: Mode
  /** Runs of the same incident do not cool each other down. */
  readonly incidentRunId?: string
  /** Never empty: nobody gets a lease on nothing, and nothing never means everything. */
  readonly targets: readonly Target[]
  /** What the targets lie in: zone, project, the host of a server. A lease on one of these is in the way. */
  readonly within: readonly Target[]
  readonly risk: Risk
  readonly requestedAt: string
  /** Refused when it could not be given by then. */
  readonly waitUntil: string
  /** How long the work should take; later than that its holder is asked to come to an end. */
  readonly expectedMs: number
  readonly survey?: Survey
  readonly approval?: Approval
}

/** What a run needs a lease for; every runbook says it of its own input. */
export type LeaseNeed = Pick<LeaseRequest, 'runbook' | 'targets' | 'within' | 'risk' | 'expectedMs'>

/** On what grounds it asks: who wants it, why, and whether a person has said yes. */
export type LeaseGrounds = Pick<
  LeaseRequest,
  'requester' | 'by' | 'why' | 'policy' | 'mode' | 'incidentRunId' | 'approval'
> & { readonly waitSeconds: number }

/** One rule's word about one request, with its figures: the answer to "why?". */
export interface Ruling {
  readonly rule:
    | 'stop'
    | 'targets'
    | 'protected'
    | 'mode'
    | 'demotion'
    | 'fuse'
    | 'cool-down'
    | 'lease'
    | 'budget'
    | 'canary'
    | 'capacity'
  readonly says: 'pass' | 'wait' | 'ask' | 'observe' | 'refuse'
  readonly reason: string
  readonly figures?: Readonly<Record<string, number | string>>
  /** When the reason may be gone by itself, RFC 3339. */
  readonly until?: string
  /** The code of a refusal, or of a wait that takes too long. */
  readonly code?: ErrorCode
}

/** The governor's answer. All rules are in `rulings`, also those that passed. */
export interface Verdict {
  readonly requestId: string
  readonly says: 'granted' | 'wait' | 'ask' | 'observe' | 'refused'
  readonly at: string
  readonly rulings: readonly Ruling[]
  /** What stands in the way, in one sentence; of a grant, what it is for. */
  readonly reason: string
  readonly code?: ErrorCode
  /** Of a wait: how many are before it. */
  readonly position?: number
}

export interface Lease {
  readonly request: LeaseRequest
  readonly grantedAt: string
  /** Set once its holder was asked to come to an end. */
  readonly askedToEndAt?: string
}

/** A run that has ended, for as long as it counts against a budget or a cool-down. */
export interface PastRun {
  readonly runbook: string
  readonly targets: readonly Target[]
  readonly within: readonly Target[]
  readonly incidentRunId?: string
  readonly requester: Requester
  readonly grantedAt: string
  /** Missing while it runs. */
  readonly endedAt?: string
  /** Of actions, how many of one project this stands for; one when left out. */
  readonly runs?: number
}

/** How a run turned out once its signal had been watched: `helped` means cleared and stayed clear. */
export interface Outcome {
  readonly runbook: string
  readonly at: string
  readonly helped: boolean
}

/** A mode a person set while Steward runs; it counts until a person takes it back. */
export interface ModeSetting {
  /** `all`, `policy/NAME` or `runbook/NAME`. */
  readonly scope: string
  readonly mode: Mode
  readonly by: string
  readonly at: string
  readonly why?: string
}

/** Everything the governor remembers. Small, JSON, and carried over when its history begins anew. */
export interface GovernorState {
  readonly leases: readonly Lease[]
  /** Requests that wait, the next one first. */
  readonly queue: readonly LeaseRequest[]
  readonly past: readonly PastRun[]
  readonly outcomes: readonly Outcome[]
  readonly modes: readonly ModeSetting[]
}

export const noState: GovernorState = { leases: [], queue: [], past: [], outcomes: [], modes: [] }

const Budget = (atOnce: number, perHour: number) =>
  z
    .strictObject({
      atOnce: z.int().min(0).max(1000).default(atOnce),
      perHour: z.int().min(0).max(100_000).default(perHour),
    })
    .prefault({})

/** `governor` of steward.yaml: the brakes. The figures have their sources in docs/governor.md. */
export const GovernorConfig = z.strictObject({
  mode: Mode.default('observe').describe('for all policies; a new installation watches first'),
  protectedHosts: z.array(z.string().min(1)).default([]).describe('hosts no runbook may ever touch'),
  budgets: z
    .strictObject({
      overall: Budget(4, 60),
      zone: Budget(2, 30),
      host: Budget(1, 6),
      project: Budget(20, 1000),
      runbooks: z
        .record(z.string(), z.strictObject({ atOnce: z.int().min(0).max(1000), perHour: z.int().min(0).max(100_000) }))
        .default({})
        .describe('by runbook; those not named have only the other budgets'),
    })
    .prefault({}),
  fuse: z
    .strictObject({
      askFromHosts: z.int().min(1).default(3).describe('this many unhealthy hosts at once need a person'),
      stopFromShare: z
        .number()
        .gt(0)
        .max(1)
        .default(0.5)
        .describe('from this share of unhealthy hosts in a zone, and two of them, nothing is done'),
      surveySeconds: z.number().min(1).max(600).default(60).describe('an older survey is no survey'),
    })
    .prefault({}),
  coolDownSeconds: z
    .number()
    .min(0)
    .max(604_800)
    .default(3600)
    .describe('the same runbook leaves the same target alone for this long after a run'),
  flap: z
    .strictObject({
      firings: z.int().min(2).max(100).default(3),
      withinSeconds: z.number().min(1).max(86_400).default(900),
    })
    .prefault({})
    .describe('an alert that fires this often within this time is flapping: watched, not acted upon'),
  demotion: z
    .strictObject({
      inARow: z.int().min(1).max(100).default(2).describe('runs in a row that did not help'),
      ofLast: z.int().min(1).max(100).default(10),
      share: z.number().gt(0).max(1).default(0.2).describe('more than this share of the last `ofLast` did not help'),
    })
    .prefault({})
    .describe('a runbook that keeps not helping is switched to `ask`'),
  canary: z
    .boolean()
    .default(true)
    .describe('a runbook begins with one target; then 1, 2, 4 … at once, as long as it helps'),
  approval: z
    .strictObject({
      timeoutSeconds: z.number().min(1).max(604_800).default(1800),
      onTimeout: z.enum(['refuse', 'approve']).default('refuse'),
      twoPersonsFromHosts: z.int().min(1).max(10_000).default(6).describe('a plan that touches more hosts needs two'),
    })
    .prefault({}),
  waitSeconds: z.number().min(1).max(86_400).default(1800).describe('how long a run waits for its lease'),
})
export type GovernorConfig = z.infer<typeof GovernorConfig>

/** The one governor of an installation. */
export const governorId = 'governor'

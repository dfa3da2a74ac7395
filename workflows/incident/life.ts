import type { Alert } from '../../core/alert.ts'
import { codeOf, failure, messageOf } from '../../core/errors.ts'
import type { Approval, LeaseGrounds, LeaseNeed } from '../../core/governor.ts'
import type { IncidentView, OpenIncident } from '../../core/incident.ts'
import type { Plan } from '../../core/plan.ts'
import type { Policy, Rung } from '../../core/policy.ts'
import type { Step } from '../../policies/ladder.ts'
import type { Announcer } from '../announce.ts'
import type { Desk } from './desk.ts'
import type { Journal } from './journal.ts'
import type { Witness, WitnessMemory } from './witness.ts'

export interface IncidentOptions {
  /** How long an outage of many services is waited out before people are asked. @default 10 min */
  outagePatienceMs?: number
  /** First pause while somebody is at work on the target; it doubles up to ten times this. @default 30 s */
  lookAgainMs?: number
  /** How long people have for what was left to them, before it is closed. @default 30 d */
  endsAfterMs?: number
  /** Events after which a history that only waits begins anew. @default 3000 */
  mostEvents?: number
}

export type Run = IncidentView['runs'][number]
export type Reason = NonNullable<IncidentView['reason']>

/** What one step of the ladder comes to here and now. */
export interface Job {
  readonly rung: Rung
  readonly sentence: string
  readonly need: LeaseNeed
  readonly binary?: string
  readonly plan?: Plan
}

/**
 * Where an incident is in its life. The ones an incident may rest in for long are plain JSON: they are carried over when
 * its history begins anew, and what led to them has been told before.
 */
export type Phase =
  /** `afterOutage`: too many services have looked down at once since it was confirmed. */
  | { readonly is: 'confirm'; readonly afterOutage?: true }
  | { readonly is: 'propose'; readonly approval?: Approval }
  | { readonly is: 'act'; readonly job: Job; readonly approval?: Approval }
  | { readonly is: 'verify'; readonly run?: Run }
  | { readonly is: 'close'; readonly why: Reason; readonly heardStarts: number }
  | Rest

/** `untilMs` is when it ends by itself, epoch ms. */
export type Rest =
  | { readonly is: 'back-off'; readonly untilMs: number }
  | { readonly is: 'ask'; readonly untilMs: number }
  | { readonly is: 'suppressed'; readonly need: LeaseNeed; readonly pauseMs: number; readonly untilMs: number }
  | { readonly is: 'flapping'; readonly untilMs: number }
  | { readonly is: 'observe'; readonly need: LeaseNeed; readonly pauseMs: number; readonly untilMs: number }
  | { readonly is: 'escalated'; readonly untilMs: number }
  | { readonly is: 'taken-over'; readonly untilMs: number }

/** How often the same thing is tried before people are asked. */
export const mostTries = 3

/** Counts what must not go on for ever. A person who hands the incident back starts them anew. */
export interface Tries {
  consultations: number
  gaveWay: number
  stalePlans: number
}

/** What people are told of. */
export type Announced = 'opened' | 'asking' | 'escalated' | 'closed'

/** Everything the phases of an incident share. */
export interface Life {
  readonly alert: Alert
  readonly policy: Policy
  readonly governor: OpenIncident['governor']
  readonly options: Required<IncidentOptions>
  readonly ladder: readonly [Rung, ...Rung[]]
  readonly incidentRunId: string
  readonly journal: Journal
  readonly witness: Witness
  readonly desk: Desk
  readonly announcer: Announcer
  /** Tells people of the incident as it is now. */
  announce(what: Announced): void
  step: Step
  tries: Tries
  handedBackMs?: number
  /** Begins the history anew at this phase; does not return. */
  renew(at: Rest): Promise<never>
}

/** What is carried over into a new history. */
export interface Carried {
  readonly view: IncidentView
  readonly witness: WitnessMemory
  readonly phase: Rest
  readonly step: Step
  readonly tries: Tries
  readonly handedBackMs?: number
  /** How often people were told of it. */
  readonly announced?: number
}

export const noTries: Tries = { consultations: 0, gaveWay: 0, stalePlans: 0 }

export const rungOf = ({ ladder, step }: Life): Rung => ladder[step.rung] ?? ladder[0]

export function groundsOf({ alert, policy, governor, incidentRunId }: Life, approval?: Approval): LeaseGrounds {
  return {
    requester: 'alert',
    by: policy.name,
    why: alert.summary,
    policy: policy.name,
    ...(policy.mode && { mode: policy.mode }),
    incidentRunId,
    ...(approval && { approval }),
    waitSeconds: governor.waitSeconds,
  }
}

/** The end of an incident. A start of the alert that is heard of after this moment keeps it open. */
export const close = ({ witness }: Life, why: Reason, heardStarts = witness.startsMs().length): Phase => ({
  is: 'close',
  why,
  heardStarts,
})

/** People are needed. It stays open, so that further alerts join it and its end is seen. */
export function escalate({ journal, options }: Life, error: unknown): Phase {
  const detail = messageOf(error)
  journal.view.reason = { code: codeOf(error) ?? 'INTERNAL', detail }
  journal.tell(`people are needed: ${detail}`, 'escalated')
  return { is: 'escalated', untilMs: Date.now() + options.endsAfterMs }
}

export const resolvedFirst = 'resolved before anything was done'

/** The alert ended by itself: nothing is begun any more, but what was done is looked at. */
export const settled = (life: Life): Phase =>
  life.journal.view.runs.length === 0 ? close(life, { detail: resolvedFirst }) : { is: 'verify' }

/** How long the signal must stay clear to count as cleared. */
export function stableMs(policy: Policy): number {
  switch (policy.kind) {
    case 'binary':
      return policy.with.stableSeconds * 1000
    case 'gauge':
      return policy.stableSeconds * 1000
    case 'tailable':
      // the source says so only after it has been quiet for long enough
      return 0
  }
}

export const binaryOf = ({ alert, policy }: Pick<Life, 'alert' | 'policy'>): string | undefined =>
  alert.entity.binary ?? (policy.kind === 'binary' ? policy.when.binary : undefined)

/** The service a binary policy looks after. */
export function serviceOf({ alert, policy }: Pick<Life, 'alert' | 'policy'>): { host: string; binary: string } {
  const binary = binaryOf({ alert, policy })
  if (binary) return { host: alert.entity.host, binary }
  throw failure('CONFIG_INVALID', `the policy ${policy.name} names no service to restart`)
}

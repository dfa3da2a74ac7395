import { z } from 'zod'
import type { ActionView } from './action.ts'
import type { PlanView } from './cloud-plan.ts'
import type { DelegationView } from './delegation.ts'
import type { Incident } from './incident.ts'
import type { RecurringActionView } from './recurrence.ts'
import type { StopState } from './stop.ts'

/** What receivers may ask to be told of; programs rely on the names, so none is ever renamed. */
export const eventNames = [
  'action.failed',
  'action.warned',
  'recurring-action.delegation-lost',
  'recurring-action.ended',
  'incident.opened',
  'incident.asking',
  'incident.escalated',
  'incident.closed',
  'delegation.expiring',
  'delegation.lost',
  'delegation.expired',
  'plan.proposed',
  'plan.done',
  'plan.stopped',
  'plan.stale',
  'plan.failed',
  'plan.expired',
  'plan.discarded',
  'stop.pressed',
  'stop.released',
  'run.asking',
  'run.notice',
] as const
export type EventName = (typeof eventNames)[number]

/** What a receiver wants to be told of. `projects` and `policies` narrow down only the events that have one. */
export interface Wishes {
  readonly on: readonly EventName[]
  readonly projects?: readonly string[] | undefined
  readonly policies?: readonly string[] | undefined
}

/** As people read it, without the id of the trust, which is only for those who look for it in Keystone. */
export type ToldDelegation = Omit<DelegationView, 'trustId'>

export interface ToldStop {
  readonly stopped: boolean
  /** Who pressed it. */
  readonly state: StopState
  readonly released?: StopState
}

/** How bad it is, in the words of PagerDuty. */
export const severities = ['info', 'warning', 'error', 'critical'] as const
export type Severity = (typeof severities)[number]

/** What a run says to people. */
export interface RunWord {
  /** Of the run. */
  readonly id: string
  readonly runbook: string
  /** Who started it, and why. */
  readonly by: string
  readonly why: string
  readonly text: string
  readonly severity: Severity
  /** Of a question: no answer by then is a no. */
  readonly until?: string
}

export type IncidentEvent = Extract<EventName, `incident.${string}`>
export type PlanEvent = Extract<EventName, `plan.${string}`>

/** What happened, with what people read of its subject at that moment. */
export type Happening =
  | { readonly event: 'action.failed' | 'action.warned'; readonly view: ActionView }
  | {
      readonly event: 'recurring-action.delegation-lost' | 'recurring-action.ended'
      readonly view: RecurringActionView
    }
  | { readonly event: IncidentEvent; readonly view: Incident }
  | { readonly event: PlanEvent; readonly view: PlanView }
  | { readonly event: 'delegation.expiring' | 'delegation.lost' | 'delegation.expired'; readonly view: ToldDelegation }
  | { readonly event: 'stop.pressed' | 'stop.released'; readonly view: ToldStop }
  | { readonly event: 'run.asking' | 'run.notice'; readonly view: RunWord }

/** A happening as its workflow tells it. */
export type Announcement = Happening & {
  /** Kind and id: `incident/…`. */
  readonly subject: string
  /** Tells it from the same thing happening to the same subject again; the same one when it is told twice. */
  readonly sequence: number | string
  readonly at: string
}

/** Sent by `notify test` only; nobody has to ask for it. */
export const testEvent = 'notification.test'

/**
 * A CloudEvent in structured mode. `link`, `summary` and `shortened` are extension attributes.
 *
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
 */
export interface CloudEvent {
  readonly specversion: '1.0'
  /** The same one however often it is sent, so that doubles can be dropped. */
  readonly id: string
  readonly source: string
  readonly type: `io.steward.${EventName | typeof testEvent}`
  readonly subject: string
  readonly time: string
  readonly datacontenttype: 'application/json'
  /** One sentence for people. */
  readonly summary: string
  /** Where more can be read. */
  readonly link?: string
  /** Fields of `data` were too large and are left out. */
  readonly shortened?: true
  readonly data: Readonly<Record<string, unknown>>
}

const Delivery = z.object({
  receiver: z.string(),
  state: z.enum(['sending', 'delivered', 'refused', 'given-up', 'cancelled']),
  status: z.int().optional().describe('HTTP status of the answer'),
  attempts: z.int().optional(),
  detail: z.string().optional().describe('why it was not delivered'),
})
export type Delivery = z.infer<typeof Delivery>

/** What people read about one event on its way. `undelivered`: at least one receiver has not taken it. */
export const NotificationView = z.object({
  state: z.enum(['sending', 'delivered', 'undelivered']),
  id: z.string(),
  type: z.string(),
  subject: z.string(),
  time: z.string().describe('when it happened'),
  summary: z.string(),
  deliveries: z.array(Delivery),
})
export type NotificationView = z.infer<typeof NotificationView>

/** What the workflow of a notification starts with. */
export interface Notification {
  readonly event: CloudEvent
  /** Names in steward.yaml. */
  readonly receivers: readonly string[]
}

/** What each receiver said to a test event. */
export const NotificationTest = z.object({
  id: z.string().describe('of the event'),
  results: z.array(
    z.object({
      receiver: z.string(),
      kind: z.string(),
      delivered: z.boolean(),
      status: z.int().optional(),
      detail: z.string().optional(),
    }),
  ),
})
export type NotificationTest = z.infer<typeof NotificationTest>

import type { CloudEvent, Wishes } from '../../core/notification.ts'
import { pagerDutyRequest } from './pagerduty.ts'
import { post } from './post.ts'
import { slackRequest } from './slack.ts'
import { webhookRequest } from './webhook.ts'

/** Somebody who is told. Address, token and key are secrets: they are not seen when it is logged or stored. */
export interface Receiver extends Wishes {
  readonly name: string
  readonly kind: 'webhook' | 'slack' | 'pagerduty'
  readonly url: string
  readonly token?: string
  /** What signatures are made with, base64. */
  readonly key?: string
}

/** One POST. */
export interface ReceiverRequest {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const requestOf = {
  webhook: webhookRequest,
  slack: slackRequest,
  pagerduty: pagerDutyRequest,
} satisfies Record<Receiver['kind'], (receiver: Receiver, event: CloudEvent, nowMs: number) => ReceiverRequest>

export interface SendOptions {
  readonly nowMs?: number
  /** Longest wait for a whole answer. @default 10 000 */
  readonly timeoutMs?: number
}

/** Sends an event once. @throws RECEIVER_UNREACHABLE, RECEIVER_REFUSED */
export function send(
  receiver: Receiver,
  event: CloudEvent,
  { nowMs = Date.now(), timeoutMs = 10_000 }: SendOptions = {},
): Promise<{ status: number }> {
  return post(receiver, requestOf[receiver.kind](receiver, event, nowMs), timeoutMs)
}

import { createHmac } from 'node:crypto'
import type { CloudEvent } from '../../core/notification.ts'
import type { Receiver, ReceiverRequest } from './receiver.ts'

/**
 * A CloudEvent in structured mode, signed when there is a key.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function webhookRequest({ token, key }: Receiver, event: CloudEvent, nowMs: number): ReceiverRequest {
  const body = JSON.stringify(event)
  const seconds = String(Math.floor(nowMs / 1000))
  return {
    headers: {
      'content-type': 'application/cloudevents+json; charset=utf-8',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      'webhook-id': event.id,
      'webhook-timestamp': seconds,
      ...(key !== undefined && { 'webhook-signature': `v1,${signatureOf(`${event.id}.${seconds}.${body}`, key)}` }),
    },
    body,
  }
}

const signatureOf = (text: string, key: string) =>
  createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64')

import type { CloudEvent } from '../../core/notification.ts'
import type { Receiver, ReceiverRequest } from './receiver.ts'

/** A line in a channel. @see https://api.slack.com/messaging/webhooks */
export function slackRequest(_receiver: Receiver, { type, summary, link }: CloudEvent): ReceiverRequest {
  const what = `*${type.replace('io.steward.', '')}*`
  const text = `${what} ${escaped(summary)}${link === undefined ? '' : ` <${link}|show>`}`
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ text }) }
}

/** Names of servers must not call a channel, nor look like a link. */
const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

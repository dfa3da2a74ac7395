import { type CloudEvent, type Severity, severities } from '../../core/notification.ts'
import type { Receiver, ReceiverRequest } from './receiver.ts'

const severityOf: Readonly<Partial<Record<string, Severity>>> = {
  'action.failed': 'error',
  'recurring-action.delegation-lost': 'error',
  'incident.escalated': 'critical',
  'delegation.expiring': 'warning',
  'delegation.lost': 'critical',
  'delegation.expired': 'critical',
  'plan.failed': 'error',
  'stop.pressed': 'critical',
  'recurring-action.ended': 'info',
  'notification.test': 'info',
}
const resolves: ReadonlySet<string> = new Set([
  ...['incident.closed', 'stop.released', 'plan.done', 'plan.expired', 'plan.discarded'],
])
const longestSummary = 1_024

/**
 * An alert for each subject, which is resolved by the end of an incident, by that of a plan nobody has to look at any more,
 * and by the release of the stop button.
 *
 * @see https://developer.pagerduty.com/docs/send-alert-event
 */
export function pagerDutyRequest({ token }: Receiver, event: CloudEvent): ReceiverRequest {
  const { subject, summary, source, time, link, data } = event
  const name = event.type.replace('io.steward.', '')
  const body = {
    routing_key: token,
    event_action: resolves.has(name) ? 'resolve' : 'trigger',
    dedup_key: subject,
    payload: {
      summary: summary.slice(0, longestSummary),
      source,
      severity: severities.find((one) => one === data.severity) ?? severityOf[name] ?? 'warning',
      timestamp: time,
      class: name,
      custom_details: data,
    },
    ...(link !== undefined && { links: [{ href: link, text: subject }] }),
  }
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

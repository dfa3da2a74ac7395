import type { Records } from '../records/records.ts'
import type { Violation } from './violation.ts'

/** Every alert that was taken in is accounted for, once. */
export function alertsReconcile(records: Records): Violation[] {
  return [...eachAnswer(records), ...inAll(records), ...eachGhost(records)]
}

const rule = 'alerts reconcile'

function eachAnswer({ deliveries }: Records): Violation[] {
  return deliveries
    .filter(({ status }) => status === 200)
    .filter(({ alerts, counts }) => alerts.length !== Object.values(counts).reduce((sum, count) => sum + count, 0))
    .map(({ alerts, counts, at }) => ({
      rule,
      says: `${alerts.length} alerts were received, and counted as ${JSON.stringify(counts)}`,
      evidence: [new Date(at).toISOString()],
    }))
}

/** What an unanswered delivery opened is not counted anywhere, so the sum has bounds. */
function inAll({ deliveries, incidentWorkflows }: Records): Violation[] {
  const opened = deliveries.reduce((sum, { counts }) => sum + (counts.opened ?? 0), 0)
  const unsure = deliveries.reduce((sum, { status, alerts }) => sum + (status === 200 ? 0 : alerts.length), 0)
  const incidents = incidentWorkflows.filter((id) => id.startsWith('incident/host-overloaded/')).length
  if (opened <= incidents && incidents <= opened + unsure) return []
  const says = `${opened} incidents were said to be opened (${unsure} alerts had no answer), but the engine has ${incidents}`
  return [{ rule, says, evidence: [] }]
}

/** Hosts of storms have names of their own: each has one incident, no less and no more. */
function eachGhost({ deliveries, incidentWorkflows }: Records): Violation[] {
  const taken = new Set<string>()
  for (const { status, alerts } of deliveries)
    if (status === 200)
      for (const alert of alerts) {
        const { host = '' } = alert.labels
        if (alert.status === 'firing' && host.startsWith('ghost-')) taken.add(host)
      }
  const incidents = new Map<string, number>()
  for (const id of incidentWorkflows) {
    const host = id.split('/')[2] ?? ''
    if (host.startsWith('ghost-')) incidents.set(host, (incidents.get(host) ?? 0) + 1)
  }
  const lost = [...taken].filter((host) => !incidents.has(host))
  const doubled = [...incidents].filter(([, count]) => count > 1)
  return [
    ...(lost.length > 0
      ? [{ rule, says: `${lost.length} alerts that were taken in have no incident`, evidence: lost.slice(0, 10) }]
      : []),
    ...(doubled.length > 0
      ? [
          {
            rule,
            says: `${doubled.length} alerts have more than one incident`,
            evidence: doubled.slice(0, 10).map(String),
          },
        ]
      : []),
  ]
}

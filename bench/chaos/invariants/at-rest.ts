import { leasesIn } from '../records/leases.ts'
import type { Records } from '../records/records.ts'
import type { Violation } from './violation.ts'

/** In the end nothing is left: no run, no lease, and whatever is not closed waits for people and says why. */
export function atRest({ restless, incidents, samples }: Records): Violation[] {
  const rule = 'nothing stuck'
  const last = samples.findLast(({ leases }) => leases !== undefined)
  return [
    ...restless.map((says) => ({ rule, says, evidence: [] })),
    ...(last ? leasesIn(last) : []).map((lease) => ({
      rule,
      says: `a lease on ${lease.targets.join(', ')} is left`,
      evidence: [JSON.stringify(lease)],
    })),
    ...incidents
      .filter(({ state, reason, takenOverBy }) => state !== 'closed' && !reason && !takenOverBy)
      .map((incident) => ({
        rule,
        says: `incident ${incident.id} is ${incident.state} and gives no reason`,
        evidence: [JSON.stringify(incident)],
      })),
  ]
}

/** No 500: whatever happens has a name. */
export function noInternalErrors({ journal, deliveries }: Records): Violation[] {
  const rule = 'no 500'
  return [
    ...journal
      .filter(({ event, status }) => event === 'asked' && status === 500)
      .map((entry) => ({
        rule,
        says: `${entry.method} ${entry.path} answered 500`,
        evidence: [JSON.stringify(entry)],
      })),
    ...deliveries
      .filter(({ status }) => status === 500 || (status >= 400 && status < 500))
      .map(({ status, by, alerts, at }) => ({
        rule,
        says: `a delivery of ${alerts.length} alert(s) was answered ${status}`,
        evidence: [`${by} at ${new Date(at).toISOString()}`],
      })),
  ]
}

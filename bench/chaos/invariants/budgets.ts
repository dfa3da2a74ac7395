import { type LeaseSeen, leasesIn } from '../records/leases.ts'
import type { Records } from '../records/records.ts'
import { at, type Violation } from './violation.ts'

/**
 * I3: never more at work at once than the budgets allow. People count against none; tenants' actions, all of one project
 * here, against that; everything else on hosts, all of one zone here, against the others.
 */
export function withinBudgets({ governor, samples }: Records): Violation[] {
  const { overall, zone, host, project, runbooks } = governor.budgets
  const worst = new Map<string, Violation & { count: number }>()
  for (const sample of samples) {
    const counts = new Map<string, { limit: number; leases: LeaseSeen[] }>()
    const count = (budget: string, limit: number | undefined, lease: LeaseSeen) => {
      if (limit === undefined) return
      const entry = counts.get(budget) ?? { limit, leases: [] }
      entry.leases.push(lease)
      counts.set(budget, entry)
    }
    for (const lease of leasesIn(sample)) {
      if (lease.requester === 'person') continue
      if (lease.requester === 'action') {
        count('project', project.atOnce, lease)
        continue
      }
      count('overall', overall.atOnce, lease)
      count(`runbook/${lease.runbook}`, runbooks[lease.runbook]?.atOnce, lease)
      const hosts = lease.targets.filter((target) => target.startsWith('host/'))
      if (hosts.length > 0) count('zone', zone.atOnce, lease)
      for (const target of hosts) count(target, host.atOnce, lease)
    }
    for (const [budget, { limit, leases }] of counts) {
      if (leases.length <= limit || leases.length <= (worst.get(budget)?.count ?? 0)) continue
      worst.set(budget, {
        rule: 'I3 budgets',
        says: `${budget}: ${leases.length} at once, ${limit} allowed`,
        evidence: [`sample of ${at(sample.at)}`, ...leases.map((lease) => JSON.stringify(lease))],
        count: leases.length,
      })
    }
  }
  return [...worst.values()].map(({ rule, says, evidence }) => ({ rule, says, evidence }))
}

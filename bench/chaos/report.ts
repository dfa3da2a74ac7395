import { invariants } from './invariants/all.ts'
import { blackouts } from './invariants/brakes.ts'
import type { Violation } from './invariants/violation.ts'
import type { Records } from './records/records.ts'

export interface Report {
  readonly seed: number
  readonly minutes: number
  readonly figures: Readonly<Record<string, number>>
  readonly violations: readonly Violation[]
}

/** Checks all promises and counts what they were checked against: a run without effects proves nothing. */
export function judge(records: Records, seed: number, minutes: number, events: number): Report {
  const { effects, incidents, actions, samples, audit, deliveries, journal } = records
  const ofKind = (what: string) => effects.filter((effect) => effect.what === what && effect.took).length
  const tally = (name: string) => journal.filter(({ event }) => event === name).length
  return {
    seed,
    minutes,
    figures: {
      events,
      effects: effects.length,
      restarts: ofKind('restart'),
      'live migrations': ofKind('live-migration'),
      'calls of tenants': effects.filter(({ runId }) => actions.some((a) => a.runRequestId === `req-${runId}`)).length,
      incidents: incidents.length,
      'incidents with a run': incidents.filter(({ runs }) => runs.length > 0).length,
      actions: actions.length,
      'audit events': audit.length,
      'alerts received': deliveries.reduce((sum, { status, alerts }) => sum + (status === 200 ? alerts.length : 0), 0),
      'deliveries not taken': deliveries.filter(({ status }) => status !== 200).length,
      'stop windows': tally('stop window'),
      'blackouts of all hosts': blackouts(records).length,
      'times Steward was away': tally('steward away'),
      'samples of leases': samples.filter(({ leases }) => leases !== undefined).length,
      'samples with a lease': samples.filter(({ leases }) => JSON.stringify(leases ?? '').includes('"held"')).length,
    },
    violations: Object.values(invariants).flatMap((check) => check(records)),
  }
}

export function printReport({ seed, minutes, figures, violations }: Report, print: (line: string) => void): void {
  print('')
  print(`seed ${seed}, ${minutes} min`)
  for (const [name, figure] of Object.entries(figures)) print(`  ${name.padEnd(24)} ${String(figure).padStart(6)}`)
  print('')
  for (const rule of Object.keys(invariants)) {
    const own = violations.filter((violation) => violation.rule === rule)
    print(`  ${rule.padEnd(24)} ${own.length === 0 ? 'kept' : `BROKEN ${own.length} time(s)`}`)
  }
  for (const { rule, says, evidence } of violations) {
    print('')
    print(`${rule}: ${says}`)
    for (const line of evidence.slice(0, 6)) print(`    ${line.slice(0, 600)}`)
  }
}

import { type Records, runOf, runsOf } from '../records/records.ts'
import type { Violation } from './violation.ts'

/** I4: nothing is done without a target, and nothing to what was not a target. */
export function namedTargets(records: Records): Violation[] {
  const runs = runsOf(records)
  const empty = records.audit
    .filter(({ phase, targets }) => phase === 'intent' && targets.length === 0)
    .map(
      (event): Violation => ({
        rule: 'I4 targets',
        says: `${event.action} was begun without a target`,
        evidence: [event.line],
      }),
    )
  const strange = records.effects.flatMap((effect): Violation[] => {
    const run = runOf(effect, runs)
    if (!run || run.targets.includes(effect.target)) return []
    const says = `${run.of} changed ${effect.target}, which is none of its targets (${run.targets.join(', ') || 'none'})`
    return [{ rule: 'I4 targets', says, evidence: [effect.evidence] }]
  })
  return [...empty, ...strange]
}

/** I7: what ended before anything was done has done nothing. */
export function nothingForWhatIsOver({ incidents }: Records): Violation[] {
  return incidents
    .filter(
      ({ state, reason, runs }) =>
        state === 'closed' && reason?.detail.startsWith('resolved before') && runs.length > 0,
    )
    .map(({ id, runs }) => ({
      rule: 'I7 resolved before',
      says: `incident ${id} was over before anything was done, and has ${runs.length} run(s)`,
      evidence: runs.map((run) => JSON.stringify(run)),
    }))
}

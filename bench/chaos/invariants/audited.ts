import { type Records, runOf, runsOf } from '../records/records.ts'
import { at, type Violation } from './violation.ts'

/** The cloud's clock and Steward's are this machine's; Nova rounds the length of a request. */
const toleranceMs = 20

/** I8: whatever the cloud shows was intended before, in writing, and its outcome was written down after. */
export function audited(records: Records): Violation[] {
  const rule = 'I8 audit'
  const runs = runsOf(records)
  return records.effects.flatMap((effect): Violation[] => {
    const run = runOf(effect, runs)
    if (!run) {
      const says = `${effect.what} on ${effect.target} at ${at(effect.at)} belongs to no run that Steward tells of`
      return [{ rule, says, evidence: [effect.evidence] }]
    }
    const own = records.audit.filter(({ runId, targets }) => runId === run.runId && isAbout(targets, effect.target))
    const intent = own.findLast(
      ({ phase, at: writtenAt }) => phase === 'intent' && writtenAt <= effect.at + toleranceMs,
    )
    if (!intent) {
      const says = `${effect.what} on ${effect.target} by ${run.of} has no intent before it`
      return [{ rule, says, evidence: [effect.evidence, ...own.map(({ line }) => line)] }]
    }
    const outcome = own.find(({ phase, at: writtenAt }) => phase === 'outcome' && writtenAt >= effect.at - toleranceMs)
    if (outcome) return []
    const says = `${effect.what} on ${effect.target} by ${run.of} has no outcome after it`
    return [{ rule, says, evidence: [effect.evidence, intent.line] }]
  })
}

const isAbout = (targets: readonly string[], target: string) => targets.length === 0 || targets.includes(target)

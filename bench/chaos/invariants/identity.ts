import { type Records, runOf, runsOf } from '../records/records.ts'
import { at, type Violation } from './violation.ts'

/** A session is believed for a few seconds after the delegation it uses was replaced. */
const toleranceMs = 15_000

/** I9: an action is its owner's, remediation is that of whoever delegated. */
export function rightfulUsers(records: Records): Violation[] {
  const runs = runsOf(records)
  const delegations = records.journal.filter(({ event }) => event === 'delegated')
  return records.effects.flatMap((effect): Violation[] => {
    if (!effect.userId) return []
    const run = runOf(effect, runs)
    if (!run) return []
    const allowed = run.action ? [run.action.userId] : delegatorsAt(effect.at)
    if (allowed.includes(effect.userId)) return []
    const says = `${effect.what} of ${run.of} was done as ${effect.userId}, not as ${allowed.join(' or ')}`
    return [{ rule: 'I9 rights', says, evidence: [`at ${at(effect.at)}`, effect.evidence] }]
  })

  function delegatorsAt(ms: number): string[] {
    const before = delegations.filter(({ from }) => Number(from) <= ms)
    const current = before.at(-1)
    const recent = before.filter((_, i) => Number(before[i + 1]?.from ?? Number.POSITIVE_INFINITY) > ms - toleranceMs)
    return [
      ...new Set([...recent.map(({ userId }) => String(userId)), String(current?.userId ?? records.userIds.olga)]),
    ]
  }
}

/** A due action has at most one effect, and one that is done has exactly one. */
export function actionsOnce({ actions, effects }: Records): Violation[] {
  return actions.flatMap((action): Violation[] => {
    const runId = action.runRequestId?.slice('req-'.length)
    const own = effects.filter((effect) => effect.runId === runId && effect.took)
    const evidence = [JSON.stringify(action), ...own.map((effect) => effect.evidence)]
    const rule = 'actions once'
    if (own.length > 1) return [{ rule, says: `action ${action.id} had ${own.length} effects`, evidence }]
    const isDone = action.state === 'done' && (action.result?.status ?? 0) < 300
    if (isDone && own.length === 0)
      return [{ rule, says: `action ${action.id} is done, but the cloud has no record of it`, evidence }]
    if (own.length === 1 && !mayHaveActed.has(action.state))
      return [{ rule, says: `action ${action.id} is ${action.state}, but the cloud did it`, evidence }]
    return []
  })
}

const mayHaveActed: ReadonlySet<string> = new Set(['done', 'outcome-unknown', 'running'])

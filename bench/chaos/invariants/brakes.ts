import type { Effect } from '../records/effects.ts'
import { type Records, runOf, runsOf } from '../records/records.ts'
import { at, type Violation } from './violation.ts'

const stopWithinMs = 5_000

/** I5: from five seconds after the stop button was acknowledged until somebody asked to resume, nothing begins. */
export function stoppedInTime({ journal, effects }: Records): Violation[] {
  const windows = journal.filter(({ event }) => event === 'stop window')
  return windows.flatMap(({ from, to }) =>
    effects
      .filter((effect) => effect.at > Number(from) + stopWithinMs && effect.at < Number(to))
      .map(
        (effect): Violation => ({
          rule: 'I5 stop button',
          says: `${effect.what} on ${effect.target} began ${((effect.at - Number(from)) / 1000).toFixed(1)} s after the stop was acknowledged`,
          evidence: [`acknowledged ${at(Number(from))}, resumed ${at(Number(to))}`, effect.evidence],
        }),
      ),
  )
}

/** How long before the last moment at which a host was seen to be up a run may have decided. */
const graceMs = 1_000

/** While no host at all looks up, nothing is restarted and nothing is moved, unless a run was at it already. */
export function nothingInBlackout(records: Records): Violation[] {
  const runs = runsOf(records)
  return blackouts(records).flatMap(({ from, to }) =>
    records.effects
      .filter((effect) => isRemediation(effect) && effect.at > from + graceMs && effect.at < to)
      .filter((effect) => (runOf(effect, runs)?.startedAt ?? Number.POSITIVE_INFINITY) >= from)
      .map(
        (effect): Violation => ({
          rule: 'all hosts down',
          says: `${effect.what} on ${effect.target} was begun while every host looked down`,
          evidence: [`all down from ${at(from)} to ${at(to)}`, effect.evidence],
        }),
      ),
  )
}

const isRemediation = ({ what }: Effect) => what === 'restart' || what === 'live-migration'

/** Spans in which every sample shows every host down. */
export function blackouts({ samples }: Pick<Records, 'samples'>): { from: number; to: number }[] {
  const spans: { from: number; to: number }[] = []
  let current: { from: number; to: number } | undefined
  for (const { at: sampledAt, services } of samples) {
    if (!services) continue
    const states = Object.values(services)
    if (states.length > 0 && states.every((state) => state === 'down')) {
      if (current) current.to = sampledAt
      else {
        current = { from: sampledAt, to: sampledAt }
        spans.push(current)
      }
    } else current = undefined
  }
  return spans
}

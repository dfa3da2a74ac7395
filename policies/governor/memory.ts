import type { GovernorConfig, GovernorState, Lease, Outcome, PastRun } from '../../core/governor.ts'
import { changes, isHold, placesOf } from './requests.ts'

const hourMs = 3_600_000
/** Together 2,000, about 0.4 MB. Tenants' actions have their own part, so that they cannot push out what brakes Steward itself. */
export const keptRuns = { actions: 1000, others: 1000 } as const
const keptOutcomes = 100
/** Length of "2026-11-21T08:00". */
const minute = 16

export const isoOf = (ms: number) => new Date(ms).toISOString()

/** Remembers runs that have ended. A person's hold and a read count against nothing. */
export function remember(past: readonly PastRun[], ended: readonly Lease[], nowMs: number): readonly PastRun[] {
  const counted = ended.filter(({ request }) => changes(request) && !isHold(request))
  if (counted.length === 0) return past
  const runs = [...past]
  for (const { request, grantedAt } of counted) {
    const { runbook, targets, within, incidentRunId, requester } = request
    const endedAt = isoOf(nowMs)
    const run = { runbook, targets, within, ...(incidentRunId && { incidentRunId }), requester, grantedAt, endedAt }
    if (requester !== 'action' || !foldInto(runs, run)) runs.push(run)
  }
  return runs
}

/** Actions of one project begun within one minute are one entry, which counts as if all had begun with the last. */
function foldInto(runs: PastRun[], run: PastRun): boolean {
  const projects = projectsOf(run)
  const at = runs.findLastIndex(
    (other) =>
      other.requester === 'action' &&
      other.grantedAt.slice(0, minute) === run.grantedAt.slice(0, minute) &&
      projectsOf(other).join() === projects.join(),
  )
  const other = runs[at]
  if (!other) return false
  const latest = run.grantedAt > other.grantedAt ? run : { ...run, grantedAt: other.grantedAt }
  runs.splice(at, 1)
  runs.push({ ...latest, targets: [], within: projects, runs: runsOf(other) + 1 })
  return true
}

const projectsOf = (run: PastRun) => placesOf(run, 'project/')
export const runsOf = ({ runs }: PastRun) => runs ?? 1

/** Drops what no budget and no cool-down counts any more; of too many the ones that ended first. */
export function forget(past: readonly PastRun[], { coolDownSeconds }: GovernorConfig, nowMs: number) {
  const hourAgo = isoOf(nowMs - hourMs)
  const othersSince = isoOf(nowMs - Math.max(hourMs, coolDownSeconds * 1000))
  const kept = past.filter(({ requester, endedAt = '' }) => endedAt > (requester === 'action' ? hourAgo : othersSince))
  const actions = kept.filter(isAction).length
  const surplus = { actions: actions - keptRuns.actions, others: kept.length - actions - keptRuns.others }
  if (surplus.actions <= 0 && surplus.others <= 0) return kept.length === past.length ? past : kept
  return kept.filter((run) => {
    const part = isAction(run) ? 'actions' : 'others'
    surplus[part] -= 1
    return surplus[part] < 0
  })
}

const isAction = ({ requester }: PastRun) => requester === 'action'

/**
 * Until when runs may have ended that were forgotten for want of room; an ISO time, empty when none was. Nothing is
 * known of the time before, so every budget is taken for used up and every target for just touched.
 */
export function gapsOf(past: readonly PastRun[]): { readonly actions: string; readonly others: string } {
  const actions = past.filter(isAction)
  const others = past.length - actions.length
  return {
    actions: actions.length < keptRuns.actions ? '' : (actions[0]?.endedAt ?? ''),
    others: others < keptRuns.others ? '' : (past.find((run) => !isAction(run))?.endedAt ?? ''),
  }
}

/** Takes an outcome in; the same one again changes nothing. */
export function learn(outcomes: readonly Outcome[], outcome: Outcome): readonly Outcome[] {
  const { runbook, at, helped } = outcome
  const own = outcomes.filter((other) => other.runbook === runbook)
  if (own.some((other) => other.at === at && other.helped === helped)) return outcomes
  const oldest = own.length >= keptOutcomes ? own[0] : undefined
  return [...outcomes.filter((other) => other !== oldest), { runbook, at, helped }]
}

/** A mode a person set counts until it is taken back; one for each scope. */
export const setMode = (modes: GovernorState['modes'], setting: GovernorState['modes'][number]) => [
  ...modes.filter(({ scope }) => scope !== setting.scope),
  setting,
]

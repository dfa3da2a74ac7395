import type { GovernorConfig, GovernorState, LeaseRequest, Ruling } from '../../core/governor.ts'
import { changes, isAutomatic } from './requests.ts'

/** How the runs of one runbook turned out. */
export interface TrackRecord {
  /** Of the last `demotion.ofLast` since a person looked at the runbook. */
  readonly outcomes: number
  readonly didNotHelp: number
  /** How many of the latest in a row did not help. */
  readonly inARow: number
  /** How many helped within the last hour, since the last one that did not. */
  readonly helpedLately: number
}

/** Looks each runbook up once. A mode set for a runbook is a person's look at it: what was before counts no more. */
export function createTrackRecords(
  { outcomes, modes }: Pick<GovernorState, 'outcomes' | 'modes'>,
  { demotion: { ofLast } }: GovernorConfig,
  nowMs: number,
): (runbook: string) => TrackRecord {
  const known = new Map<string, TrackRecord>()
  return (runbook) => {
    const before = known.get(runbook)
    if (before) return before
    const looked = modes.find(({ scope }) => scope === `runbook/${runbook}`)
    const lookedMs = looked ? Date.parse(looked.at) : Number.NEGATIVE_INFINITY
    const own = outcomes
      .filter((outcome) => outcome.runbook === runbook)
      .map(({ at, helped }) => ({ atMs: Date.parse(at), helped }))
    const counted = own.filter(({ atMs }) => atMs > lookedMs)
    const latest = counted.slice(-ofLast)
    const sinceLastFailure = own.slice(own.findLastIndex(({ helped }) => !helped) + 1)
    const record = {
      outcomes: latest.length,
      didNotHelp: latest.filter(({ helped }) => !helped).length,
      inARow: counted.length - 1 - counted.findLastIndex(({ helped }) => helped),
      helpedLately: sinceLastFailure.filter(({ atMs }) => atMs > nowMs - 3_600_000).length,
    }
    known.set(runbook, record)
    return record
  }
}

/** With fewer outcomes than this a share says nothing. */
const fewestForShare = 5

/** A runbook that keeps not helping asks before it acts. */
export function onDemotion(
  request: LeaseRequest,
  { demotion }: GovernorConfig,
  recordOf: (runbook: string) => TrackRecord,
): Ruling {
  if (!isAutomatic(request) || !changes(request))
    return { rule: 'demotion', says: 'pass', reason: 'only what alerts and plans change can be demoted' }
  const { runbook } = request
  const { outcomes, didNotHelp, inARow } = recordOf(runbook)
  const figures = { outcomes, didNotHelp, inARow }
  const told = `${didNotHelp} of the last ${outcomes} runs of ${runbook} did not help`
  if (inARow >= demotion.inARow) {
    const reason = `the last ${inARow} run(s) of ${runbook} did not help`
    return { rule: 'demotion', says: 'ask', code: 'APPROVAL_NEEDED', reason, figures }
  }
  if (outcomes >= fewestForShare && didNotHelp > demotion.share * outcomes) {
    const reason = `${told}, more than ${Math.round(demotion.share * 100)} %`
    return { rule: 'demotion', says: 'ask', code: 'APPROVAL_NEEDED', reason, figures }
  }
  return { rule: 'demotion', says: 'pass', reason: told, figures }
}

/** More than any budget allows; keeps the figure readable. */
const mostDoublings = 10

/** What a runbook does is done to one target first, and to twice as many with every time it helped. */
export function onCanary(
  request: LeaseRequest,
  { canary }: GovernorConfig,
  recordOf: (runbook: string) => TrackRecord,
  atWork: (runbook: string) => number,
): Ruling {
  const { runbook } = request
  if (!canary) return { rule: 'canary', says: 'pass', reason: 'governor.canary is off' }
  if (!isAutomatic(request) || !changes(request))
    return { rule: 'canary', says: 'pass', reason: 'only what alerts and plans change begins small' }
  const { helpedLately } = recordOf(runbook)
  const allowed = 2 ** Math.min(helpedLately, mostDoublings)
  const held = atWork(runbook)
  const figures = { helpedLately, allowed, atOnce: held }
  const shows = `${runbook} has helped ${helpedLately} time(s) in a row within the last hour`
  if (held < allowed)
    return { rule: 'canary', says: 'pass', reason: `${shows}: ${held} of ${allowed} at once`, figures }
  const reason = `${shows}, so ${allowed} may run at once, and ${held} run(s) are at work`
  return { rule: 'canary', says: 'wait', code: 'BUDGET_EXHAUSTED', reason, figures }
}

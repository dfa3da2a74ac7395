import type { ErrorCode } from '../core/catalogue.ts'
import type { GovernorConfig, GovernorState, LeaseRequest } from '../core/governor.ts'
import type { Incident } from '../core/incident.ts'
import type { Policy } from '../core/policy.ts'
import { type IncidentEnd, incidentEnds, type ReportRow, type RunbookReport, type Spread } from '../core/report.ts'
import { createTrackRecords, onDemotion } from './governor/track-record.ts'

export interface ReportInput {
  readonly sinceMs: number
  readonly untilMs: number
  readonly truncated: boolean
  /** In any order; those opened outside of the period are left out. */
  readonly incidents: readonly Incident[]
  readonly policies: readonly Policy[]
  readonly outcomes: Pick<GovernorState, 'outcomes' | 'modes'>
  readonly governor: GovernorConfig
  readonly nowMs: number
}

/** So soon after its recovery the same incident again is the same trouble again. */
const recurrenceMs = 24 * 3_600_000

/** Says how well each runbook and each policy has done. Pure. */
export function reportOn(input: ReportInput): RunbookReport {
  const { sinceMs, untilMs, truncated, policies, nowMs } = input
  const runbooksOf = new Map(policies.map((policy) => [policy.name, ladderOf(policy)]))
  const incidents = input.incidents.filter(({ openedAt }) => {
    const openedMs = Date.parse(openedAt)
    return openedMs >= sinceMs && openedMs <= untilMs
  })
  const recurrent = recurrencesOf(incidents)
  const row = (name: string, own: readonly Incident[], runbook?: string) =>
    rowOf({ name, incidents: own, recurrent, nowMs, ladders: runbooksOf, ...(runbook !== undefined && { runbook }) })
  const names = (all: Iterable<string>) => [...new Set(all)].sort((a, b) => (a < b ? -1 : 1))
  const records = createTrackRecords(input.outcomes, input.governor, nowMs)
  const involved = (incident: Incident) => [
    ...(runbooksOf.get(incident.policy) ?? []),
    ...incident.runs.map(({ runbook }) => runbook),
  ]
  return {
    since: new Date(sinceMs).toISOString(),
    until: new Date(untilMs).toISOString(),
    truncated,
    all: row('all', incidents),
    runbooks: names([...[...runbooksOf.values()].flat(), ...incidents.flatMap(involved)]).map((runbook) => {
      const { says, reason, figures = {} } = onDemotion(probe(runbook), input.governor, records)
      return {
        ...row(
          runbook,
          incidents.filter((incident) => involved(incident).includes(runbook)),
          runbook,
        ),
        ...(says === 'ask' && { demotion: { reason, figures } }),
      }
    }),
    policies: names([...runbooksOf.keys(), ...incidents.map(({ policy }) => policy)]).map((policy) =>
      row(
        policy,
        incidents.filter((incident) => incident.policy === policy),
      ),
    ),
  }
}

/** Runbooks of a policy, the first step of its ladder first. */
const ladderOf = ({ runbook, ladder }: Policy): string[] => [runbook, ...ladder.map((rung) => rung.runbook)]

/** What an alert would ask for with this runbook. */
const probe = (runbook: string): LeaseRequest => ({
  id: 'report',
  holder: {},
  requester: 'alert',
  by: 'report',
  why: 'report',
  runbook,
  targets: [],
  within: [],
  risk: 'service',
  requestedAt: '',
  waitUntil: '',
  expectedMs: 0,
})

/** How an incident came out. The first word that fits counts, so that each is in exactly one. */
export function endOf(incident: Incident): IncidentEnd {
  const { state, endedAt, runs, answers, reason, takenOverBy } = incident
  const { code, detail = '' } = reason ?? {}
  if (runs.some(({ helped }) => helped)) return 'recovered'
  if (code === 'APPROVAL_REJECTED' || answers.at(-1)?.says === 'rejected' || hasLapsed(incident)) return 'rejected'
  if (endedAt === undefined) return state === 'escalated' || state === 'taken-over' ? 'escalated' : 'open'
  if (code === 'OBSERVE_ONLY') return 'observed'
  if (code === 'FLAPPING' || /somebody is at work/.test(detail)) return 'suppressed'
  if (code !== undefined || takenOverBy !== undefined || seenToByPeople.test(detail)) return 'escalated'
  return /^not confirmed/.test(detail) ? 'not confirmed' : 'cleared by itself'
}

/** How incidents end in workflows/incident that a person has ended, or would have had to. */
const seenToByPeople = /^(cleared after people were asked|closed by |(its run was )?cancelled by a person)/

/** Nobody answered in time, and nothing was done after that. */
const hasLapsed = ({ proposal, answers, endedAt, runs }: Incident): boolean =>
  proposal !== undefined &&
  endedAt !== undefined &&
  proposal.expiresAt <= endedAt &&
  answers.filter(({ planId }) => planId === proposal.planId).length < proposal.needs &&
  !runs.some(({ startedAt }) => startedAt >= proposal.askedAt)

const isFalseFire = (incident: Incident) => {
  const end = endOf(incident)
  return end === 'not confirmed' || (end === 'cleared by itself' && incident.runs.length === 0)
}

const entityOf = ({ policy, host, binary = '' }: Incident) => `${policy}\n${host}\n${binary}`

/** Ids of the recovered incidents that were followed by another one too soon. */
function recurrencesOf(incidents: readonly Incident[]): ReadonlySet<string> {
  const inOrder = incidents.toSorted((a, b) => Date.parse(a.openedAt) - Date.parse(b.openedAt))
  const previous = new Map<string, Incident>()
  const recurrent = new Set<string>()
  // of one entity there is one incident at a time, so the next one opened is the one that may have come too soon
  for (const incident of inOrder) {
    const entity = entityOf(incident)
    const before = previous.get(entity)
    const recoveredMs = Date.parse((before && recoveryOf(before)) ?? '')
    if (before && Date.parse(incident.openedAt) - recoveredMs <= recurrenceMs) recurrent.add(before.id)
    previous.set(entity, incident)
  }
  return recurrent
}

/** When a run was seen to have helped. */
const recoveryOf = (incident: Incident): string | undefined =>
  endOf(incident) === 'recovered'
    ? (incident.recoveredAt ?? incident.endedAt ?? incident.runs.findLast(({ helped }) => helped)?.endedAt)
    : undefined

interface RowInput {
  readonly name: string
  readonly incidents: readonly Incident[]
  readonly recurrent: ReadonlySet<string>
  readonly nowMs: number
  readonly ladders: ReadonlyMap<string, readonly string[]>
  /** Of a runbook's row: only its own runs, refusals and questions count. */
  readonly runbook?: string
}

function rowOf({ name, incidents, recurrent, nowMs, ladders, runbook }: RowInput): ReportRow {
  const isOwn = (one: { runbook: string }) => runbook === undefined || one.runbook === runbook
  const own = incidents.map((incident) => ({ incident, runs: incident.runs.filter(isOwn) }))
  const runs = own.flatMap((one) => one.runs)
  const verdicts = runs.filter(({ helped }) => helped !== undefined)
  const helped = verdicts.filter((run) => run.helped)
  const recovered = own.filter((one) => one.runs.some((run) => run.helped)).map(({ incident }) => incident)
  const ended = incidents.filter(({ endedAt }) => endedAt !== undefined)
  const atHand = incidents.filter((incident) => isOwn({ runbook: runbookAtHand(incident, ladders) }))
  return {
    name,
    incidents: incidents.length,
    ends: countBy(incidentEnds, incidents.map(endOf)),
    runs: runs.length,
    helped: helped.length,
    verdicts: verdicts.length,
    ...rates({
      verifiedSuccessRate: [helped.length, verdicts.length],
      recurrenceRate: [recovered.filter(({ id }) => recurrent.has(id)).length, recovered.length],
      falseFireRate: [ended.filter(isFalseFire).length, ended.length],
    }),
    refusals: refusalsIn(atHand),
    ...spreads({
      timeToFirstAct: own.map(({ incident, runs: [first] }) => msBetween(incident.openedAt, first?.startedAt)),
      timeToRecovery: recovered.map((incident) => msBetween(incident.openedAt, recoveryOf(incident))),
    }),
    people: questionsIn(atHand, nowMs),
  }
}

/** Which runbook it is about at present, or was about at the end. */
const runbookAtHand = (
  { proposal, runs, policy, rung }: Incident,
  ladders: ReadonlyMap<string, readonly string[]>,
): string => proposal?.runbook ?? runs.at(-1)?.runbook ?? ladders.get(policy)?.[rung] ?? ''

/** What the governor says no with. */
const refusalCodes: ReadonlySet<string> = new Set([
  'STOPPED',
  'TARGETS_MISSING',
  'TARGET_PROTECTED',
  'TARGET_BUSY',
  'TARGET_COOLING_DOWN',
  'FUSE_BLOWN',
  'SURVEY_STALE',
  'BUDGET_EXHAUSTED',
  'GAVE_WAY',
  'FLAPPING',
  'OVERLOADED',
] satisfies ErrorCode[])

function refusalsIn(incidents: readonly Incident[]): Record<string, number> {
  const codes = incidents.flatMap(({ rulings = [], reason }) => {
    const said = [reason?.code, ...rulings.filter(({ says }) => says === 'refuse').map(({ code }) => code)]
    return [...new Set(said.filter((code) => code !== undefined))].filter((code) => refusalCodes.has(code))
  })
  return countBy([...new Set(codes)], codes)
}

/** One question per plan; a person's no to it outweighs another one's yes. */
function questionsIn(incidents: readonly Incident[], nowMs: number): ReportRow['people'] {
  const people = { asked: 0, approved: 0, rejected: 0, timedOut: 0, undecided: 0 }
  for (const { answers, proposal, endedAt } of incidents)
    for (const plan of new Set([...answers.map(({ planId }) => planId), ...(proposal ? [proposal.planId] : [])])) {
      const said = answers.filter(({ planId }) => planId === plan)
      const approvals = said.filter(({ says }) => says === 'approved').length
      const isPresent = proposal?.planId === plan
      const needed = isPresent ? Math.max(1, proposal.needs) : 1
      const overMs = endedAt === undefined ? nowMs : Math.min(nowMs, Date.parse(endedAt))
      people.asked++
      if (approvals < said.length) people.rejected++
      else if (approvals >= needed) people.approved++
      else if (isPresent && Date.parse(proposal.expiresAt) <= overMs) people.timedOut++
      else people.undecided++
    }
  return people
}

function countBy<T extends string>(names: readonly T[], found: readonly T[]): Record<T, number> {
  const counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<T, number>
  for (const name of found) counts[name]++
  return counts
}

const rates = <K extends string>(shares: Record<K, [part: number, whole: number]>) =>
  Object.fromEntries(
    Object.entries<[number, number]>(shares)
      .filter(([, [, whole]]) => whole > 0)
      .map(([name, [part, whole]]) => [name, part / whole]),
  ) as Partial<Record<K, number>>

const spreads = <K extends string>(figures: Record<K, (number | undefined)[]>) =>
  Object.fromEntries(
    Object.entries<(number | undefined)[]>(figures)
      .map(([name, all]) => [name, spreadOf(all.filter((ms) => ms !== undefined))] as const)
      .filter(([, spread]) => spread !== undefined),
  ) as Partial<Record<K, Spread>>

/** Percentiles are figures that were measured (nearest rank), never ones between two. */
function spreadOf(figures: readonly number[]): Spread | undefined {
  const sorted = figures.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1]
  const [p50Ms, p99Ms] = [at(0.5), at(0.99)]
  return p50Ms === undefined || p99Ms === undefined ? undefined : { p50Ms, p99Ms, of: sorted.length }
}

/** Clocks of two processes may disagree by a moment: never below zero. */
const msBetween = (from: string, to: string | undefined): number | undefined =>
  to === undefined ? undefined : Math.max(0, Date.parse(to) - Date.parse(from))

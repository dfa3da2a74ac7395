import type { ActionView } from '../core/action.ts'
import type { GovernorConfig, GovernorState, Lease, LeaseRequest, Target } from '../core/governor.ts'
import type { Incident } from '../core/incident.ts'
import type { Run } from '../core/runbook.ts'
import type { StopState } from '../core/stop.ts'
import { type About, partsOf, type Reason, type Why } from '../core/why.ts'
import { titleOf } from '../core/work.ts'
import { brakesOn } from './why-brakes.ts'
import { targetsOfWork } from './work.ts'

export interface WhyInput {
  readonly about: About
  /** Those it is about, in any order. */
  readonly incidents: readonly Incident[]
  readonly action?: ActionView
  /** One that a person began, and no incident. */
  readonly run?: Run
  /** Missing when the governor did not answer. */
  readonly state?: GovernorState
  readonly governor: GovernorConfig
  readonly stop?: StopState
  /** Without names of people and hosts of the cloud. */
  readonly forTenant?: boolean
  readonly nowMs: number
}

/** Incidents told in full; of a longer list the others are counted. */
const toldIncidents = 5
const toldEntries = 3

/** Says why Steward did something, or why it did not, from what incidents, governor and stop button show. Pure. */
export function why(input: WhyInput): Why {
  const { about, action, run, stop, forTenant = false, nowMs } = input
  const incidents = input.incidents.toSorted((a, b) => latest(a, b, (it) => it.openedAt))
  const facts: Reason[] = [
    ...(stop ? [stopped(stop, forTenant)] : []),
    ...(action ? aboutAction(action) : []),
    ...incidents.slice(0, toldIncidents).flatMap(aboutIncident),
    ...(input.state ? claimsOn(input, input.state, incidents) : [unanswered]),
  ].sort(inOrder)
  // what would be said now explains what comes, not what came
  const brakes =
    input.state && !action
      ? brakesOn({ ...input, state: input.state, hosts: hostsOf(targetsOf(about, incidents)) }, incidents)
      : []
  const reasons = [...facts, ...brakes].sort(inOrder)
  const others = incidents.length - toldIncidents
  if (others > 0) reasons.push({ weight: 'tells', sentence: `${others} older incident(s) are not told here` })
  return {
    about,
    at: new Date(nowMs).toISOString(),
    answer: run ? begun(run) : answerOf(about, incidents, facts, action),
    reasons,
  }
}

const weights: readonly Reason['weight'][] = ['stops', 'slows', 'tells']

const inOrder = (a: Reason, b: Reason) =>
  weights.indexOf(a.weight) - weights.indexOf(b.weight) || latest(a, b, (it) => it.at ?? '')

const latest = <T>(a: T, b: T, at: (it: T) => string) => (at(a) > at(b) ? -1 : at(a) < at(b) ? 1 : 0)

function answerOf(name: string, incidents: readonly Incident[], facts: readonly Reason[], action?: ActionView): string {
  const [first] = facts
  if (action && first?.weight === 'tells') return `action ${action.id} is ${action.state}`
  const open = incidents.find(({ endedAt }) => endedAt === undefined)
  const [newest] = incidents
  if (first?.weight === 'stops') return first.sentence
  if (open)
    return `${stateInWords[open.state]}${first?.weight === 'slows' ? `: ${first.sentence}` : `: ${open.summary}`}`
  if (first?.weight === 'slows') return first.sentence
  if (newest) return `nothing is open; the last one ended: ${newest.reason?.detail ?? newest.summary}`
  return `no incident is known about ${name}, so there was nothing to do`
}

const stateInWords: Readonly<Record<Incident['state'], string>> = {
  confirming: 'it is looking a second time before it acts',
  suppressed: 'it waits, because somebody is at work there',
  flapping: 'it only watches, because the alert comes and goes',
  planning: 'it is planning what to do',
  observing: 'it only watches, and does nothing',
  asking: 'it waits for a person to say yes',
  acting: 'it is acting',
  verifying: 'it has acted, and watches whether that helped',
  'taken-over': 'it does nothing, because a person has taken it over',
  escalated: 'it does nothing more: people are needed',
  closed: 'it is over',
}

const unanswered: Reason = {
  weight: 'slows',
  sentence: 'the governor does not answer, so nothing new gets a lease',
}

const begun = ({ id, by, why: reason, runbook, state, startedAt }: Run): string =>
  `${by} began ${runbook} at ${startedAt}: ${reason}; it is ${state}, and all of it is in \`steward run show ${id}\``

const stopped = ({ by, at, why: reason, source }: StopState, forTenant: boolean): Reason => ({
  weight: 'stops',
  at,
  code: 'STOPPED',
  sentence: forTenant
    ? 'an operator pressed the stop button'
    : `${by} pressed the stop button${source === 'file' ? ' (a file)' : ''}: ${reason}`,
})

/** States in which nothing will be done by itself. */
const resting: ReadonlySet<Incident['state']> = new Set([
  'suppressed',
  'flapping',
  'observing',
  'taken-over',
  'escalated',
])

function aboutIncident(incident: Incident): Reason[] {
  const {
    id,
    state,
    openedAt,
    endedAt,
    proposal,
    rulings = [],
    runs,
    timeline,
    summary,
    reason,
    takenOverBy,
  } = incident
  const of = { incidentId: id }
  const isOpen = endedAt === undefined
  const reasons: Reason[] = []
  const changedAt = timeline.at(-1)?.at ?? openedAt
  const said = reason ? `: ${reason.detail}` : takenOverBy ? `: ${takenOverBy}` : ''
  reasons.push({
    ...of,
    weight: isOpen && resting.has(state) ? 'stops' : isOpen && state === 'asking' ? 'slows' : 'tells',
    at: isOpen ? changedAt : endedAt,
    sentence: isOpen ? `${incident.policy}: ${stateInWords[state]}${said}` : `${incident.policy} closed${said}`,
    ...(reason?.code !== undefined && { code: reason.code }),
    figures: { signals: incident.signals, runs: runs.length, rung: incident.rung },
  })
  if (proposal && isOpen && state === 'asking')
    reasons.push({
      ...of,
      weight: 'slows',
      at: proposal.askedAt,
      until: proposal.expiresAt,
      code: 'APPROVAL_NEEDED',
      sentence: `${proposal.needs} person(s) must say yes to: ${proposal.sentence} (${proposal.reasons.join('; ')})`,
    })
  // what the governor said stays true of a closed incident, but it stops nothing any more
  for (const { says, rule, reason: sentence, figures, until, code } of rulings)
    if (says !== 'pass')
      reasons.push({
        ...of,
        weight: !isOpen ? 'tells' : says === 'wait' || says === 'ask' ? 'slows' : 'stops',
        at: changedAt,
        sentence: `${rule} said ${says}: ${sentence}`,
        ...(figures && { figures }),
        ...(until !== undefined && { until }),
        ...(code !== undefined && { code }),
      })
  for (const run of runs)
    reasons.push({
      ...of,
      weight: 'tells',
      at: run.endedAt ?? run.startedAt,
      sentence: `${run.runbook} ${run.outcome}${verdictOf(run)} on ${run.targets.join(', ') || 'nothing'}${run.detail ? `: ${run.detail}` : ''}`,
    })
  for (const { at, text } of timeline.slice(-toldEntries)) reasons.push({ ...of, weight: 'tells', at, sentence: text })
  reasons.push({ ...of, weight: 'tells', at: openedAt, sentence: `opened by ${incident.source}: ${summary}` })
  return reasons
}

const verdictOf = ({ helped }: Incident['runs'][number]) =>
  helped === undefined ? '' : helped ? ' and helped' : ' and did not help'

function aboutAction(action: ActionView): Reason[] {
  const { state, createdAt, startedAt, endedAt, runAt, reason, result, warning } = action
  const what = titleOf(action).split('?')[0]
  const told: Reason[] = [{ weight: 'tells', at: createdAt, sentence: `${what} is due at ${runAt}` }]
  if (state === 'scheduled') told.push({ weight: 'tells', sentence: `it waits for its time, ${runAt}`, until: runAt })
  if (state === 'paused') told.push({ weight: 'stops', sentence: `${action.pausedBy} has paused it` })
  if (warning) told.push({ weight: 'slows', code: warning.code, sentence: `in its way: ${warning.detail}` })
  if (startedAt)
    told.push({ weight: 'tells', at: startedAt, sentence: `the call was begun ${action.latenessMs ?? 0} ms late` })
  if (result) told.push({ weight: 'tells', ...(endedAt && { at: endedAt }), sentence: `it answered ${result.status}` })
  if (reason)
    told.push({
      weight: 'stops',
      ...(endedAt && { at: endedAt }),
      code: reason.code,
      sentence: `${state}: ${reason.detail}`,
    })
  return told
}

/** Who holds what it is about, and who waits for it. */
function claimsOn(
  { about, action, forTenant = false }: WhyInput,
  { leases, queue }: GovernorState,
  incidents: readonly Incident[],
): Reason[] {
  const targets = targetsOf(about, incidents, action)
  const concerns = ({ targets: own, within, holder }: LeaseRequest) =>
    [...own, ...within].some((target) => targets.has(target)) || holder.workflowId === partsOf(about).name
  const held = leases.filter(({ request }) => concerns(request)).map((lease) => leaseInWords(lease, forTenant))
  const queued = queue.map((request, before) => ({ request, before })).filter(({ request }) => concerns(request))
  return [
    ...held,
    ...queued.map(
      ({ request, before }): Reason => ({
        weight: 'slows',
        at: request.requestedAt,
        until: request.waitUntil,
        sentence: `${forTenant ? 'the call' : `${request.runbook} for ${request.by}`} waits for its lease, ${before} before it`,
        figures: { before },
      }),
    ),
  ]
}

function leaseInWords({ request, grantedAt, askedToEndAt }: Lease, forTenant: boolean): Reason {
  const { requester, by, why: reason, runbook, targets, expectedMs } = request
  return {
    weight: requester === 'person' ? 'stops' : 'slows',
    at: grantedAt,
    until: new Date(Date.parse(grantedAt) + expectedMs).toISOString(),
    code: 'TARGET_BUSY',
    sentence: forTenant
      ? 'somebody else is at work on the server'
      : `${by} (${requester}) holds ${targets.join(', ')} for ${runbook}: ${reason}${askedToEndAt ? '; it was asked to come to an end' : ''}`,
  }
}

function targetsOf(about: About, incidents: readonly Incident[], action?: ActionView): ReadonlySet<string> {
  return new Set<string>([
    ...(about.startsWith('host/') ? [about] : []),
    ...(action ? targetsOfWork(action) : []),
    ...incidents.flatMap(({ host, endedAt, runs, proposal }) =>
      endedAt === undefined
        ? [`host/${host}`, ...runs.flatMap(({ targets }) => targets), ...(proposal?.targets ?? [])]
        : [],
    ),
  ])
}

const hostsOf = (targets: ReadonlySet<string>): Target[] =>
  [...targets].filter((target): target is Target => target.startsWith('host/'))

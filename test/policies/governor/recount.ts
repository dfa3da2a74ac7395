import {
  type GovernorConfig,
  type GovernorState,
  type LeaseRequest,
  type Mode,
  type ModeSetting,
  type Outcome,
  priorityOf,
} from '../../../core/governor.ts'

/** What an onlooker wrote down: nothing is forgotten, nothing is indexed. */
export interface Run {
  readonly request: LeaseRequest
  readonly grantedMs: number
  endedMs?: number
}

export interface Log {
  readonly runs: Run[]
  readonly outcomes: Outcome[]
  modes: ModeSetting[]
  /** Requests in the order they came, by id. */
  arrivals: string[]
}

const hourMs = 3_600_000

export function areInConflict(a: LeaseRequest, b: LeaseRequest): boolean {
  if (a.risk === 'read' || b.risk === 'read') return false
  return (
    a.targets.some((target) => b.targets.includes(target) || b.within.includes(target)) ||
    a.within.some((place) => b.targets.includes(place))
  )
}

export const isMachine = ({ requester }: LeaseRequest) => requester === 'alert' || requester === 'plan'

/** True when `a` goes before `b`: by precedence, then by when it was wanted first, then by arrival. */
export function isBefore(a: LeaseRequest, b: LeaseRequest, { arrivals }: Log): boolean {
  if (a.requester !== b.requester) return priorityOf[a.requester] > priorityOf[b.requester]
  if (a.requestedAt !== b.requestedAt) return a.requestedAt < b.requestedAt
  return arrivals.indexOf(a.id) < arrivals.indexOf(b.id)
}

/** Why the request must not be granted now by its own merits, an old survey left aside. */
export function objections(request: LeaseRequest, log: Log, config: GovernorConfig, nowMs: number): string[] {
  const found: string[] = []
  if (request.targets.length === 0) found.push('targets')
  const hosts = [...request.targets, ...request.within]
  if (request.requester !== 'person' && config.protectedHosts.some((name) => hosts.includes(`host/${name}`)))
    found.push('protected')
  const mode = modeOf(request, log.modes, config)
  if (isMachine(request) && (mode === 'observe' || (mode === 'ask' && !request.approval))) found.push('mode')
  if (!isMachine(request) || request.risk === 'read') return found
  if (isDemoted(request, log, config) && !request.approval) found.push('demotion')
  const { survey } = request
  if (survey) {
    const { zone, cloud } = survey
    if ([zone, cloud].some(({ up, down }) => down > 1 && down / (up + down) >= config.fuse.stopFromShare))
      found.push('fuse')
    if (cloud.down >= config.fuse.askFromHosts && !request.approval) found.push('many down')
  }
  const cooling = log.runs.some(
    (run) =>
      run.request.risk !== 'read' &&
      run.request.runbook === request.runbook &&
      !(request.incidentRunId && run.request.incidentRunId === request.incidentRunId) &&
      run.request.targets.some((target) => /^(host|server)/.test(target) && request.targets.includes(target)) &&
      (run.endedMs ?? run.grantedMs) > nowMs - config.coolDownSeconds * 1000,
  )
  if (cooling) found.push('cool-down')
  return found
}

export const isSurveyFresh = ({ survey }: LeaseRequest, { fuse }: GovernorConfig, nowMs: number) =>
  survey !== undefined &&
  Math.abs(nowMs - Date.parse(survey.takenAt)) <= fuse.surveySeconds * 1000 &&
  survey.zone.up + survey.zone.down > 0 &&
  survey.cloud.up + survey.cloud.down > 0

function modeOf({ policy, mode, runbook }: LeaseRequest, modes: readonly ModeSetting[], config: GovernorConfig): Mode {
  const set = (scope: string) => modes.find((setting) => setting.scope === scope)?.mode
  const all = [set('all') ?? config.mode, (policy && set(`policy/${policy}`)) ?? mode, set(`runbook/${runbook}`)]
  return all.includes('observe') ? 'observe' : all.includes('ask') ? 'ask' : 'auto'
}

function isDemoted({ runbook }: LeaseRequest, { outcomes, modes }: Log, { demotion }: GovernorConfig): boolean {
  const looked = modes.find(({ scope }) => scope === `runbook/${runbook}`)?.at ?? ''
  const own = outcomes
    .filter((outcome) => outcome.runbook === runbook && outcome.at > looked)
    .map(({ helped }) => helped)
  const lastOnes = own.slice(-demotion.inARow)
  if (lastOnes.length === demotion.inARow && !lastOnes.includes(true)) return true
  const last = own.slice(-demotion.ofLast)
  return last.length >= 5 && last.filter((helped) => !helped).length / last.length > demotion.share
}

/** Why there is no room for the request now: somebody else acts there, or a budget is used up. */
export function lacks(
  request: LeaseRequest,
  log: Log,
  queue: GovernorState['queue'],
  config: GovernorConfig,
  nowMs: number,
) {
  if (request.risk === 'read') return []
  const found: string[] = []
  const atWork = log.runs.filter(({ endedMs }) => endedMs === undefined)
  if (atWork.some((run) => areInConflict(run.request, request))) found.push('lease')
  if (queue.some((other) => other.id !== request.id && isBefore(other, request, log) && areInConflict(other, request)))
    found.push('queue')
  if (request.requester === 'person') return found

  const check = (
    name: string,
    { atOnce, perHour }: { atOnce: number; perHour: number },
    counts: (r: LeaseRequest) => boolean,
  ) => {
    const counted = log.runs.filter((run) => run.request.risk !== 'read' && counts(run.request))
    if (counted.filter(({ endedMs }) => endedMs === undefined).length >= atOnce) found.push(`${name} at once`)
    if (counted.filter(({ grantedMs }) => grantedMs > nowMs - hourMs).length >= perHour) found.push(`${name} per hour`)
  }
  const { budgets } = config
  const places = (r: LeaseRequest) => [...r.targets, ...r.within]
  for (const place of places(request).filter((one) => one.startsWith('project/')))
    check(place, budgets.project, (r) => r.requester !== 'person' && places(r).includes(place))
  if (!isMachine(request)) return found
  check('overall', budgets.overall, isMachine)
  for (const place of places(request).filter((one) => one.startsWith('zone/')))
    check(place, budgets.zone, (r) => isMachine(r) && places(r).includes(place))
  for (const host of request.targets.filter((one) => one.startsWith('host/')))
    check(host, budgets.host, (r) => isMachine(r) && r.targets.includes(host))
  const own = budgets.runbooks[request.runbook]
  if (own) check('runbook', own, (r) => isMachine(r) && r.runbook === request.runbook)
  if (config.canary) {
    const outcomes = log.outcomes.filter(({ runbook }) => runbook === request.runbook)
    let helped = 0
    for (const outcome of outcomes)
      helped = outcome.helped ? helped + (Date.parse(outcome.at) > nowMs - hourMs ? 1 : 0) : 0
    const same = atWork.filter(
      (run) => isMachine(run.request) && run.request.risk !== 'read' && run.request.runbook === request.runbook,
    )
    if (same.length >= 2 ** helped) found.push('canary')
  }
  return found
}

import { failure } from '../../core/errors.ts'
import {
  type GovernorConfig,
  type GovernorState,
  type Holder,
  type Lease,
  type LeaseRequest,
  type ModeSetting,
  type Outcome,
  priorityOf,
  type Verdict,
} from '../../core/governor.ts'
import { decide, isDeferred, purposeOf } from './decide.ts'
import { endMsOf } from './leases.ts'
import { forget, isoOf, learn, remember, setMode } from './memory.ts'
import { isPlain } from './requests.ts'
import { grant, type Scene, setScene } from './scene.ts'

export { awaitedHolders, nextWakeMs } from './waiting.ts'

export type GovernorEvent =
  | { kind: 'request'; request: LeaseRequest }
  /** A run at work, found by a governor without memory: it acts already, so there is nothing to decide. */
  | { kind: 'adopt'; request: LeaseRequest }
  | { kind: 'give-back'; requestId: string }
  | { kind: 'outcome'; outcome: Outcome }
  | { kind: 'set-mode'; setting: ModeSetting }
  | { kind: 'clear-mode'; scope: string; by: string }
  /** Workflows that no longer run: their leases and requests end. */
  | { kind: 'holders-ended'; holders: readonly Holder[] }
  /** A person's lease shall end `expectedMs` from now. */
  | { kind: 'extend'; requestId: string; expectedMs: number }
  | { kind: 'tick' }

export interface Step {
  readonly state: GovernorState
  /** The answer to a request that was just handed in, and every later change of an answer. */
  readonly verdicts: readonly Verdict[]
  /** Asked to come to an end at their next safe point, each once. */
  readonly toEnd: readonly { readonly lease: Lease; readonly why: string }[]
}

/**
 * Takes one event in, then goes through the queue once and grants what nothing is in the way of.
 *
 * Repeatable: a request that is held or waits gets its present answer and is not entered twice; to give back what is
 * not there changes nothing. A request that was refused, or has been given back, is decided anew.
 */
export function step(state: GovernorState, event: GovernorEvent, config: GovernorConfig, nowMs: number): Step {
  const crowd = state.leases.length + state.queue.length
  const taken = take(expire(state, nowMs), event, nowMs)
  const current = { ...taken, past: forget(taken.past, config, nowMs) }
  const scene = setScene(current, config, nowMs, crowd)
  return goThrough(current, scene, {
    waiting: new Set(state.queue.map(({ id }) => id)),
    asked: event.kind === 'request' ? event.request.id : undefined,
    isThorough: thorough.has(event.kind),
  })
}

/** What would be said now, by the same rules; nothing is held by it. */
export function consult(state: GovernorState, request: LeaseRequest, config: GovernorConfig, nowMs: number): Verdict {
  const { verdicts } = step(state, { kind: 'request', request }, config, nowMs)
  const own = verdicts.find(({ requestId }) => requestId === request.id)
  if (own) return own
  throw failure('INTERNAL', `the governor has no answer to ${request.id}`)
}

function take(state: GovernorState, event: GovernorEvent, nowMs: number): GovernorState {
  switch (event.kind) {
    case 'request':
      return isKnown(state, event.request.id) ? state : { ...state, queue: lineUp(state.queue, event.request) }
    case 'adopt': {
      const { request } = event
      if (state.leases.some((lease) => lease.request.id === request.id)) return state
      const queue = state.queue.filter(({ id }) => id !== request.id)
      return { ...state, queue, leases: [...state.leases, { request, grantedAt: isoOf(nowMs) }] }
    }
    case 'give-back':
      return end(state, ({ id }) => id === event.requestId, nowMs)
    case 'holders-ended':
      return end(state, ({ holder }) => event.holders.some((ended) => isSame(ended, holder)), nowMs)
    case 'outcome':
      return { ...state, outcomes: learn(state.outcomes, event.outcome) }
    case 'set-mode':
      return { ...state, modes: setMode(state.modes, event.setting) }
    case 'clear-mode':
      return { ...state, modes: state.modes.filter(({ scope }) => scope !== event.scope) }
    case 'extend':
      return extend(state, event, nowMs)
    case 'tick':
      return state
  }
}

const isKnown = ({ leases, queue }: GovernorState, requestId: string) =>
  leases.some(({ request }) => request.id === requestId) || queue.some(({ id }) => id === requestId)

/**
 * Behind everybody of higher precedence, or of the same who asked no later: whoever had to count hosts anew keeps its
 * turn.
 */
function lineUp(queue: readonly LeaseRequest[], request: LeaseRequest): LeaseRequest[] {
  const behind = queue.findIndex((other) => {
    const precedence = priorityOf[request.requester] - priorityOf[other.requester]
    return precedence > 0 || (precedence === 0 && Date.parse(other.requestedAt) > Date.parse(request.requestedAt))
  })
  return queue.toSpliced(behind < 0 ? queue.length : behind, 0, request)
}

function end(state: GovernorState, isOver: (request: LeaseRequest) => boolean, nowMs: number): GovernorState {
  const ended = state.leases.filter(({ request }) => isOver(request))
  return {
    ...state,
    queue: state.queue.filter((request) => !isOver(request)),
    leases: ended.length > 0 ? state.leases.filter(({ request }) => !isOver(request)) : state.leases,
    past: remember(state.past, ended, nowMs),
  }
}

/** A holder without a run id stands for every run of its workflow. */
const isSame = (ended: Holder, { workflowId, runId }: Holder) =>
  ended.workflowId !== undefined &&
  ended.workflowId === workflowId &&
  (ended.runId === undefined || ended.runId === runId)

function extend(
  state: GovernorState,
  { requestId, expectedMs }: { requestId: string; expectedMs: number },
  nowMs: number,
): GovernorState {
  return {
    ...state,
    queue: state.queue.map((request) =>
      request.id === requestId && isPlain(request) ? { ...request, expectedMs } : request,
    ),
    leases: state.leases.map((lease) =>
      lease.request.id === requestId && isPlain(lease.request)
        ? { ...lease, request: { ...lease.request, expectedMs: nowMs - Date.parse(lease.grantedAt) + expectedMs } }
        : lease,
    ),
  }
}

/** A person's lease ends when its time is over; a workflow's never does while its holder runs. */
function expire(state: GovernorState, nowMs: number): GovernorState {
  const over = new Set(
    state.leases.filter((lease) => isPlain(lease.request) && nowMs >= endMsOf(lease)).map(({ request }) => request),
  )
  return over.size > 0 ? end(state, (request) => over.has(request), nowMs) : state
}

/** After these every rule is asked about every request; else those whose targets are busy just wait on. */
const thorough: ReadonlySet<GovernorEvent['kind']> = new Set(['tick', 'outcome', 'set-mode', 'clear-mode'])

interface Pass {
  /** Requests that have waited before. */
  readonly waiting: ReadonlySet<string>
  /** The one that is answered in any case. */
  readonly asked: string | undefined
  readonly isThorough: boolean
}

/**
 * One pass is enough: what is granted only stands in the way of what comes after it, and what leaves the queue does so
 * before those are looked at.
 */
function goThrough(state: GovernorState, scene: Scene, { waiting, asked, isThorough }: Pass): Step {
  const { at } = scene
  const leases = [...state.leases]
  const queue: LeaseRequest[] = []
  const verdicts: Verdict[] = []
  const mustEnd = new Map<Lease, string>()
  for (const lease of leases) {
    if (lease.request.id === asked) verdicts.push(heldAlready(lease, at))
    if (!isPlain(lease.request) && scene.nowMs >= endMsOf(lease))
      mustEnd.set(lease, `it has taken longer than the ${Math.round(lease.request.expectedMs / 1000)} s expected`)
  }
  for (const request of state.queue) {
    const isWaiting = waiting.has(request.id)
    if (isWaiting && !isThorough && request.id !== asked && isBusy(request, scene)) {
      queue.push(request)
      scene.ahead.add(request, request)
      continue
    }
    const verdict = decide(request, scene, isWaiting)
    if (verdict.says !== 'wait') {
      verdicts.push(verdict)
      if (verdict.says !== 'granted') continue
      const lease = { request, grantedAt: at }
      leases.push(lease)
      grant(scene, lease)
      continue
    }
    for (const lease of inTheWay(request, verdict, scene))
      if (!mustEnd.has(lease)) mustEnd.set(lease, `${request.by} (${request.requester}) needs ${purposeOf(request)}`)
    if (request.id === asked) verdicts.push({ ...verdict, position: queue.length })
    queue.push(request)
    scene.ahead.add(request, request)
  }
  const toEnd = [...mustEnd].filter(([{ askedToEndAt }]) => !askedToEndAt).map(([lease, why]) => ({ lease, why }))
  const told = new Set(toEnd.map(({ lease }) => lease))
  return {
    state: {
      ...state,
      queue,
      leases: leases.map((lease) => (told.has(lease) ? { ...lease, askedToEndAt: at } : lease)),
    },
    verdicts,
    toEnd,
  }
}

const heldAlready = ({ request, grantedAt }: Lease, at: string): Verdict => ({
  requestId: request.id,
  says: 'granted',
  at,
  rulings: [{ rule: 'lease', says: 'pass', reason: `it has held the lease since ${grantedAt}` }],
  reason: purposeOf(request),
})

/** Whom a more urgent request makes end, and only where nothing else would keep it waiting; people are most urgent. */
function inTheWay(request: LeaseRequest, { rulings }: Verdict, { held, ahead }: Scene): Lease[] {
  const isAllElseFree = rulings.every(
    (ruling) => ruling.says !== 'wait' || ruling.rule === 'lease' || isDeferred(ruling),
  )
  if (!isAllElseFree || ahead.first(request)) return []
  return [...held.all(request)].filter((lease) => givesWay(lease, request))
}

const givesWay = ({ request, askedToEndAt }: Lease, urgent: LeaseRequest) =>
  !askedToEndAt && priorityOf[request.requester] < priorityOf[urgent.requester]

/** Nothing can be done for it now: neither granted, nor made room for. */
function isBusy(request: LeaseRequest, { held, ahead, nowMs }: Scene): boolean {
  if (!(nowMs < Date.parse(request.waitUntil))) return false
  const holder = held.first(request)?.claim
  return holder ? !givesWay(holder, request) : ahead.first(request) !== undefined
}

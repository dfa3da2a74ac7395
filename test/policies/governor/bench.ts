import { GovernorConfig, type GovernorState, type LeaseRequest, noState, type Ruling } from '../../../core/governor.ts'
import { consult, type GovernorEvent, nextWakeMs, type Step, step } from '../../../policies/governor/step.ts'

export const t0 = Date.parse('2026-11-21T08:00:00.000Z')
export const second = 1000
export const minute = 60 * second
export const hour = 60 * minute
export const iso = (ms: number) => new Date(ms).toISOString()

/** Everything open, so that each test shuts what it is about. */
export function brakes(given: Record<string, unknown> = {}): GovernorConfig {
  const wide = { atOnce: 1000, perHour: 100_000 }
  const budgets = { overall: wide, zone: wide, host: wide, project: wide, ...(given.budgets as object) }
  return GovernorConfig.parse({ mode: 'auto', canary: false, coolDownSeconds: 0, ...given, budgets })
}

/** All is well: three hosts of the zone are up, thirty of the cloud. */
export const survey = (nowMs: number, zone: { up?: number; down?: number } = {}, cloud = zone) => ({
  takenAt: iso(nowMs),
  zone: { name: 'nova', up: 3, down: 0, ...zone },
  cloud: { up: 30, down: 0, ...cloud },
})

/** An alert wants to restart a service on cmp-1; it waits for half an hour. */
export const request = (id: string, given: Partial<LeaseRequest> = {}, nowMs = t0): LeaseRequest => ({
  id,
  holder: { workflowId: `run/${id}`, runId: `run-of-${id}` },
  requester: 'alert',
  by: 'compute-down',
  why: 'nova-compute is down',
  runbook: 'restart-service',
  targets: ['host/cmp-1'],
  within: ['zone/nova'],
  risk: 'service',
  requestedAt: iso(nowMs),
  waitUntil: iso(nowMs + 30 * minute),
  expectedMs: 5 * minute,
  survey: survey(nowMs),
  ...given,
})

/** A person works on a host by hand, for two hours. */
export function hold(id: string, given: Partial<LeaseRequest> = {}, nowMs = t0): LeaseRequest {
  const { survey: _none, ...rest } = request(id, {}, nowMs)
  return {
    ...rest,
    holder: {},
    requester: 'person',
    by: 'alice',
    why: 'new memory',
    runbook: 'hold',
    within: [],
    expectedMs: 2 * hour,
    ...given,
  }
}

/** A governor with a clock that is moved by hand. */
export function desk(given: Record<string, unknown> = {}, begins: GovernorState = noState) {
  let config = brakes(given)
  let state = begins
  let nowMs = t0
  const send = (event: GovernorEvent): Step => {
    const taken = step(state, event, config, nowMs)
    state = taken.state
    return taken
  }
  /** Hands in a request made now, and returns the answer. */
  const ask = (wanted: LeaseRequest) => {
    const { verdicts } = send({ kind: 'request', request: wanted })
    const own = verdicts.find(({ requestId }) => requestId === wanted.id)
    if (!own) throw new Error(`no answer to ${wanted.id}`)
    return own
  }
  return {
    send,
    ask,
    alert: (id: string, wanted: Partial<LeaseRequest> = {}) => ask(request(id, wanted, nowMs)),
    person: (id: string, wanted: Partial<LeaseRequest> = {}) => ask(hold(id, wanted, nowMs)),
    consult: (wanted: LeaseRequest) => consult(state, wanted, config, nowMs),
    giveBack: (requestId: string) => send({ kind: 'give-back', requestId }),
    outcome: (helped: boolean, runbook = 'restart-service') =>
      send({ kind: 'outcome', outcome: { runbook, helped, at: iso(nowMs) } }),
    /** Moves the clock and lets the governor look at it. */
    after(ms: number) {
      nowMs += ms
      return send({ kind: 'tick' })
    },
    /** Moves the clock only. */
    pass(ms: number) {
      nowMs += ms
    },
    configure(changed: Record<string, unknown>) {
      config = brakes(changed)
      return send({ kind: 'tick' })
    },
    wakeMs: () => nextWakeMs(state, config, nowMs),
    state: () => state,
    now: () => nowMs,
    held: () => state.leases.map((lease) => lease.request.id),
    waiting: () => state.queue.map(({ id }) => id),
  }
}

export const ruling = ({ rulings }: { rulings: readonly Ruling[] }, rule: Ruling['rule']) =>
  rulings.find((said) => said.rule === rule)

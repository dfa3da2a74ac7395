import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type GovernorConfig,
  type GovernorState,
  type Lease,
  type LeaseRequest,
  noState,
} from '../../../core/governor.ts'
import { consult, type GovernorEvent, nextWakeMs, type Step, step } from '../../../policies/governor/step.ts'
import { hour, iso, minute, t0 } from './bench.ts'
import { areInConflict, isBefore, isMachine, isSurveyFresh, type Log, lacks, objections, type Run } from './recount.ts'
import { configs, eventOf, type Move, moves, scopes, stories } from './stories.ts'

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const part of Object.values(value)) freeze(part)
  }
  return value
}

interface Moment {
  readonly before: GovernorState
  readonly event: GovernorEvent
  readonly after: Step
  readonly nowMs: number
  /** As it was before the event, and as it is after it. */
  readonly log: Log
  readonly granted: readonly LeaseRequest[]
}

/**
 * Plays a story and lets `look` see every moment of it. Checks each grant by a recount from the whole log, at the point
 * within the step at which it was made.
 */
function play(config: GovernorConfig, story: readonly (readonly [number, Move])[], look: (moment: Moment) => void) {
  let state = noState
  let nowMs = t0
  const log: Log = { runs: [], outcomes: [], modes: [], arrivals: [] }
  for (const [i, [passed, move]] of story.entries()) {
    nowMs += passed
    const before = freeze(state)
    const event = freeze(eventOf(move, before, `r${i}`, nowMs))
    if (event.kind === 'outcome' && !log.outcomes.some((o) => JSON.stringify(o) === JSON.stringify(event.outcome)))
      log.outcomes.push(event.outcome)
    if (event.kind === 'set-mode')
      log.modes = [...log.modes.filter(({ scope }) => scope !== event.setting.scope), event.setting]
    if (event.kind === 'clear-mode') log.modes = log.modes.filter(({ scope }) => scope !== event.scope)

    const after = step(before, event, config, nowMs)
    state = after.state
    const isNew = ({ request, grantedAt }: Lease) =>
      !log.runs.some((run) => run.request.id === request.id && iso(run.grantedMs) === grantedAt)
    const isHeld = (run: Run) =>
      state.leases.some((lease) => lease.request.id === run.request.id && lease.grantedAt === iso(run.grantedMs))
    for (const run of log.runs) if (run.endedMs === undefined && !isHeld(run)) run.endedMs = nowMs
    if (event.kind === 'request' && !before.queue.some(({ id }) => id === event.request.id))
      log.arrivals = [...log.arrivals.filter((id) => id !== event.request.id), event.request.id]
    const granted = state.leases.filter(isNew).map(({ request }) => request)
    for (const request of granted) {
      expect(objections(request, log, config, nowMs)).toEqual([])
      expect(lacks(request, log, state.queue, config, nowMs)).toEqual([])
      if (isMachine(request) && request.risk !== 'read') expect(isSurveyFresh(request, config, nowMs)).toBe(true)
      log.runs.push({ request, grantedMs: nowMs })
    }
    look({ before, event, after, nowMs, log, granted })
  }
}

const always = (name: string, look: (moment: Moment, config: GovernorConfig) => void, numRuns = 300) =>
  it(name, () => {
    fc.assert(
      fc.property(configs, stories, (config, story) => play(config, story, (moment) => look(moment, config))),
      { numRuns },
    )
  }, 30_000)

describe('whatever happens in whatever order', () => {
  always(
    'nobody is granted anything that a recount of everything that ever happened objects to',
    ({ after, granted }) => {
      const told = after.verdicts.filter(({ says }) => says === 'granted').map(({ requestId }) => requestId)
      for (const { id } of granted) expect(told).toContain(id)
      const held = after.state.leases.map(({ request }) => request.id)
      for (const id of told) expect(held).toContain(id)
      for (const verdict of after.verdicts)
        if (verdict.says === 'granted') expect(verdict.rulings.every(({ says }) => says === 'pass')).toBe(true)
        else expect(verdict.code).toBeDefined()
    },
    1000,
  )

  always(
    'no two leases are in conflict, and none is on nothing',
    ({ after }) => {
      const { leases } = after.state
      for (const [i, { request }] of leases.entries()) {
        expect(request.targets.length).toBeGreaterThan(0)
        for (const other of leases.slice(i + 1)) expect(areInConflict(request, other.request)).toBe(false)
      }
    },
    600,
  )

  always(
    'at every tick whatever still waits has a reason to, and nothing that must not act is left waiting',
    ({ event, after, log, nowMs }, config) => {
      if (event.kind !== 'tick') return
      for (const request of after.state.queue) {
        expect(lacks(request, log, after.state.queue, config, nowMs)).not.toEqual([])
        expect(objections(request, log, config, nowMs)).toEqual([])
        expect(nowMs).toBeLessThan(Date.parse(request.waitUntil))
      }
    },
    600,
  )

  always('the queue is in order of precedence, then of arrival', ({ after, log }) => {
    const { queue } = after.state
    for (const [i, request] of queue.entries()) {
      const next = queue[i + 1]
      if (next) expect(isBefore(request, next, log)).toBe(true)
    }
  })

  always(
    'everybody who asks is answered; who waits hears again only when the wait is over',
    ({ before, event, after }) => {
      const asked = event.kind === 'request' ? event.request.id : undefined
      const waited = before.queue.map(({ id }) => id)
      const queue = after.state.queue.map(({ id }) => id)
      for (const verdict of after.verdicts) {
        expect([...waited, asked]).toContain(verdict.requestId)
        expect(verdict.says === 'wait').toBe(queue.includes(verdict.requestId))
      }
      const answered = after.verdicts.map(({ requestId }) => requestId)
      expect(new Set(answered).size).toBe(answered.length)
      if (asked) expect(answered).toContain(asked)
      const isOver = event.kind === 'give-back' || event.kind === 'holders-ended'
      if (!isOver) for (const id of waited) if (!queue.includes(id)) expect(answered).toContain(id)
    },
  )

  always(
    "a workflow's lease ends by its holder only, a person's by its time too, and neither is taken away",
    ({ before, event, after, nowMs }) => {
      const held = new Set(after.state.leases.map(({ request }) => request.id))
      for (const { request, grantedAt } of before.leases.filter((lease) => !held.has(lease.request.id))) {
        const isGivenBack = event.kind === 'give-back' && event.requestId === request.id
        const hasEnded =
          event.kind === 'holders-ended' && event.holders.some(({ runId }) => runId === request.holder.runId)
        const isOver = !request.holder.workflowId && nowMs >= Date.parse(grantedAt) + request.expectedMs
        expect(isGivenBack || hasEnded || isOver).toBe(true)
      }
      for (const { request, grantedAt } of after.state.leases)
        if (!request.holder.workflowId) expect(nowMs).toBeLessThan(Date.parse(grantedAt) + request.expectedMs)
    },
  )

  always(
    'a holder is asked to end at most once, never a person at work, and only if it is overdue or less urgent',
    ({ before, after, nowMs }) => {
      for (const { lease, why } of after.toEnd) {
        const { request, grantedAt } = lease
        expect(request.holder.workflowId).toBeDefined()
        expect(before.leases.find((other) => other.request.id === request.id)?.askedToEndAt).toBeUndefined()
        expect(after.state.leases.find((other) => other.request.id === request.id)?.askedToEndAt).toBe(iso(nowMs))
        const isOverdue = nowMs >= Date.parse(grantedAt) + request.expectedMs
        expect(isOverdue || request.requester !== 'person').toBe(true)
        const urgent = after.state.queue.filter((other) => areInConflict(other, request) && isMore(other, request))
        expect(isOverdue || urgent.length > 0).toBe(true)
        expect(why).not.toBe('')
      }
    },
  )

  always('to say it again changes nothing', ({ event, after, nowMs }, config) => {
    const again = step(after.state, event, config, nowMs)
    expect(again.state).toEqual(after.state)
    if (event.kind !== 'request') return
    const says = ({ verdicts }: Step) => verdicts.find(({ requestId }) => requestId === event.request.id)?.says
    expect(says(again)).toBe(says(after))
  })

  always(
    'the same comes out again, also from a copy that went through JSON, and no input is changed',
    ({ before, event, after, nowMs }, config) => {
      const copy = JSON.parse(JSON.stringify({ before, event, after }))
      expect(copy.after).toEqual(after)
      expect(step(copy.before, copy.event, config, nowMs)).toEqual(after)
    },
  )

  always('a question gets the answer that the request gets', ({ before, event, after, nowMs }, config) => {
    if (event.kind !== 'request') return
    const verdict = after.verdicts.find(({ requestId }) => requestId === event.request.id)
    expect(consult(before, event.request, config, nowMs)).toEqual(verdict)
  })

  always(
    'nothing changes by itself before the time the governor wakes, and it never wakes for ever',
    ({ after, nowMs }, config) => {
      const settled = step(after.state, { kind: 'tick' }, config, nowMs).state
      const wakeMs = nextWakeMs(settled, config, nowMs)
      expect(wakeMs).not.toBe(0)
      const { state, verdicts, toEnd } = step(
        settled,
        { kind: 'tick' },
        config,
        nowMs + (wakeMs ?? 100 * 24 * hour) - 1,
      )
      expect([state.leases, state.queue, verdicts, toEnd]).toEqual([settled.leases, settled.queue, [], []])
    },
  )

  it('what it remembers stays bounded, however much happens', () => {
    fc.assert(
      fc.property(fc.array(moves, { minLength: 40, maxLength: 60 }), configs, (pattern, config) => {
        const story = Array.from({ length: 12 }, () => pattern.map((move) => [minute, move] as const)).flat()
        play(config, story, ({ after: { state } }) => {
          expect(state.past.length).toBeLessThanOrEqual(Math.max(120, config.coolDownSeconds / 60) * 3)
          expect(state.outcomes.length).toBeLessThanOrEqual(200)
          expect(state.modes.length).toBeLessThanOrEqual(scopes.length)
        })
      }),
      { numRuns: 5 },
    )
  }, 30_000)
})

const isMore = (a: LeaseRequest, b: LeaseRequest) => {
  const order = ['plan', 'action', 'alert', 'person']
  return order.indexOf(a.requester) > order.indexOf(b.requester)
}

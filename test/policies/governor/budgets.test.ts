import { describe, expect, it } from 'vitest'
import { type LeaseRequest, noState, type PastRun } from '../../../core/governor.ts'
import { keptRuns } from '../../../policies/governor/memory.ts'
import { desk, hour, iso, minute, request, ruling, second, t0 } from './bench.ts'

const at = (n: number | string, zone = 'nova'): Partial<LeaseRequest> => ({
  targets: [`host/h${n}`],
  within: [`zone/${zone}`],
})
const tenant = (n: number, project = 'p'): Partial<LeaseRequest> => ({
  requester: 'action',
  runbook: 'action',
  targets: [`server/s${n}`],
  within: [`project/${project}`],
})

describe('a budget', () => {
  it.each<[string, Record<string, unknown>, (n: number) => Partial<LeaseRequest>, Partial<LeaseRequest>]>([
    ['overall', { overall: { atOnce: 2, perHour: 99 } }, (n) => at(n, `z${n}`), {}],
    ['zone/nova', { zone: { atOnce: 2, perHour: 99 } }, (n) => at(n), at('x', 'other')],
    [
      'runbook/restart-service',
      { runbooks: { 'restart-service': { atOnce: 2, perHour: 99 } } },
      at,
      { ...at('x'), runbook: 'relieve-host' },
    ],
    ['project/p', { project: { atOnce: 2, perHour: 99 } }, (n) => tenant(n), tenant(9, 'q')],
  ])('%s holds the third run back until one of two is done', (budget, budgets, nth, other) => {
    const steward = desk({ budgets })
    expect(steward.alert('r0', nth(0)).says).toBe('granted')
    expect(steward.alert('r1', nth(1)).says).toBe('granted')
    expect(steward.alert('r2', nth(2))).toMatchObject({
      says: 'wait',
      code: 'BUDGET_EXHAUSTED',
      reason: `${budget}: 2 of 2 runs are at work`,
    })
    if (other.targets) expect(steward.alert('other', other).says).toBe('granted')
    const { verdicts } = steward.giveBack('r0')
    expect(verdicts).toMatchObject([{ requestId: 'r2', says: 'granted' }])
    expect(steward.held()).not.toContain('r0')
  })

  it.each<[string, Record<string, unknown>, (n: number) => Partial<LeaseRequest>]>([
    ['overall', { overall: { atOnce: 99, perHour: 2 } }, (n) => at(n, `z${n}`)],
    ['zone/nova', { zone: { atOnce: 99, perHour: 2 } }, (n) => at(n)],
    ['host/h1', { host: { atOnce: 99, perHour: 2 } }, () => at(1)],
    ['runbook/restart-service', { runbooks: { 'restart-service': { atOnce: 9, perHour: 2 } } }, (n) => at(n)],
    ['project/p', { project: { atOnce: 99, perHour: 2 } }, (n) => tenant(n)],
  ])('%s lets two begin within an hour, and says when the next may', (budget, budgets, nth) => {
    const steward = desk({ budgets })
    for (const n of [0, 1]) {
      steward.alert(`r${n}`, nth(n))
      steward.pass(5 * minute)
      steward.giveBack(`r${n}`)
    }
    const verdict = steward.alert('r2', { ...nth(2), waitUntil: iso(t0 + 9 * hour), expectedMs: 9 * hour })
    expect(verdict).toMatchObject({
      says: 'wait',
      code: 'BUDGET_EXHAUSTED',
      reason: `${budget}: 2 of 2 runs were begun within the last hour`,
    })
    expect(verdict.rulings.find(({ says }) => says === 'wait')).toMatchObject({
      until: iso(t0 + hour),
      figures: { budget, begun: 2, perHour: 2 },
    })
    expect(steward.wakeMs()).toBe(50 * minute)
    expect(steward.after(50 * minute - 1).verdicts).toEqual([])
    const { verdicts } = steward.after(1)
    // its survey is an hour old by now, where one is needed
    expect(verdicts).toMatchObject([
      nth(0).requester === 'action' ? { says: 'granted' } : { says: 'refused', code: 'SURVEY_STALE' },
    ])
  })

  it('counts a run that is still at work for an hour, too', () => {
    const steward = desk({ budgets: { overall: { atOnce: 9, perHour: 1 } } })
    steward.alert('r', at(1))
    steward.pass(hour - 1)
    expect(steward.alert('s', at(2)).reason).toBe('overall: 1 of 1 runs were begun within the last hour')
    steward.giveBack('s')
    steward.pass(1)
    expect(steward.alert('s', at(2)).says).toBe('granted')
  })

  it('that was lowered below what has been begun says when enough of that is an hour ago', () => {
    const steward = desk()
    for (const n of [1, 2, 3, 4]) {
      steward.alert(`r${n}`, at(n))
      steward.pass(minute)
    }
    for (const n of [4, 3, 1, 2]) steward.giveBack(`r${n}`)
    steward.configure({ budgets: { overall: { atOnce: 9, perHour: 2 } } })
    const verdict = steward.alert('r5', at(5))
    expect(verdict.reason).toBe('overall: 4 of 2 runs were begun within the last hour')
    expect(ruling(verdict, 'budget')?.until).toBe(iso(t0 + 2 * minute + hour))
  })

  it('of zero is no: nothing would change by waiting', () => {
    for (const zero of [
      { atOnce: 0, perHour: 9 },
      { atOnce: 9, perHour: 0 },
    ])
      expect(desk({ budgets: { zone: zero } }).alert('r')).toMatchObject({
        says: 'refused',
        code: 'BUDGET_EXHAUSTED',
        reason: 'the budget zone/nova is zero',
      })
    const closed = { runbooks: { 'restart-service': { atOnce: 0, perHour: 0 } } }
    expect(desk({ budgets: closed }).alert('r').code).toBe('BUDGET_EXHAUSTED')
    expect(desk({ budgets: closed }).alert('r', { runbook: 'constructor' }).says).toBe('granted')
  })

  it('is not for people, and people use none up; tenants have that of their project only', () => {
    const one = { atOnce: 1, perHour: 1 }
    const steward = desk({ budgets: { overall: one, zone: one, host: one, project: one } })
    const byHand: Partial<LeaseRequest> = { requester: 'person', within: ['zone/nova', 'project/p'] }
    for (const n of [1, 2]) expect(steward.alert(`by-hand-${n}`, { ...at(n), ...byHand }).says).toBe('granted')
    expect(steward.alert('tenant', tenant(1)).says).toBe('granted')
    expect(steward.alert('r', at(3)).says).toBe('granted')
    expect(steward.alert('by-hand-4', { ...at(4), requester: 'person' }).says).toBe('granted')
    expect(steward.alert('tenant-2', tenant(2)).says).toBe('wait')
    expect(steward.alert('s', at(5)).says).toBe('wait')
    expect(steward.alert('read', { ...at(6), risk: 'read' }).says).toBe('granted')
  })

  it('counts every zone and project a run has to do with, and only the hosts it acts on', () => {
    const steward = desk({ budgets: { zone: { atOnce: 1, perHour: 9 }, host: { atOnce: 9, perHour: 1 } } })
    steward.alert('r', { targets: ['server/s'], within: ['host/h1', 'zone/a', 'zone/b'] })
    steward.giveBack('r')
    expect(steward.alert('s', { targets: ['host/h1'], within: ['zone/a'] }).says).toBe('granted')
    expect(steward.alert('t', { targets: ['zone/a'], within: ['zone/b'] }).says).toBe('wait')
  })

  it('says how much of it is used, also when there is room', () => {
    const steward = desk({ budgets: { zone: { atOnce: 3, perHour: 30 } } })
    steward.alert('r', at(1))
    const said = steward.alert('s', at(2)).rulings.find(({ figures }) => figures?.budget === 'zone/nova')
    expect(said?.reason).toBe('zone/nova: 1 of 3 runs at work, 1 of 30 within the hour')
  })
})

describe('the canary', () => {
  const fanned = () => {
    const steward = desk({ canary: true })
    let n = 0
    return {
      ...steward,
      /** How many runs may be at work at once now. */
      most() {
        const begun = []
        for (;;) {
          const id = `r${++n}`
          if (steward.alert(id, at(n)).says !== 'granted') {
            steward.giveBack(id)
            for (const other of begun) steward.giveBack(other)
            return begun.length
          }
          begun.push(id)
        }
      },
    }
  }

  it('lets a runbook begin with one target, and doubles with each time it helped', () => {
    const steward = fanned()
    expect(steward.most()).toBe(1)
    for (const most of [2, 4, 8]) {
      steward.pass(second)
      steward.outcome(true)
      expect(steward.most()).toBe(most)
    }
  })

  it('begins with one again after it did not help, and an hour after it last helped', () => {
    const steward = fanned()
    steward.outcome(true)
    steward.pass(second)
    steward.outcome(false)
    expect(steward.most()).toBe(1)
    steward.pass(second)
    steward.outcome(true)
    expect(steward.most()).toBe(2)
    steward.pass(hour - 1)
    expect(steward.most()).toBe(2)
    steward.pass(1)
    expect(steward.most()).toBe(1)
  })

  it('says why the second one waits', () => {
    const steward = desk({ canary: true })
    steward.alert('r', at(1))
    const verdict = steward.alert('s', at(2))
    expect(verdict).toMatchObject({ says: 'wait', code: 'BUDGET_EXHAUSTED' })
    expect(verdict.reason).toBe(
      'restart-service has helped 0 time(s) in a row within the last hour, so 1 may run at once, and 1 run(s) are at work',
    )
    expect(ruling(verdict, 'canary')?.figures).toEqual({ helpedLately: 0, allowed: 1, atOnce: 1 })
    expect(steward.alert('t', { ...at(3), runbook: 'relieve-host' }).says).toBe('granted')
    expect(steward.alert('u', { ...at(4), requester: 'person' }).says).toBe('granted')
    expect(steward.alert('v', { ...at(5), risk: 'read' }).says).toBe('granted')
  })
})

describe('the memory', () => {
  const past = (n: number, given: Partial<PastRun> = {}): PastRun => ({
    runbook: 'restart-service',
    targets: [`host/p${n}`],
    within: ['zone/old'],
    requester: 'alert',
    grantedAt: iso(t0 - 1000 + (n % 900)),
    endedAt: iso(t0 - 1000 + (n % 900)),
    ...given,
  })
  const many = (n: number, given?: Partial<PastRun>) =>
    Array.from({ length: n }, (_, i) => past(i, given)).sort((a, b) => ((a.endedAt ?? '') < (b.endedAt ?? '') ? -1 : 1))

  it('keeps a run for an hour, or for as long as the cool-down', () => {
    const steward = desk()
    steward.alert('r')
    steward.giveBack('r')
    steward.after(hour - 1)
    expect(steward.state().past).toHaveLength(1)
    steward.after(1)
    expect(steward.state().past).toEqual([])
  })

  it('keeps no reads and no holds: they count against nothing', () => {
    const steward = desk()
    steward.alert('read', { risk: 'read' })
    steward.person('work')
    for (const id of ['read', 'work']) steward.giveBack(id)
    expect(steward.state().past).toEqual([])
  })

  it('keeps the actions of one project that began within a minute as one entry, and counts them all', () => {
    const steward = desk({ budgets: { project: { atOnce: 99, perHour: 20 } } })
    for (let n = 0; n < 20; n++) {
      steward.alert(`a${n}`, tenant(n))
      steward.giveBack(`a${n}`)
      steward.pass(second)
    }
    for (const n of [30, 31]) {
      steward.alert(`a${n}`, tenant(n, 'q'))
      steward.giveBack(`a${n}`)
    }
    expect(steward.state().past.map(({ runs, within }) => [within, runs])).toEqual([
      [['project/p'], 20],
      [['project/q'], 2],
    ])
    const refused = steward.alert('one more', tenant(99))
    expect(refused.reason).toBe('project/p: 20 of 20 runs were begun within the last hour')
    expect(ruling(refused, 'budget')?.until).toBe(iso(t0 + 19 * second + hour))
  })

  it('never holds more than 2,000 entries, and the latest are kept', () => {
    const steward = desk({}, { ...noState, past: many(6000) })
    steward.after(0)
    expect(steward.state().past).toHaveLength(keptRuns.others)
    expect(steward.state().past.at(-1)).toEqual(many(6000).at(-1))
    const both = desk({}, { ...noState, past: [...many(2000), ...many(2000, { requester: 'action' })] })
    both.after(0)
    expect(both.state().past).toHaveLength(2000)
  })

  it('says wait rather than guess when it had to forget runs that count', () => {
    const steward = desk({}, { ...noState, past: many(6000) })
    steward.after(0)
    const verdict = steward.alert('r', at('new'))
    expect(verdict).toMatchObject({ says: 'wait', code: 'BUDGET_EXHAUSTED' })
    expect(verdict.reason).toBe(
      'overall: more runs have ended than are remembered, so nobody can tell how many there were',
    )
    const oldest = steward.state().past[0]?.endedAt ?? ''
    expect(ruling(verdict, 'budget')?.until).toBe(iso(Date.parse(oldest) + hour))
    expect(steward.alert('tenant', tenant(1)).says).toBe('wait')
    expect(steward.person('work', { targets: ['host/else'] }).says).toBe('granted')
    steward.giveBack('r')
    steward.after(hour)
    expect(steward.alert('s', at('new')).says).toBe('granted')
  })

  it('refuses for the cool-down rather than guess when it had to forget who was where', () => {
    const steward = desk({ coolDownSeconds: 7200 }, { ...noState, past: many(6000) })
    steward.after(hour + minute)
    const verdict = steward.alert('r', at('new'))
    expect(verdict).toMatchObject({ says: 'refused', code: 'TARGET_COOLING_DOWN' })
    expect(verdict.reason).toBe(
      'more runs have ended than are remembered, so nobody can tell whether restart-service was there',
    )
    steward.after(hour)
    expect(steward.alert('r', at('new')).says).toBe('granted')
  })

  it('lets no number of tenants hold up what alerts do', () => {
    const actions = many(9000, { requester: 'action', runbook: 'action', targets: [], within: ['project/p'] })
    const steward = desk({ coolDownSeconds: 3600 }, { ...noState, past: actions })
    steward.after(0)
    expect(steward.alert('tenant', tenant(1, 'quiet')).says).toBe('wait')
    expect(steward.alert('r', at('new')).says).toBe('granted')
  })

  it('of a day of work stays small', () => {
    const steward = desk({ coolDownSeconds: 3600 })
    for (let n = 0; n < 500; n++) {
      steward.alert(`r${n}`, { ...at(n), incidentRunId: `i${n}` })
      steward.outcome(true)
      steward.after(3 * minute)
      steward.giveBack(`r${n}`)
    }
    expect(steward.state().past.length).toBeLessThanOrEqual(21)
    expect(JSON.stringify(steward.state()).length).toBeLessThan(20_000)
    expect(steward.consult(request('r', {}, steward.now())).says).toBe('granted')
  })
})

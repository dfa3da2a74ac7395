import { describe, expect, it } from 'vitest'
import type { LeaseRequest } from '../../../core/governor.ts'
import { awaitedHolders } from '../../../policies/governor/step.ts'
import { desk, hold, hour, iso, minute, request, ruling, survey, t0 } from './bench.ts'

const host = (name: string): Pick<LeaseRequest, 'targets' | 'within'> => ({
  targets: [`host/${name}`],
  within: ['zone/nova'],
})
const action: Partial<LeaseRequest> = { requester: 'action', runbook: 'action', by: 'bob' }
const plan: Partial<LeaseRequest> = { requester: 'plan', runbook: 'consolidate', by: 'nightly' }

describe('a lease', () => {
  it('is held by one at a time; who comes second waits, and hears who has it, since when and why', () => {
    const steward = desk()
    steward.person('work', { why: 'new memory' })
    const verdict = steward.alert('r')
    expect(verdict).toMatchObject({ says: 'wait', code: 'TARGET_BUSY', position: 0 })
    expect(verdict.reason).toBe(`host/cmp-1 is held by alice (person) since ${iso(t0)}: new memory`)
    expect(ruling(verdict, 'lease')).toMatchObject({
      figures: { by: 'alice', requester: 'person', since: iso(t0), target: 'host/cmp-1', requestId: 'work' },
      until: iso(t0 + 2 * hour),
    })
    expect(steward.held()).toEqual(['work'])
  })

  it('goes to the next one when it is given back', () => {
    const steward = desk()
    steward.alert('r')
    expect(steward.alert('s').says).toBe('wait')
    const { verdicts } = steward.giveBack('r')
    expect(verdicts).toMatchObject([{ requestId: 's', says: 'granted' }])
    expect([steward.held(), steward.waiting()]).toEqual([['s'], []])
  })

  it.each<[string, Partial<LeaseRequest>, Partial<LeaseRequest>, string]>([
    ['the same host', host('a'), host('a'), 'wait'],
    ['two hosts of a zone', host('a'), host('b'), 'granted'],
    ['a server on a held host', host('a'), { targets: ['server/s'], within: ['host/a'] }, 'wait'],
    ['the host of a held server', { targets: ['server/s'], within: ['host/a'] }, host('a'), 'wait'],
    [
      'two servers on a host',
      { targets: ['server/s'], within: ['host/a'] },
      { targets: ['server/t'], within: ['host/a'] },
      'granted',
    ],
    ['a zone with a held host', host('a'), { targets: ['zone/nova'], within: [] }, 'wait'],
    ['a host of a held zone', { targets: ['zone/nova'], within: [] }, host('a'), 'wait'],
    [
      'one of several targets',
      { targets: ['host/a', 'host/b'], within: [] },
      { targets: ['host/c', 'host/b'], within: [] },
      'wait',
    ],
    [
      'two members of a cluster',
      { targets: ['host/a', 'cluster/rabbit'], within: [] },
      { targets: ['host/b', 'cluster/rabbit'], within: [] },
      'wait',
    ],
    ['a read of a held host', host('a'), { ...host('a'), risk: 'read' }, 'granted'],
    ['a host that is read', { ...host('a'), risk: 'read' }, host('a'), 'granted'],
  ])('on %s', (_what, first, second, says) => {
    const steward = desk()
    expect(steward.alert('first', first).says).toBe('granted')
    expect(steward.alert('second', second).says).toBe(says)
  })

  it('of a run that takes too long is not taken away: its holder is asked to end, once', () => {
    const steward = desk()
    steward.alert('slow', { expectedMs: 10 * minute })
    expect(steward.wakeMs()).toBe(10 * minute)
    const { toEnd } = steward.after(10 * minute)
    expect(toEnd).toMatchObject([
      { lease: { request: { id: 'slow' } }, why: 'it has taken longer than the 600 s expected' },
    ])
    expect(steward.after(hour).toEnd).toEqual([])
    expect(steward.wakeMs()).toBeUndefined()
    expect(steward.person('next').says).toBe('wait')
    expect(steward.held()).toEqual(['slow'])
  })

  it('of a person just ends when its time is over, unless the person says longer', () => {
    const steward = desk()
    steward.person('work', { expectedMs: hour })
    steward.alert('r', { waitUntil: iso(t0 + 9 * hour) })
    steward.after(30 * minute)
    steward.send({ kind: 'extend', requestId: 'work', expectedMs: hour })
    steward.after(hour - 1)
    expect(steward.held()).toEqual(['work'])
    expect(steward.wakeMs()).toBe(1)
    steward.send({ kind: 'extend', requestId: 'r', expectedMs: 9 * hour })
    const { toEnd } = steward.after(1)
    expect(toEnd).toEqual([])
    expect(steward.state().leases).toEqual([])
    expect(steward.state().past).toEqual([])
  })

  it('of a person who wants no more time ends, and nobody is asked to', () => {
    const steward = desk()
    steward.person('work')
    expect(steward.send({ kind: 'extend', requestId: 'work', expectedMs: 0 }).toEnd).toEqual([])
    expect(steward.wakeMs()).toBe(0)
    steward.after(0)
    expect(steward.held()).toEqual([])
  })

  it('ends with the workflow that held it; another run of the same workflow keeps its own', () => {
    const steward = desk()
    const of = (runId: string): Partial<LeaseRequest> => ({ holder: { workflowId: 'w', runId } })
    steward.alert('r', { ...host('a'), ...of('1') })
    steward.alert('s', { ...host('a'), ...of('2') })
    steward.alert('t', { ...host('b'), ...of('2') })
    steward.person('work', { targets: ['host/c'] })
    steward.send({ kind: 'holders-ended', holders: [{ workflowId: 'w', runId: '1' }, {}, { runId: '2' }] })
    expect(steward.held().sort()).toEqual(['s', 't', 'work'])
    steward.alert('u', { ...host('b'), ...of('3') })
    steward.send({ kind: 'holders-ended', holders: [{ workflowId: 'w' }] })
    expect([steward.held(), steward.waiting()]).toEqual([['work'], []])
  })
})

describe('the queue', () => {
  it('has people before alerts before tenants before plans, and then goes by arrival', () => {
    const steward = desk()
    steward.person('now')
    steward.alert('plan', plan)
    steward.alert('action-1', action)
    steward.alert('alert-1')
    steward.alert('action-2', action)
    expect(steward.alert('alert-2').position).toBe(1)
    steward.person('work')
    const order = []
    for (let turn = steward.held()[0]; turn !== undefined; turn = steward.held()[0]) {
      order.push(turn)
      steward.giveBack(turn)
    }
    expect(order).toEqual(['now', 'work', 'alert-1', 'alert-2', 'action-1', 'action-2', 'plan'])
  })

  it('gives its turn back to whoever had to count the hosts anew, but lets it overtake nobody more urgent', () => {
    const steward = desk()
    steward.person('work')
    steward.pass(minute)
    steward.alert('late')
    steward.alert('late-tenant', action)
    expect(steward.alert('again', { requestedAt: iso(t0) }).position).toBe(0)
    steward.person('urgent')
    expect(steward.alert('tenant-again', { ...action, requestedAt: iso(t0) }).position).toBe(3)
    expect(steward.waiting()).toEqual(['urgent', 'again', 'late', 'tenant-again', 'late-tenant'])
  })

  it('lets nobody overtake for the same target, so that who needs much gets it; others pass', () => {
    const steward = desk()
    steward.alert('small', host('a'))
    expect(steward.alert('big', { targets: ['host/a', 'host/b'], within: [] }).says).toBe('wait')
    const behind = steward.alert('late', host('b'))
    expect(behind).toMatchObject({
      says: 'wait',
      position: 1,
      reason: 'compute-down (alert) is before it in the queue for host/b: nova-compute is down',
    })
    expect(steward.alert('elsewhere', host('c')).says).toBe('granted')
    steward.giveBack('small')
    expect(steward.held()).toEqual(['elsewhere', 'big'])
  })

  it('says no when the time to wait is over, with the code of what was in the way', () => {
    const steward = desk()
    steward.person('work')
    steward.alert('r', { waitUntil: iso(t0 + 10 * minute) })
    expect(steward.wakeMs()).toBe(10 * minute)
    expect(steward.after(10 * minute - 1).verdicts).toEqual([])
    const { verdicts } = steward.after(1)
    expect(verdicts).toMatchObject([{ requestId: 'r', says: 'refused', code: 'TARGET_BUSY' }])
    expect(verdicts[0]?.reason).toMatch(/^not free by 2026-11-21T08:10:00.000Z: host\/cmp-1 is held by alice/)
    expect(steward.waiting()).toEqual([])
  })

  it('does so at the next thing that happens, whatever that is', () => {
    const steward = desk()
    steward.person('work')
    steward.alert('r', { waitUntil: iso(t0 + minute) })
    steward.pass(minute)
    const { verdicts } = steward.giveBack('something else')
    expect(verdicts).toMatchObject([{ requestId: 'r', says: 'refused', code: 'TARGET_BUSY' }])
  })

  it('takes now or never for an answer', () => {
    const steward = desk()
    expect(steward.alert('r', { waitUntil: iso(t0) }).says).toBe('granted')
    expect(steward.alert('s', { waitUntil: iso(t0) })).toMatchObject({ says: 'refused', code: 'TARGET_BUSY' })
    expect(steward.alert('t', { waitUntil: 'soon' }).says).toBe('refused')
  })

  it('does not send a request away because its survey grew old; when its turn comes the hosts are counted anew', () => {
    const steward = desk()
    steward.person('work')
    steward.alert('r')
    steward.pass(10 * minute)
    const verdict = steward.ask(request('r'))
    expect(verdict).toMatchObject({ says: 'wait', code: 'TARGET_BUSY' })
    expect(ruling(verdict, 'fuse')).toMatchObject({ says: 'wait', code: 'SURVEY_STALE' })
    expect(steward.giveBack('work').verdicts).toMatchObject([{ requestId: 'r', says: 'refused', code: 'SURVEY_STALE' }])
    expect(steward.alert('r2').says).toBe('granted')
  })

  it('answers a request that is repeated as before, and enters it once', () => {
    const steward = desk()
    expect(steward.alert('r').says).toBe('granted')
    expect(steward.alert('r')).toMatchObject({ requestId: 'r', says: 'granted' })
    expect(steward.alert('s').says).toBe('wait')
    expect(steward.alert('s')).toMatchObject({ says: 'wait', position: 0 })
    expect([steward.held(), steward.waiting()]).toEqual([['r'], ['s']])
    steward.configure({ mode: 'observe' })
    expect(steward.alert('r').says).toBe('granted')
  })

  it('forgets a request that is given back, and nothing happens when there is nothing to give back', () => {
    const steward = desk()
    steward.alert('r')
    steward.alert('s')
    steward.giveBack('s')
    expect([steward.held(), steward.waiting()]).toEqual([['r'], []])
    const before = steward.state()
    steward.giveBack('s')
    steward.giveBack('never heard of')
    expect(steward.state()).toEqual(before)
  })

  it('is told at once when the mode changes, whatever it waits for', () => {
    const steward = desk()
    steward.person('work')
    steward.alert('r')
    const { verdicts } = steward.send({
      kind: 'set-mode',
      setting: { scope: 'all', mode: 'observe', by: 'alice', at: iso(t0) },
    })
    expect(verdicts).toMatchObject([{ requestId: 'r', says: 'observe', code: 'OBSERVE_ONLY' }])
    expect([steward.held(), steward.waiting()]).toEqual([['work'], []])
  })

  it('takes 2,000 leases and requests together and no more, but goes on answering those it has', () => {
    const steward = desk()
    const requests = Array.from({ length: 1999 }, (_, i) => request(`q${i}`))
    const full = desk(
      {},
      { ...steward.state(), queue: requests, leases: [{ request: request('r'), grantedAt: iso(t0) }] },
    )
    expect(full.alert('one more')).toMatchObject({ says: 'refused', code: 'OVERLOADED' })
    expect(full.person('one more', { targets: ['host/free'] })).toMatchObject({
      code: 'OVERLOADED',
      reason: '2000 of 2000 leases and requests',
    })
    expect(full.alert('q7').says).toBe('wait')
    full.giveBack('q8')
    expect(full.person('one more', { targets: ['host/free'] }).says).toBe('granted')
  })
})

describe('something more urgent', () => {
  it('makes a run end at its next safe point, once, and then has the target', () => {
    const steward = desk()
    steward.alert('run', { ...action, expectedMs: 9 * hour })
    const { toEnd } = steward.send({ kind: 'request', request: request('r') })
    expect(toEnd).toMatchObject([{ lease: { request: { id: 'run' } } }])
    expect(toEnd[0]?.why).toBe('compute-down (alert) needs restart-service on host/cmp-1: nova-compute is down')
    expect(steward.state().leases[0]?.askedToEndAt).toBe(iso(t0))
    expect(steward.alert('s').says).toBe('wait')
    expect(steward.after(minute).toEnd).toEqual([])
    expect(steward.held()).toEqual(['run'])
    steward.giveBack('run')
    expect(steward.held()).toEqual(['r'])
  })

  it('never ends what a person holds, or what is as urgent', () => {
    const steward = desk()
    steward.person('work', { targets: ['host/a'] })
    steward.alert('run', host('b'))
    for (const id of ['a', 'b'])
      expect(steward.send({ kind: 'request', request: request(id, host(id)) }).toEnd).toEqual([])
    expect(steward.send({ kind: 'request', request: hold('x', { targets: ['host/a'] }) }).toEnd).toEqual([])
    const { toEnd } = steward.send({ kind: 'request', request: hold('y', { targets: ['host/b'] }) })
    expect(toEnd.map(({ lease }) => lease.request.id)).toEqual(['run'])
  })

  it('ends all runs that are in its way, where it needs much', () => {
    const steward = desk()
    for (const id of ['a', 'b', 'c']) steward.alert(id, { ...plan, ...host(id) })
    const wide = hold('wide', { targets: ['host/a', 'host/b'] })
    const { toEnd } = steward.send({ kind: 'request', request: wide })
    expect(toEnd.map(({ lease }) => lease.request.id)).toEqual(['a', 'b'])
  })

  it('ends a run on the zone its target lies in', () => {
    const steward = desk()
    steward.alert('run', { ...plan, targets: ['zone/nova'], within: [] })
    const { toEnd } = steward.send({ kind: 'request', request: request('r') })
    expect(toEnd.map(({ lease }) => lease.request.id)).toEqual(['run'])
  })

  it('ends nothing while it could not begin anyway, and does as soon as it could', () => {
    const steward = desk({ budgets: { overall: { atOnce: 1, perHour: 100 } } })
    steward.alert('other', host('b'))
    steward.alert('run', action)
    expect(steward.send({ kind: 'request', request: request('r') }).toEnd).toEqual([])
    const { toEnd } = steward.giveBack('other')
    expect(toEnd.map(({ lease }) => lease.request.id)).toEqual(['run'])
  })
})

describe('a question', () => {
  it('is answered as a request would be, and nothing is held by it', () => {
    const steward = desk()
    steward.alert('r')
    const before = structuredClone(steward.state())
    expect(steward.consult(request('q'))).toMatchObject({
      requestId: 'q',
      says: 'wait',
      code: 'TARGET_BUSY',
      position: 0,
    })
    expect(steward.consult(request('q', host('b')))).toMatchObject({ requestId: 'q', says: 'granted' })
    expect(steward.consult(request('q', { targets: [] })).code).toBe('TARGETS_MISSING')
    expect(steward.state()).toEqual(before)
  })

  it('goes by the time it is asked at, also when nothing has happened since', () => {
    const steward = desk()
    steward.person('work', { expectedMs: hour })
    steward.pass(hour)
    expect(steward.consult(request('q', { survey: survey(t0 + hour) })).says).toBe('granted')
    expect(steward.held()).toEqual(['work'])
  })
})

describe('a run found at work', () => {
  it('has its lease without a question, once, since it acts already', () => {
    const steward = desk({ mode: 'observe' })
    steward.send({ kind: 'adopt', request: request('r') })
    steward.send({ kind: 'adopt', request: request('r') })
    expect(steward.held()).toEqual(['r'])
    expect(steward.person('work').says).toBe('wait')
    expect(steward.state().leases[0]?.grantedAt).toBe(iso(t0))
  })

  it('waits no more if it did', () => {
    const steward = desk()
    steward.person('work', { targets: ['host/cmp-1'] })
    steward.alert('r')
    steward.send({ kind: 'adopt', request: request('r') })
    expect([steward.held(), steward.waiting()]).toEqual([['work', 'r'], []])
  })
})

describe('the governor', () => {
  it('sleeps until something changes by itself, or for good', () => {
    const steward = desk()
    expect(steward.wakeMs()).toBeUndefined()
    steward.alert('run', { expectedMs: 10 * minute })
    steward.alert('r', { waitUntil: iso(t0 + 7 * minute) })
    steward.person('work', { targets: ['host/b'], expectedMs: 20 * minute })
    expect(steward.wakeMs()).toBe(7 * minute)
    steward.after(7 * minute)
    expect(steward.wakeMs()).toBe(3 * minute)
    steward.after(3 * minute)
    expect(steward.wakeMs()).toBe(10 * minute)
    steward.pass(hour)
    expect(steward.wakeMs()).toBe(0)
  })

  it('asks only after holders that somebody waits for', () => {
    const names = (steward: ReturnType<typeof desk>) =>
      awaitedHolders(steward.state()).map(({ workflowId }) => workflowId)
    const steward = desk()
    steward.alert('tenant', { ...action, targets: ['server/s'], within: ['project/p'] })
    steward.alert('other', { ...action, targets: ['server/o'], within: ['project/q'] })
    steward.alert('by-hand', { ...host('a'), requester: 'person' })
    steward.person('work', { targets: ['host/b'] })
    steward.alert('read', { risk: 'read' })
    expect(names(steward)).toEqual([])
    steward.person('blocked', { targets: ['host/a', 'host/b'] })
    expect(names(steward)).toEqual(['run/by-hand'])
    steward.alert('behind', { ...host('b'), requester: 'person' })
    steward.alert('last', { ...host('b'), requester: 'person' })
    expect(names(steward)).toEqual(['run/by-hand'])
    steward.alert('same project', { ...action, targets: ['host/b'], within: ['project/p'] })
    expect(new Set(names(steward))).toEqual(new Set(['run/by-hand', 'run/tenant']))
  })

  it('asks after a request that is before others, since its holder may have gone', () => {
    const steward = desk()
    steward.person('work')
    steward.alert('gone')
    steward.alert('next')
    expect(awaitedHolders(steward.state())).toEqual([{ workflowId: 'run/gone', runId: 'run-of-gone' }])
  })

  it('asks after runs that use up the budget somebody waits for', () => {
    const steward = desk({ budgets: { overall: { atOnce: 1, perHour: 100 } } })
    steward.alert('r', host('a'))
    steward.alert('s', host('b'))
    expect(awaitedHolders(steward.state())).toEqual([{ workflowId: 'run/r', runId: 'run-of-r' }])
  })
})

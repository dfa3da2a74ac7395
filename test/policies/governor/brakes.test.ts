import { describe, expect, it } from 'vitest'
import type { LeaseRequest, Mode } from '../../../core/governor.ts'
import { desk, hour, iso, minute, request, ruling, second, survey, t0 } from './bench.ts'

const asPerson: Partial<LeaseRequest> = { requester: 'person', by: 'alice' }

describe('targets', () => {
  it.each(['person', 'alert', 'action', 'plan'] as const)(
    'a %s that names none is refused: nothing is not all',
    (requester) => {
      expect(desk().alert('r', { requester, targets: [] })).toMatchObject({ says: 'refused', code: 'TARGETS_MISSING' })
    },
  )

  it('a grant says what it is for, and every rule has said something', () => {
    const verdict = desk().alert('r', { targets: ['host/cmp-1', 'server/s'] })
    expect(verdict.says).toBe('granted')
    expect(verdict.reason).toBe('restart-service on host/cmp-1 and 1 more: nova-compute is down')
    expect(new Set(verdict.rulings.map(({ rule }) => rule))).toEqual(
      new Set([
        'targets',
        'protected',
        'mode',
        'demotion',
        'fuse',
        'cool-down',
        'lease',
        'budget',
        'canary',
        'capacity',
      ]),
    )
    expect(verdict.rulings.every(({ says, reason }) => says === 'pass' && reason !== '')).toBe(true)
  })
})

describe('a protected host', () => {
  const guarded = { protectedHosts: ['ctl-1'] }

  it('is touched by no runbook, as target or as what a server lies in', () => {
    const refused = { says: 'refused', code: 'TARGET_PROTECTED', reason: 'ctl-1 is protected: no runbook may touch it' }
    expect(desk(guarded).alert('r', { targets: ['host/ctl-1'] })).toMatchObject(refused)
    expect(desk(guarded).alert('r', { targets: ['server/s'], within: ['host/ctl-1'] })).toMatchObject(refused)
    expect(desk(guarded).alert('r', { requester: 'action', targets: ['host/ctl-1'] })).toMatchObject(refused)
    expect(desk(guarded).alert('r', { targets: ['host/ctl-1'], risk: 'read' })).toMatchObject(refused)
    expect(desk(guarded).alert('r', { targets: ['host/ctl-10'] }).says).toBe('granted')
  })

  it('is for people', () => {
    const verdict = desk(guarded).alert('r', { ...asPerson, targets: ['host/ctl-1'] })
    expect(verdict.says).toBe('granted')
    expect(ruling(verdict, 'protected')?.reason).toBe('ctl-1 is protected, but a person asks')
  })
})

describe('the mode', () => {
  const under = (mode: Mode, wanted: Partial<LeaseRequest> = {}) => desk({ mode }).alert('r', wanted)

  it('observe lets alerts and plans do nothing, not even with a yes; ask needs a yes; auto acts', () => {
    const approval = { by: 'alice', at: iso(t0), planId: 'p' }
    expect(under('observe', { approval })).toMatchObject({ says: 'observe', code: 'OBSERVE_ONLY' })
    expect(under('ask', { requester: 'plan' })).toMatchObject({ says: 'ask', code: 'APPROVAL_NEEDED' })
    expect(under('ask').reason).toBe('the mode is ask, by governor.mode of steward.yaml')
    expect(under('auto').says).toBe('granted')
  })

  it('observe is the answer also where a yes would be asked for', () => {
    const steward = desk({ mode: 'observe' })
    for (const _ of '--') {
      steward.pass(second)
      steward.outcome(false)
    }
    expect(steward.alert('r').code).toBe('OBSERVE_ONLY')
  })

  it('does not concern people and tenants', () => {
    expect(under('observe', asPerson).says).toBe('granted')
    expect(under('observe', { requester: 'action' }).says).toBe('granted')
  })

  it('of a read counts too: who only watches reads nothing by itself', () => {
    expect(under('observe', { risk: 'read' }).says).toBe('observe')
  })

  it.each<[Mode, Mode | undefined, Record<string, Mode>, string]>([
    ['auto', 'ask', {}, 'ask'],
    ['observe', 'auto', {}, 'observe'],
    ['observe', undefined, { all: 'auto' }, 'granted'],
    ['auto', undefined, { all: 'observe' }, 'observe'],
    ['auto', 'observe', { 'policy/cpu': 'ask' }, 'ask'],
    ['auto', undefined, { 'policy/other': 'observe', 'runbook/other': 'observe' }, 'granted'],
    ['auto', 'auto', { 'runbook/restart-service': 'observe' }, 'observe'],
    ['ask', 'auto', { 'runbook/restart-service': 'auto' }, 'ask'],
    ['auto', 'auto', { all: 'ask', 'policy/cpu': 'observe', 'runbook/restart-service': 'auto' }, 'observe'],
  ])('steward.yaml says %s, the policy %s, people %j: %s', (configured, own, settings, says) => {
    const steward = desk({ mode: configured })
    for (const [scope, mode] of Object.entries(settings))
      steward.send({ kind: 'set-mode', setting: { scope, mode, by: 'alice', at: iso(t0) } })
    expect(steward.alert('r', { policy: 'cpu', ...(own && { mode: own }) }).says).toBe(says)
  })

  it('a person set counts until it is taken back, and the last word per scope counts', () => {
    const steward = desk()
    const set = (mode: Mode) =>
      steward.send({ kind: 'set-mode', setting: { scope: 'all', mode, by: 'alice', at: iso(t0) } })
    set('ask')
    set('observe')
    expect(steward.consult(request('r'))).toMatchObject({
      reason: `the mode is observe, by alice, who set all at ${iso(t0)}`,
    })
    steward.send({ kind: 'clear-mode', scope: 'all', by: 'alice' })
    expect(steward.consult(request('r')).says).toBe('granted')
    expect(steward.state().modes).toEqual([])
  })
})

describe("a person's yes", () => {
  const asked = (atMs: number, given = {}) =>
    desk({ mode: 'ask', approval: { timeoutSeconds: 600 }, ...given }).alert('r', {
      approval: { by: 'alice', at: iso(atMs), planId: 'p' },
    })

  it('is what `ask` waits for, and is written down', () => {
    const verdict = asked(t0)
    expect(verdict.says).toBe('granted')
    expect(ruling(verdict, 'mode')).toMatchObject({
      says: 'pass',
      reason: `the mode is ask, by governor.mode of steward.yaml; alice said yes to it at ${iso(t0)}`,
    })
  })

  it('is none when it is older than what people are given to answer, or from the future', () => {
    expect(asked(t0 - 11 * minute).says).toBe('granted')
    expect(asked(t0 - 12 * minute).says).toBe('ask')
    expect(asked(t0 + 2 * minute).says).toBe('ask')
    const unreadable = { by: 'alice', at: 'yesterday', planId: 'p' }
    expect(desk({ mode: 'ask' }).alert('r', { approval: unreadable }).says).toBe('ask')
  })

  it('holds for all of what was begun in time, however long that takes', () => {
    const yes = { by: 'alice', at: iso(t0 - 300 * minute), planId: 'p' }
    const lease = (begunMs: number) =>
      desk({ mode: 'ask' }).alert('r', { approval: { ...yes, begunAt: iso(begunMs) } }).says
    expect(lease(t0 - 299 * minute)).toBe('granted')
    expect(lease(t0 - 200 * minute)).toBe('ask')
  })

  it('does not make room: it waits like everybody', () => {
    expect(asked(t0, { budgets: { overall: { atOnce: 0, perHour: 1 } } }).code).toBe('BUDGET_EXHAUSTED')
  })
})

describe('a runbook that keeps not helping', () => {
  const having = (outcomes: string, config = {}) => {
    const steward = desk(config)
    for (const sign of outcomes) {
      steward.pass(second)
      steward.outcome(sign === '+')
    }
    return steward
  }

  it.each([
    ['', 'granted'],
    ['-', 'granted'],
    ['--', 'ask'],
    ['--+', 'granted'],
    ['+-+-', 'granted'],
    ['+-+-+', 'ask'],
    ['-++++', 'granted'],
    ['--++++++++', 'granted'],
    ['-+-+-+++++', 'ask'],
    ['-+-+-++++++', 'granted'],
  ])('after %s (+ helped, - did not) the next run is: %s', (outcomes, says) => {
    const verdict = having(outcomes).alert('r')
    expect(verdict.says).toBe(says)
  })

  it('says by which figures', () => {
    expect(ruling(having('--').alert('r'), 'demotion')).toMatchObject({
      code: 'APPROVAL_NEEDED',
      reason: 'the last 2 run(s) of restart-service did not help',
      figures: { outcomes: 2, didNotHelp: 2, inARow: 2 },
    })
    expect(having('+-+-+').alert('r').reason).toBe(
      '2 of the last 5 runs of restart-service did not help, more than 20 %',
    )
  })

  it('asks no person, no tenant, and no other runbook', () => {
    expect(having('--').alert('r', asPerson).says).toBe('granted')
    expect(having('--').alert('r', { requester: 'action' }).says).toBe('granted')
    expect(having('--').alert('r', { runbook: 'relieve-host' }).says).toBe('granted')
  })

  it('begins afresh when a person has looked at it and set its mode, and only then', () => {
    const steward = having('--')
    steward.pass(second)
    const set = (scope: string) =>
      steward.send({ kind: 'set-mode', setting: { scope, mode: 'auto', by: 'alice', at: iso(steward.now()) } })
    set('all')
    expect(steward.consult(request('r', {}, steward.now())).says).toBe('ask')
    set('runbook/restart-service')
    expect(steward.consult(request('r', {}, steward.now())).says).toBe('granted')
    for (const _ of '--') {
      steward.pass(second)
      steward.outcome(false)
    }
    expect(steward.consult(request('r', {}, steward.now())).says).toBe('ask')
  })

  it('is told the same outcome twice and counts it once', () => {
    const steward = desk()
    steward.outcome(false)
    steward.outcome(false)
    expect(steward.state().outcomes).toHaveLength(1)
    expect(steward.alert('r').says).toBe('granted')
  })

  it('is remembered by its last 100 outcomes', () => {
    const steward = having('+'.repeat(150))
    expect(steward.state().outcomes).toHaveLength(100)
    expect(steward.state().outcomes[0]?.at).toBe(iso(t0 + 51 * second))
  })
})

describe('the fuse', () => {
  const seen = (zone: { up: number; down: number }, cloud = zone, wanted: Partial<LeaseRequest> = {}) =>
    desk().alert('r', { survey: survey(t0, zone, cloud), ...wanted })
  const big = { up: 100, down: 2 }

  it.each([
    [{ up: 1, down: 1 }, 'granted'],
    [{ up: 0, down: 1 }, 'granted'],
    [{ up: 3, down: 2 }, 'granted'],
    [{ up: 2, down: 2 }, 'refused'],
    [{ up: 0, down: 2 }, 'refused'],
    [{ up: 1, down: 2 }, 'refused'],
  ])('with %j in the zone the answer is: %s', (zone, says) => {
    expect(seen(zone, big).says).toBe(says)
  })

  it('has blown when half of the zone or of the cloud looks unhealthy, and says how many', () => {
    expect(seen({ up: 1, down: 2 }, big)).toMatchObject({
      code: 'FUSE_BLOWN',
      reason: '2 of 3 hosts of zone nova look unhealthy',
    })
    expect(seen({ up: 3, down: 0 }, { up: 5, down: 5 })).toMatchObject({
      code: 'FUSE_BLOWN',
      reason: '5 of 10 hosts of the cloud look unhealthy',
    })
  })

  it('needs a person from the third unhealthy host on', () => {
    const verdict = seen({ up: 10, down: 0 }, { up: 97, down: 3 })
    expect(verdict).toMatchObject({
      says: 'ask',
      code: 'APPROVAL_NEEDED',
      reason: '3 of 100 hosts of the cloud look unhealthy',
    })
    const approval = { by: 'alice', at: iso(t0), planId: 'p' }
    expect(seen({ up: 10, down: 0 }, { up: 97, down: 3 }, { approval }).says).toBe('granted')
  })

  it('is not repaired by a yes', () => {
    const approval = { by: 'alice', at: iso(t0), planId: 'p' }
    expect(seen({ up: 1, down: 2 }, big, { approval }).code).toBe('FUSE_BLOWN')
  })

  it('needs to see: no survey, an old one, one from the future, or one of no host is none', () => {
    const stale = { says: 'refused', code: 'SURVEY_STALE' }
    const { survey: _none, ...blind } = request('r')
    expect(desk().ask(blind)).toMatchObject({ ...stale, reason: 'nobody has counted the hosts that are well' })
    expect(desk().alert('r', { survey: survey(t0 - 60 * second) }).says).toBe('granted')
    expect(desk().alert('r', { survey: survey(t0 - 61 * second) })).toMatchObject(stale)
    expect(desk().alert('r', { survey: survey(t0 + 61 * second) })).toMatchObject(stale)
    expect(desk().alert('r', { survey: { ...survey(t0), takenAt: 'just now' } })).toMatchObject(stale)
    expect(seen({ up: 0, down: 0 }, big)).toMatchObject(stale)
    expect(seen({ up: 3, down: 0 }, { up: 0, down: 0 })).toMatchObject(stale)
  })

  it('stops a person who has looked, and is not asked by one who has not, by tenants, or by a read', () => {
    expect(seen({ up: 1, down: 2 }, big, asPerson).code).toBe('FUSE_BLOWN')
    expect(desk().alert('r', { ...asPerson, survey: survey(t0 - hour) }).says).toBe('granted')
    const { survey: _none, ...blind } = request('r', asPerson)
    expect(desk().ask(blind).says).toBe('granted')
    expect(seen({ up: 1, down: 2 }, big, { requester: 'action' }).says).toBe('granted')
    expect(seen({ up: 1, down: 2 }, big, { risk: 'read' }).says).toBe('granted')
  })
})

describe('the cool-down', () => {
  /** An incident has run its runbook on cmp-1 and server s, and ended after a minute. */
  const ran = (wanted: Partial<LeaseRequest> = {}) => {
    const steward = desk({ coolDownSeconds: 3600 })
    steward.alert('first', { incidentRunId: 'i1', targets: ['host/cmp-1', 'server/s', 'project/p'], ...wanted })
    steward.after(minute)
    steward.giveBack('first')
    return steward
  }

  it('leaves a host alone for an hour after another incident ran the same runbook there, and says until when', () => {
    const steward = ran()
    const { says, code, rulings, reason } = steward.alert('r', { incidentRunId: 'i2' })
    expect({ says, code }).toEqual({ says: 'refused', code: 'TARGET_COOLING_DOWN' })
    expect(reason).toBe(`restart-service was at host/cmp-1 at ${iso(t0 + minute)}, less than 3600 s ago`)
    expect(ruling({ rulings }, 'cool-down')?.until).toBe(iso(t0 + minute + hour))
    steward.pass(hour - 1)
    expect(steward.alert('r', { incidentRunId: 'i2' }).says).toBe('refused')
    steward.pass(1)
    expect(steward.alert('r', { incidentRunId: 'i2' }).says).toBe('granted')
  })

  it('is for the same runbook on the same host or server, and not for people and tenants', () => {
    expect(ran().alert('r', { runbook: 'relieve-host' }).says).toBe('granted')
    expect(ran().alert('r', { targets: ['host/cmp-2'] }).says).toBe('granted')
    expect(ran().alert('r', { targets: ['server/s'] }).code).toBe('TARGET_COOLING_DOWN')
    expect(ran().alert('r', { targets: ['project/p'] }).says).toBe('granted')
    expect(ran().alert('r', asPerson).says).toBe('granted')
    expect(ran().alert('r', { requester: 'action' }).says).toBe('granted')
  })

  it('lets the same incident try again; a run that names no incident belongs to none', () => {
    expect(ran().alert('r', { incidentRunId: 'i1' }).says).toBe('granted')
    expect(ran().alert('r').says).toBe('refused')
    const steward = desk({ coolDownSeconds: 3600 })
    steward.alert('first')
    steward.giveBack('first')
    expect(steward.alert('r', { incidentRunId: 'i1' }).says).toBe('refused')
  })

  it('also counts a run by hand, and one that has only begun', () => {
    expect(ran({ requester: 'person', by: 'alice' }).alert('r').says).toBe('refused')
    const steward = desk({ coolDownSeconds: 3600 })
    steward.alert('first', { incidentRunId: 'i1' })
    expect(steward.alert('r', { incidentRunId: 'i2' }).code).toBe('TARGET_COOLING_DOWN')
    expect(steward.alert('s', { incidentRunId: 'i1' }).says).toBe('wait')
  })

  it('sends the second of two incidents away at once when the first of them begins', () => {
    const steward = desk({ coolDownSeconds: 3600 })
    steward.person('work', { expectedMs: 30 * second })
    for (const id of ['i1', 'i2']) steward.alert(id, { incidentRunId: id })
    expect(steward.after(30 * second).verdicts).toMatchObject([
      { requestId: 'i1', says: 'granted' },
      { requestId: 'i2', says: 'refused', code: 'TARGET_COOLING_DOWN' },
    ])
  })

  it('is remembered as long as it lasts, even for a week', () => {
    const steward = desk({ coolDownSeconds: 604_800 })
    steward.alert('first')
    steward.giveBack('first')
    steward.after(604_799 * second)
    expect(steward.alert('r').code).toBe('TARGET_COOLING_DOWN')
    steward.after(second)
    expect(steward.state().past).toEqual([])
    expect(steward.alert('r').says).toBe('granted')
  })
})

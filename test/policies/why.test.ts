import { describe, expect, it } from 'vitest'
import type { ActionView } from '../../core/action.ts'
import { GovernorConfig, type GovernorState, type LeaseRequest, noState } from '../../core/governor.ts'
import type { Incident } from '../../core/incident.ts'
import { type About, Why } from '../../core/why.ts'
import { type WhyInput, why } from '../../policies/why.ts'
import { at, incidentOf, nowMs, proposalOf, runOf } from './report-incidents.ts'

const ask = (changes: Partial<WhyInput> = {}): Why =>
  Why.parse(
    why({ about: 'host/cmp-1', incidents: [], state: noState, governor: GovernorConfig.parse({}), nowMs, ...changes }),
  )
const open = (changes: Partial<Incident>) =>
  incidentOf({ endedAt: undefined as never, reason: undefined as never, ...changes })
const sentences = ({ reasons }: Why, weight?: string) =>
  reasons.filter((reason) => weight === undefined || reason.weight === weight).map(({ sentence }) => sentence)

const request = (changes: Partial<LeaseRequest> = {}): LeaseRequest => ({
  ...{ id: 'r', holder: {}, requester: 'person', by: 'olga', why: 'replaces a disk', runbook: 'hold' },
  ...{ targets: ['host/cmp-1'], within: [], risk: 'service', expectedMs: 3_600_000 },
  ...{ requestedAt: at(-30), waitUntil: at(30) },
  ...changes,
})
const state = (changes: Partial<GovernorState>): GovernorState => ({ ...noState, ...changes })
const stop = { by: 'bob', userId: 'user-bob', at: at(-5), why: 'storage migration', source: 'api' } as const
const auto = GovernorConfig.parse({ mode: 'auto' })

it('why about a run that somebody began says who did, why, and where the rest is', () => {
  const run = {
    ...{ id: '4f0', workflowId: 'run/by-hand/4f0', runbook: 'restart-hung', state: 'failed' as const, dryRun: false },
    ...{ by: 'olga', why: 'it hangs', input: {}, targets: [], startedAt: at(-5), notes: [] },
  }
  const found = ask({ about: 'run/4f0', run })
  expect(found.answer).toBe(
    `olga began restart-hung at ${at(-5)}: it hangs; it is failed, and all of it is in \`steward run show 4f0\``,
  )
  // said once
  expect(found.reasons.map(({ sentence }) => sentence)).not.toContain(found.answer)
})

describe('why about a host says', () => {
  it('that there was nothing to do', () => {
    expect(ask({ governor: auto }).answer).toBe('no incident is known about host/cmp-1, so there was nothing to do')
  })

  it('that somebody pressed the stop button, before everything else', () => {
    const incidents = [open({ state: 'escalated', reason: { code: 'STOPPED', detail: 'stop' } })]
    const found = ask({ stop, incidents, state: state({ leases: [{ request: request(), grantedAt: at(-30) }] }) })
    expect(found.answer).toBe('bob pressed the stop button: storage migration')
    expect(found.reasons[0]).toMatchObject({ weight: 'stops', code: 'STOPPED', at: at(-5) })
  })

  it('that only watching is the mode, and what it would have done', () => {
    const reason = { code: 'OBSERVE_ONLY', detail: 'would have: restart nova-compute on cmp-1' }
    const rulings = [{ rule: 'mode', says: 'observe' as const, reason: 'the mode is observe', code: 'OBSERVE_ONLY' }]
    const found = ask({ incidents: [open({ state: 'observing', reason, rulings })] })
    expect(found.answer).toContain('would have: restart nova-compute on cmp-1')
    expect(sentences(found, 'stops')).toContainEqual('mode said observe: the mode is observe')
  })

  it('what a person must say yes to, and until when', () => {
    const proposal = proposalOf({ expiresAt: at(10) })
    const found = ask({ governor: auto, incidents: [open({ state: 'asking', proposal })] })
    expect(found.answer).toContain('it waits for a person to say yes')
    const asked = found.reasons.find(({ until }) => until === at(10))
    expect(asked).toMatchObject({ weight: 'slows', code: 'APPROVAL_NEEDED' })
    expect(asked?.sentence).toContain('restart nova-compute on cmp-1 (the mode is ask')
  })

  it('who holds the host and until when, and who waits for it', () => {
    const leases = [{ request: request(), grantedAt: at(-30) }]
    const queue = [
      request({ id: 'q', by: 'other', targets: ['host/cmp-2'] }),
      request({ id: 'w', requester: 'alert', by: 'compute-down', runbook: 'restart-service', within: ['zone/nova'] }),
    ]
    const found = ask({ governor: auto, state: state({ leases, queue }) })
    expect(found.answer).toBe('olga (person) holds host/cmp-1 for hold: replaces a disk')
    expect(found.reasons[0]).toMatchObject({ until: at(30), code: 'TARGET_BUSY' })
    expect(sentences(found)).toContainEqual('restart-service for compute-down waits for its lease, 1 before it')
    expect(JSON.stringify(found)).not.toContain('other')
  })

  it('which runs have used its budget, and until when it cools down', () => {
    const governor = GovernorConfig.parse({ mode: 'auto', budgets: { host: { atOnce: 1, perHour: 1 } } })
    const past = [
      {
        ...{ runbook: 'restart-service', targets: ['host/cmp-1'], within: [], requester: 'alert' },
        grantedAt: at(-20),
        endedAt: at(-15),
      },
    ] as GovernorState['past']
    const found = ask({ governor, state: state({ past }) })
    const cooling = found.reasons.find(({ code }) => code === 'TARGET_COOLING_DOWN')
    expect(cooling).toMatchObject({ weight: 'stops', until: at(45) })
    const budget = found.reasons.find(({ figures }) => figures?.budget === 'host/cmp-1')
    expect(budget).toMatchObject({
      weight: 'slows',
      code: 'BUDGET_EXHAUSTED',
      until: at(40),
      figures: { begun: 1, perHour: 1 },
    })
  })

  it('what it waits for, also when a brake would be in the way of the next run', () => {
    const past = [
      {
        ...{ runbook: 'restart-service', targets: ['host/cmp-1'], within: [], requester: 'alert' },
        grantedAt: at(-20),
      },
    ] as GovernorState['past']
    const incidents = [open({ state: 'asking', proposal: proposalOf({ expiresAt: at(10) }) })]
    const found = ask({ governor: auto, incidents, state: state({ past }) })
    expect(found.answer).toContain('it waits for a person to say yes')
    expect(sentences(found, 'stops')[0]).toContain('cool-down would now say refuse')
  })

  it('that a runbook was demoted, with the figures', () => {
    const outcomes = [-20, -10].map((minute) => ({ runbook: 'restart-service', at: at(minute), helped: false }))
    const incidents = [open({ state: 'acting', runs: [runOf({ outcome: 'running' })] })]
    const found = ask({ governor: auto, incidents, state: state({ outcomes }) })
    expect(found.reasons.find(({ figures }) => figures?.inARow === 2)?.sentence).toContain('demotion would now say ask')
  })

  it('how the last one ended, when none is open, newest first', () => {
    const incidents = [
      incidentOf({ openedAt: at(-500), endedAt: at(-490), reason: { detail: 'the older' } }),
      incidentOf({ runs: [runOf({ helped: true, detail: '1 restart' })], reason: { detail: 'up again' } }),
    ]
    const found = ask({ governor: auto, incidents })
    expect(found.answer).toBe('nothing is open; the last one ended: up again')
    const told = sentences(found, 'tells')
    expect(told).toContainEqual('restart-service succeeded and helped on host/cmp-1: 1 restart')
    expect(told.indexOf('compute-down closed: up again')).toBeLessThan(told.indexOf('compute-down closed: the older'))
  })

  it('what once refused a closed incident as history, not as what stops it now', () => {
    const rulings = [{ rule: 'fuse', says: 'refuse' as const, reason: 'half is down', code: 'FUSE_BLOWN' }]
    const found = ask({ governor: auto, incidents: [incidentOf({ rulings })] })
    expect(sentences(found, 'stops')).toEqual([])
    expect(sentences(found, 'tells')).toContainEqual('fuse said refuse: half is down')
  })

  it('that the governor does not answer, and how many are left out', () => {
    const { state: _none, ...rest } = { state: noState, about: 'host/cmp-1' as About, governor: auto, nowMs }
    const found = Why.parse(why({ ...rest, incidents: Array.from({ length: 7 }, () => incidentOf()) }))
    expect(sentences(found, 'slows')).toEqual(['the governor does not answer, so nothing new gets a lease'])
    expect(sentences(found)).toContainEqual('2 older incident(s) are not told here')
  })
})

describe('why about an action', () => {
  const action = (changes: Partial<ActionView> = {}): ActionView => ({
    ...{ id: '0193a7f0-5a51-7c3f-8d60-2f9d0f4c1e77', state: 'scheduled', projectId: 'p', userId: 'u', roles: [] },
    call: {
      service: 'compute',
      method: 'POST',
      path: '/servers/6f1c/action',
      body: { rebuild: { user_data: 'SECRET' } },
    },
    ...{ runAt: at(60), createdAt: at(-60) },
    ...changes,
  })
  const about = 'action/0193a7f0-5a51-7c3f-8d60-2f9d0f4c1e77' as const

  it('says what it waits for, without what it sends', () => {
    const found = ask({ about, action: action() })
    expect(found.answer).toContain('is scheduled')
    expect(sentences(found)).toContainEqual(`POST compute/servers/6f1c/action is due at ${at(60)}`)
    expect(JSON.stringify(found)).not.toContain('SECRET')
  })

  it('says why it failed', () => {
    const reason = { code: 'CLOUD_REFUSED', detail: 'locked' }
    const found = ask({ about, action: action({ state: 'failed', reason, endedAt: at(0) }) })
    expect(found.answer).toBe('failed: locked')
    expect(found.reasons[0]).toMatchObject({ code: 'CLOUD_REFUSED', weight: 'stops' })
  })

  it('tells a tenant of the stop button and of whoever is in the way, but not who', () => {
    const leases = [{ request: request({ targets: ['server/6f1c'] }), grantedAt: at(-30) }]
    const asked = { about, action: action(), stop, state: state({ leases }) }
    expect(JSON.stringify(ask(asked))).toMatch(/olga.*/)
    const found = ask({ ...asked, forTenant: true })
    expect(sentences(found, 'stops')).toEqual([
      'an operator pressed the stop button',
      'somebody else is at work on the server',
    ])
    expect(JSON.stringify(found)).not.toMatch(/olga|bob|storage|disk/)
  })
})

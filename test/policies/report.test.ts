import { describe, expect, it } from 'vitest'
import { noState } from '../../core/governor.ts'
import type { Incident } from '../../core/incident.ts'
import { Policy } from '../../core/policy.ts'
import type { IncidentEnd, ReportRow } from '../../core/report.ts'
import { endOf, reportOn } from '../../policies/report.ts'
import { answerOf, at, incidentOf, nowMs, proposalOf, reportInput, runOf } from './report-incidents.ts'

const open = { endedAt: undefined } as unknown as Partial<Incident>
const cases: [told: string, changes: Partial<Incident>, end: IncidentEnd][] = [
  ['a run helped', { runs: [runOf({ helped: false }), runOf({ helped: true })] }, 'recovered'],
  [
    'a run helped while people were asked about another',
    { runs: [runOf({ helped: true })], takenOverBy: 'o' },
    'recovered',
  ],
  ['it was resolved before anything was done', {}, 'cleared by itself'],
  ['a run did not help, then it cleared', { runs: [runOf({ helped: false })] }, 'cleared by itself'],
  [
    'evidence was collected until the log was quiet',
    { runs: [runOf({ runbook: 'collect-evidence' })] },
    'cleared by itself',
  ],
  ['a second look found the service up', { reason: { detail: 'not confirmed, 0 of 1: it is up' } }, 'not confirmed'],
  [
    'the service was disabled by somebody',
    { reason: { detail: 'not confirmed: the service is disabled, so somebody is at work on it' } },
    'suppressed',
  ],
  ['it flapped until it was quiet', { reason: { code: 'FLAPPING', detail: 'quiet' } }, 'suppressed'],
  ['it only watched', { reason: { code: 'OBSERVE_ONLY', detail: 'would have' } }, 'observed'],
  [
    'a person said no',
    { reason: { code: 'APPROVAL_REJECTED', detail: 'no' }, state: 'escalated', ...open },
    'rejected',
  ],
  [
    'a person said no, and later it cleared',
    { answers: [answerOf('rejected')], reason: { detail: 'cleared after people were asked: no' } },
    'rejected',
  ],
  ['nobody answered, and later it cleared', { proposal: proposalOf(), endedAt: at(-20) }, 'rejected'],
  ['it was resolved before the answer was due', { proposal: proposalOf(), endedAt: at(-40) }, 'cleared by itself'],
  [
    'nobody answered, which counted as yes, and it did not help',
    { proposal: proposalOf(), endedAt: at(-5), runs: [runOf({ startedAt: at(-28), helped: false })] },
    'cleared by itself',
  ],
  [
    'people are needed',
    { state: 'escalated', reason: { code: 'PLAN_IMPOSSIBLE', detail: 'no room' }, ...open },
    'escalated',
  ],
  ['people were needed', { reason: { detail: 'cleared after people were asked: no room' } }, 'escalated'],
  ['a person closed it', { reason: { detail: 'closed by olga: broken disk' } }, 'escalated'],
  ['a person has it', { state: 'taken-over', takenOverBy: 'olga', ...open }, 'escalated'],
  ['a person who had it closed it', { takenOverBy: 'olga', reason: { detail: 'it is over' } }, 'escalated'],
  ['it is being watched now', { state: 'observing', reason: { code: 'OBSERVE_ONLY', detail: 'x' }, ...open }, 'open'],
  ['a run is at work', { state: 'acting', runs: [runOf({ outcome: 'running' })], ...open }, 'open'],
]

describe('an incident counts as', () => {
  it.each(cases)('%s', (_told, changes, end) => {
    expect(endOf(incidentOf(changes))).toBe(end)
  })
})

const only = (incidents: readonly Incident[]): ReportRow => reportOn(reportInput(incidents)).all
const helped = (openedAt: number, changes: Partial<Incident> = {}) =>
  incidentOf({
    openedAt: at(openedAt),
    endedAt: at(openedAt + 10),
    recoveredAt: at(openedAt + 5),
    runs: [runOf({ startedAt: at(openedAt + 1), helped: true })],
    ...changes,
  })

describe('the figures of a report', () => {
  it('divide what helped by what was watched to the end', () => {
    const row = only([
      incidentOf({ runs: [runOf({ helped: true }), runOf({ helped: false })] }),
      incidentOf({ runs: [runOf({ helped: true }), runOf()] }),
    ])
    expect(row).toMatchObject({ runs: 4, helped: 2, verdicts: 3, verifiedSuccessRate: 2 / 3 })
  })

  it('call it a recurrence when the same comes back within a day after it had recovered', () => {
    const day = 24 * 60
    expect(only([helped(-3 * day), incidentOf({ openedAt: at(-2 * day + 4) })]).recurrenceRate).toBe(1)
    expect(only([helped(-3 * day), incidentOf({ openedAt: at(-2 * day + 6) })]).recurrenceRate).toBe(0)
    for (const other of [{ host: 'cmp-2' }, { policy: 'host-hot' }, { binary: 'nova-conductor' }])
      expect(only([helped(-60), incidentOf({ openedAt: at(-30), ...other })]).recurrenceRate).toBe(0)
    // one that came back after nothing had helped is no recurrence
    expect(only([incidentOf({ openedAt: at(-60) }), incidentOf({ openedAt: at(-30) })])).not.toHaveProperty(
      'recurrenceRate',
    )
  })

  it('call it a false fire when nothing was wrong, or it was over before anything was done', () => {
    const row = only([
      incidentOf(),
      incidentOf({ reason: { detail: 'not confirmed, 0 of 1: up' } }),
      incidentOf({ runs: [runOf({ helped: false })] }),
      incidentOf({ reason: { code: 'OBSERVE_ONLY', detail: 'would have' } }),
      incidentOf({ state: 'acting', ...open }),
    ])
    expect(row.falseFireRate).toBe(2 / 4)
  })

  it('have the time to the first act and to recovery, as they were measured', () => {
    const row = only([helped(-600), helped(-500), helped(-400, { recoveredAt: at(-340), endedAt: at(-330) })])
    expect(row.timeToFirstAct).toEqual({ p50Ms: 60_000, p99Ms: 60_000, of: 3 })
    expect(row.timeToRecovery).toEqual({ p50Ms: 300_000, p99Ms: 3_600_000, of: 3 })
    expect(only([incidentOf()])).not.toHaveProperty('timeToFirstAct')
  })

  it('count what held it up, once per incident and code', () => {
    const refused = { rule: 'fuse', says: 'refuse', reason: 'half is down', code: 'FUSE_BLOWN' } as const
    const row = only([
      incidentOf({ rulings: [refused, refused], reason: { code: 'FUSE_BLOWN', detail: 'half is down' } }),
      incidentOf({ rulings: [refused], reason: { code: 'STOPPED', detail: 'stop' } }),
      // a pass with a code, and a code that is not the governor's
      incidentOf({ rulings: [{ ...refused, says: 'pass' }], reason: { code: 'SSH_UNREACHABLE', detail: 'x' } }),
    ])
    expect(row.refusals).toEqual({ FUSE_BLOWN: 2, STOPPED: 1 })
  })

  it('count what people were asked, by plan', () => {
    const other = '22222222-2222-4222-8222-222222222222'
    const third = '33333333-3333-4333-8333-333333333333'
    const row = only([
      // two plans: one yes, then a no
      incidentOf({ answers: [answerOf('approved', other), answerOf('rejected')], proposal: proposalOf() }),
      // two persons are needed, one has said yes
      incidentOf({
        answers: [answerOf('approved', third)],
        proposal: proposalOf({ planId: third, needs: 2 }),
        endedAt: at(-20),
      }),
      incidentOf({ state: 'asking', proposal: proposalOf({ expiresAt: at(1) }), ...open }),
    ])
    expect(row.people).toEqual({ asked: 4, approved: 1, rejected: 1, timedOut: 1, undecided: 1 })
  })

  it('count a plan that one approved and another rejected as rejected', () => {
    const { people } = only([incidentOf({ answers: [answerOf('approved'), answerOf('rejected')] })])
    expect(people).toEqual({ asked: 1, approved: 0, rejected: 1, timedOut: 0, undecided: 0 })
  })

  it('leave out what was opened outside of the period', () => {
    expect(only([incidentOf({ openedAt: at(-8 * 24 * 60) }), incidentOf({ openedAt: at(1) })]).incidents).toBe(0)
  })
})

describe('the rows of a report', () => {
  const policy = Policy.parse({
    ...{ name: 'compute-down', kind: 'binary', when: {}, runbook: 'restart-service' },
    ladder: [{ runbook: 'relieve-host' }],
  })
  const find = (rows: readonly ReportRow[], name: string) => rows.find((row) => row.name === name)

  it('are one for each runbook of a policy, also before it ever ran, and for those that ran', () => {
    const incidents = [incidentOf({ runs: [runOf({ helped: false }), runOf({ runbook: 'collect-evidence' })] })]
    const { runbooks, policies } = reportOn(reportInput(incidents, { policies: [policy] }))
    expect(runbooks.map(({ name, incidents: of, runs }) => [name, of, runs])).toEqual([
      ['collect-evidence', 1, 1],
      ['relieve-host', 1, 0],
      ['restart-service', 1, 1],
    ])
    expect(policies.map(({ name }) => name)).toEqual(['compute-down'])
  })

  it('put what held up the second rung to its runbook, not to the first', () => {
    const incident = incidentOf({ rung: 1, reason: { code: 'FUSE_BLOWN', detail: 'x' } })
    const { runbooks } = reportOn(reportInput([incident], { policies: [policy] }))
    expect(find(runbooks, 'relieve-host')?.refusals).toEqual({ FUSE_BLOWN: 1 })
    expect(find(runbooks, 'restart-service')?.refusals).toEqual({})
  })

  it('say why a runbook asks before it acts', () => {
    const outcomes = [-20, -10].map((m) => ({ runbook: 'restart-service', at: at(m), helped: false }))
    const { runbooks } = reportOn(reportInput([], { policies: [policy], outcomes: { ...noState, outcomes } }))
    expect(find(runbooks, 'restart-service')).toMatchObject({
      demotion: { reason: 'the last 2 run(s) of restart-service did not help', figures: { inARow: 2 } },
    })
    expect(find(runbooks, 'relieve-host')).not.toHaveProperty('demotion')
  })

  it('name the period', () => {
    const { since, until, truncated } = reportOn(reportInput([], { truncated: true }))
    expect([since, until, truncated]).toEqual([at(-7 * 24 * 60), new Date(nowMs).toISOString(), true])
  })
})

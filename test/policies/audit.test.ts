import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AuditEvent, type AuditedExecution, type Ending, masked, type Recorded, sideEffects } from '../../core/audit.ts'
import { auditEventsOf } from '../../policies/audit.ts'

const runId = '0193a7f0-5a51-7c3f-8d60-2f9d0f4c1e77'
const execution = (kind: string, changes: Partial<AuditedExecution> = {}): AuditedExecution => ({
  ...{ workflowId: `${kind}/1`, runId, kind },
  ...changes,
})
const at = (second: number) => new Date(Date.UTC(2026, 10, 21, 3, 0, second)).toISOString()
const record = (what: Recorded['what'], name: string, input: unknown[], changes: Partial<Recorded> = {}): Recorded => ({
  ...{ what, eventId: 7, at: at(1), name, input },
  ...changes,
})
const told = (kind: string, ...records: Recorded[]): AuditEvent[] =>
  auditEventsOf(execution(kind, { incidentId: 'i-1', host: 'cmp-1' }), records).map(({ event }) =>
    AuditEvent.parse(event),
  )
const person = { userId: 'user-bob', name: 'bob' }
const done: Ending = { at: at(2), how: 'completed' }

describe('a trust that nothing needs', () => {
  it('is deleted by Steward itself, and told without its id', () => {
    const input = { trustId: '0123456789abcdef' }
    const [, outcome] = told('sweep', record('activity', 'deleteTrust', [input], { ending: done }))
    expect(outcome).toMatchObject({
      ...{ action: 'delete/trust', outcome: 'success', initiator: { id: 'steward' }, target: { id: '****cdef' } },
    })
  })
})

describe('what people do', () => {
  const cases: [kind: string, name: string, input: object, action: string, who: string, target: string][] = [
    ['incident', 'take-over', { by: person }, 'update/take-over', 'user-bob', 'i-1'],
    ['incident', 'hand-back', { by: person }, 'update/hand-back', 'user-bob', 'i-1'],
    ['incident', 'close', { by: person }, 'update/close', 'user-bob', 'i-1'],
    ['incident', 'acknowledge', { by: person }, 'update/acknowledge', 'user-bob', 'i-1'],
    ['incident', 'comment', { by: person, text: 'x' }, 'update/comment', 'user-bob', 'i-1'],
    ['incident', 'answer', { by: person, says: 'approved' }, 'allow/plan', 'user-bob', 'i-1'],
    ['incident', 'answer', { by: person, says: 'rejected' }, 'deny/plan', 'user-bob', 'i-1'],
    ['governor', 'setMode', { by: 'bob', scope: 'all', mode: 'auto' }, 'configure/mode', 'bob', 'all'],
    ['governor', 'clearMode', { by: 'bob', scope: 'all' }, 'configure/clear-mode', 'bob', 'all'],
    ['governor', 'hold', { by: 'bob', id: '9', targets: ['host/cmp-1'] }, 'allow/lease', 'bob', 'lease/9'],
    [
      'governor',
      'extend',
      { requestId: '9', by: { userId: 'u-9', name: 'olga' } },
      'configure/lease',
      'u-9',
      'lease/9',
    ],
    ['governor', 'release', { requestId: '9', by: { userId: 'u-9', name: 'olga' } }, 'revoke/lease', 'u-9', 'lease/9'],
    ['sweep', 'revoke', { by: person, id: 'd-1', trustId: 'trust-1' }, 'revoke/delegation', 'user-bob', 'd-1'],
    ['action', 'cancel', { by: person }, 'disable/action', 'user-bob', 'action/1'],
    ['recurring-action', 'pause', { by: person }, 'disable/pause', 'user-bob', 'recurring-action/1'],
    ['recurring-action', 'resume', { by: person }, 'enable/resume', 'user-bob', 'recurring-action/1'],
    ['recurring-action', 'snooze', { by: person, until: 'x' }, 'disable/snooze', 'user-bob', 'recurring-action/1'],
    ['recurring-action', 'change', { by: person }, 'update/recurring-action', 'user-bob', 'recurring-action/1'],
    ['recurring-action', 'runNow', { by: person }, 'start/run-now', 'user-bob', 'recurring-action/1'],
    ['recurring-action', 'cancel', { by: person }, 'disable/recurring-action', 'user-bob', 'recurring-action/1'],
  ]

  it.each(cases)('to the %s by %s is told with who did it', (kind, name, input, action, who, target) => {
    const [intent, outcome] = told(kind, record('update', name, [input], { ending: done }))
    for (const event of [intent, outcome])
      expect(event).toMatchObject({ action, initiator: { id: who }, target: { id: target } })
    expect([intent?.outcome, outcome?.outcome]).toEqual(['pending', 'success'])
    expect([intent?.eventTime, outcome?.eventTime]).toEqual([at(1), at(2)])
  })

  it('is told with the reason they gave and the plan they meant, but without what they wrote in a comment', () => {
    const [answer] = told(
      'incident',
      record('update', 'answer', [{ by: person, says: 'rejected', planId: 'p', why: 'no' }]),
    )
    expect(answer?.attachments[0]?.content).toMatchObject({ planId: 'p', why: 'no', incidentId: 'i-1', host: 'cmp-1' })
    const comment = told('incident', record('update', 'comment', [{ by: person, text: 'secret' }]))
    expect(JSON.stringify(comment)).not.toContain('secret')
  })

  it('is told as refused, with the code, when it was', () => {
    const ending: Ending = { at: at(2), how: 'failed', code: 'INCIDENT_CLOSED' }
    const [, outcome] = told('incident', record('update', 'close', [{ by: person }], { ending }))
    expect(outcome).toMatchObject({ outcome: 'failure', reason: { reasonCode: 'INCIDENT_CLOSED' } })
  })

  it('in Temporal is told with what the engine knows of them, but to a tenant without names of machines', () => {
    const cancel = record('cancel', 'cancel', [], { identity: '1@ctl-1' })
    expect(told('run', cancel)[0]).toMatchObject({ action: 'stop/cancel', initiator: { id: '1@ctl-1' } })
    expect(JSON.stringify(told('action', cancel))).not.toContain('ctl-1')
  })
})

describe('words between workflows', () => {
  it.each([
    ['governor', 'request'],
    ['governor', 'giveBack'],
    ['governor', 'outcome'],
    ['run', 'leaseVerdict'],
    ['incident', 'observe'],
  ])('to the %s by %s are nobody’s act', (kind, name) => {
    expect(told(kind, record('signal', name, [{}]))).toEqual([])
  })

  it('nor are activities that only look, or only tell Steward itself', () => {
    for (const [name, effect] of Object.entries(sideEffects))
      if (typeof effect === 'string') expect(told('run', record('activity', name, [{}]))).toEqual([])
    expect(told('run', record('activity', 'toString', [{}]))).toEqual([])
  })
})

describe('an act', () => {
  const restart = (ending?: Ending) =>
    told(
      'run',
      record('start', 'began', [{}]),
      record('activity', 'restartService', [{ host: 'cmp-1', binary: 'nova-compute' }], ending && { ending }),
    )

  it('that is under way is told as intent only', () => {
    expect(restart().map(({ outcome }) => outcome)).toEqual(['pending'])
    expect(restart()[0]).toMatchObject({ action: 'update/restart', target: { id: 'cmp-1/nova-compute' } })
  })

  it.each([
    ['completed', { how: 'completed' }, 'success', undefined],
    ['ended with a code', { how: 'failed', code: 'SSH_UNREACHABLE' }, 'failure', 'SSH_UNREACHABLE'],
    ['ended without anybody knowing how', { how: 'failed', code: 'OUTCOME_UNKNOWN' }, 'unknown', 'OUTCOME_UNKNOWN'],
    [
      'was sent over a connection that broke',
      { how: 'failed', code: 'SSH_OUTCOME_UNKNOWN' },
      'unknown',
      'SSH_OUTCOME_UNKNOWN',
    ],
    ['ended with an error nobody thought of', { how: 'failed', code: 'TypeError' }, 'unknown', 'INTERNAL'],
    ['lost its worker', { how: 'lost' }, 'unknown', 'OUTCOME_UNKNOWN'],
  ] as const)('that %s is told as such', (_told, how, outcome, code) => {
    const [, end] = restart({ at: at(2), ...how })
    expect(end?.outcome).toBe(outcome)
    expect(end?.reason?.reasonCode).toBe(code)
  })

  it('says how often it was tried, and what it found', () => {
    const [intent, outcome] = restart({ ...done, result: { outcome: 'was restarted' }, attempts: 3 })
    expect(outcome?.attachments[0]?.content).toMatchObject({ attempts: 3, result: 'was restarted' })
    expect(intent?.attachments[0]?.content).not.toHaveProperty('result')
  })

  it('has its outcome after its intent, also when the clock was set back', () => {
    const keyed = auditEventsOf(execution('run'), [
      record('activity', 'restartService', [{ host: 'a', binary: 'b' }], { ending: { at: at(0), how: 'completed' } }),
    ])
    expect(keyed.map(({ event }) => event.eventTime)).toEqual([at(1), at(1)])
    expect((keyed[0]?.key ?? '') < (keyed[1]?.key ?? '')).toBe(true)
  })

  it('whose key is gone is still told to have been', () => {
    const [intent] = told('run', record('activity', 'restartService', []))
    expect(intent).toMatchObject({ action: 'restartService', target: { id: 'run/1' } })
  })
})

it('tells nothing of bodies, queries, answers, messages and trust ids, whatever is in them', () => {
  const secret = fc.stringMatching(/^SECRET[a-z0-9]{12}$/)
  const body = fc.dictionary(
    fc.stringMatching(/^[a-z]{1,8}$/),
    fc.oneof(secret, fc.array(secret), fc.dictionary(secret, secret)),
  )
  fc.assert(
    fc.property(body, secret, secret, fc.constantFrom('POST', 'PUT', 'DELETE'), (given, hidden, id, method) => {
      const trustId = `${id}beef`
      const path = `/servers/6f1c/action?token=${hidden}`
      const call = { service: 'compute', method, path, body: given }
      const view = { id: 'a', userId: 'u', projectId: 'p', call }
      const result = { status: 200, requestId: 'req', body: given, note: hidden, startedAt: 'x' }
      const events = auditEventsOf(execution('action'), [
        record('start', 'began', [{ view, trustId }]),
        record('activity', 'performCall', [{ call, trustId }], { ending: { ...done, result } }),
        record('activity', 'deleteTrust', [{ trustId }], { ending: { ...done, how: 'failed', code: hidden } }),
      ])
      expect(events).toHaveLength(6)
      for (const { event } of events) AuditEvent.parse(event)
      expect(JSON.stringify(events)).not.toMatch(/SECRET/)
    }),
  )
})

it('a trust id is told by its last four characters, and one that is too short for that not at all', () => {
  expect(masked('0123456789abcdef')).toBe('****cdef')
  expect(masked('abcdefgh')).toBe('****')
})

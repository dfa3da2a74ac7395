import fc from 'fast-check'
import { GovernorConfig, noState } from '../../core/governor.ts'
import { type Incident, IncidentState } from '../../core/incident.ts'
import type { ReportInput } from '../../policies/report.ts'

/** The moment at which reports are made. */
export const nowMs = Date.parse('2026-11-21T03:00:00Z')
export const at = (minutes: number) => new Date(nowMs + minutes * 60_000).toISOString()
export const brakes = GovernorConfig.parse({})

let made = 0

/** An incident of an hour ago that was confirmed and closed by itself, unless `changes` say otherwise. */
export const incidentOf = (changes: Partial<Incident> = {}): Incident => ({
  id: `00000000-0000-4000-8000-${String(++made).padStart(12, '0')}`,
  workflowId: 'incident/compute-down/cmp-1/nova-compute',
  policy: 'compute-down',
  host: 'cmp-1',
  binary: 'nova-compute',
  state: 'closed',
  summary: 'nova-compute on cmp-1 is down',
  source: 'poll',
  openedAt: at(-60),
  endedAt: at(-50),
  signals: 1,
  runs: [],
  rung: 0,
  answers: [],
  reason: { detail: 'resolved before anything was done' },
  timeline: [],
  ...changes,
})

export const runOf = (changes: Partial<Incident['runs'][number]> = {}): Incident['runs'][number] => ({
  runbook: 'restart-service',
  workflowId: 'run/restart-service/cmp-1/nova-compute',
  runId: 'r',
  outcome: 'succeeded',
  targets: ['host/cmp-1'],
  startedAt: at(-58),
  endedAt: at(-55),
  ...changes,
})

export const proposalOf = (changes: Partial<NonNullable<Incident['proposal']>> = {}) => ({
  planId: '11111111-1111-4111-8111-111111111111',
  runbook: 'restart-service',
  targets: ['host/cmp-1'],
  sentence: 'restart nova-compute on cmp-1',
  askedAt: at(-59),
  expiresAt: at(-29),
  needs: 1,
  reasons: ['the mode is ask, by governor.mode of steward.yaml'],
  ...changes,
})

export const answerOf = (says: 'approved' | 'rejected', planId = proposalOf().planId) => ({
  ...{ planId, by: 'olga', userId: 'user-olga', at: at(-57), says },
})

export const reportInput = (incidents: readonly Incident[], changes: Partial<ReportInput> = {}): ReportInput => ({
  sinceMs: nowMs - 7 * 86_400_000,
  untilMs: nowMs,
  truncated: false,
  incidents,
  policies: [],
  outcomes: noState,
  governor: brakes,
  nowMs,
  ...changes,
})

const minutes = fc.integer({ min: -8 * 24 * 60, max: 0 })
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const runbooks = fc.constantFrom('restart-service', 'relieve-host', 'collect-evidence')
const codes = fc.constantFrom('OBSERVE_ONLY', 'FLAPPING', 'APPROVAL_REJECTED', 'FUSE_BLOWN', 'STOPPED', 'INTERNAL')
const plans = fc.constantFrom(proposalOf().planId, '22222222-2222-4222-8222-222222222222')

/** Anything an incident could look like, also what none should. */
export const anyIncident: fc.Arbitrary<Incident> = fc
  .record({
    policy: fc.constantFrom('compute-down', 'host-hot'),
    host: fc.constantFrom('cmp-1', 'cmp-2'),
    state: fc.constantFrom(...IncidentState.options),
    openedAt: minutes,
    lasted: maybe(fc.integer({ min: -1, max: 3000 })),
    recovered: maybe(fc.integer({ min: -1, max: 3000 })),
    runs: fc.array(
      fc.record({ runbook: runbooks, after: fc.integer({ min: -1, max: 60 }), helped: maybe(fc.boolean()) }),
      { maxLength: 3 },
    ),
    answers: fc.array(fc.record({ says: fc.constantFrom('approved' as const, 'rejected' as const), planId: plans }), {
      maxLength: 3,
    }),
    proposal: maybe(fc.record({ planId: plans, runbook: runbooks, needs: fc.integer({ min: 1, max: 2 }) })),
    code: maybe(codes),
    detail: fc.constantFrom(
      'resolved before anything was done',
      'not confirmed, 0 of 1: a second look found the service up',
      'not confirmed: the service is disabled, so somebody is at work on it',
      'cleared after people were asked: no room',
      'closed by olga: broken disk',
      'the signal cleared',
    ),
    takenOver: fc.boolean(),
    says: maybe(fc.constantFrom('pass' as const, 'wait' as const, 'refuse' as const, 'observe' as const)),
  })
  .map(({ openedAt, lasted, recovered, runs, answers, proposal, code, detail, takenOver, says, ...rest }) =>
    incidentOf({
      ...rest,
      openedAt: at(openedAt),
      ...(lasted === undefined ? { endedAt: undefined as never } : { endedAt: at(openedAt + lasted) }),
      ...(recovered !== undefined && { recoveredAt: at(openedAt + recovered) }),
      runs: runs.map(({ runbook, after, helped }) =>
        runOf({ runbook, startedAt: at(openedAt + after), ...(helped !== undefined && { helped }) }),
      ),
      answers: answers.map((answer) => answerOf(answer.says, answer.planId)),
      ...(proposal && { proposal: proposalOf({ ...proposal, askedAt: at(openedAt), expiresAt: at(openedAt + 30) }) }),
      reason: { detail, ...(code !== undefined && { code }) },
      ...(takenOver && { takenOverBy: 'olga' }),
      ...(says && { rulings: [{ rule: 'fuse', says, reason: 'x', code: 'FUSE_BLOWN' }] }),
    }),
  )

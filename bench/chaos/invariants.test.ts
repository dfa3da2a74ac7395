import { describe, expect, it } from 'vitest'
import { GovernorConfig } from '../../core/governor.ts'
import type { Incident } from '../../core/incident.ts'
import { invariants } from './invariants/all.ts'
import { readApiLog } from './records/api-log.ts'
import { type Effect, effectsOf } from './records/effects.ts'
import type { Records } from './records/records.ts'
import { readSupervisorLog } from './records/supervisor-log.ts'

const t0 = Date.parse('2026-11-21T05:00:00Z')
const iso = (ms: number) => new Date(ms).toISOString()
const olga = 'olga-id'
const server = '8e031df1-ab15-4240-88b9-9effce565a39'
const runId = '11111111-2222-4333-8444-555555555555'

const incident = {
  id: 'i1',
  workflowId: 'incident/host-overloaded/compute1',
  policy: 'host-overloaded',
  host: 'compute1',
  state: 'closed',
  runs: [
    {
      runbook: 'relieve-host',
      workflowId: 'run/relieve-host/compute1',
      runId,
      outcome: 'succeeded',
      targets: ['host/compute1', `server/${server}`],
      startedAt: iso(t0),
      endedAt: iso(t0 + 10_000),
    },
  ],
  reason: { detail: 'well' },
} as unknown as Incident

const move: Effect = {
  what: 'live-migration',
  at: t0 + 1_000,
  until: t0 + 4_000,
  target: `server/${server}`,
  runId,
  userId: olga,
  took: true,
  evidence: 'POST',
}
const told = (phase: 'intent' | 'outcome', ms: number) => ({
  id: 'e1',
  at: ms,
  phase,
  action: 'update/live-migrate',
  outcome: phase === 'intent' ? ('pending' as const) : ('success' as const),
  runId,
  targets: [`server/${server}`],
  line: '{}',
})
const lease = { id: 'l1', state: 'held', requester: 'alert', by: 'p', runbook: 'relieve-host', since: iso(t0) }
const held = (id: string, ...targets: string[]) => ({ ...lease, id, targets })
const ghost = {
  status: 'firing',
  labels: { host: 'ghost-a-1' },
  startsAt: iso(t0),
  endsAt: '',
  fingerprint: 'f',
} as const

/** A run that kept every promise. */
const good: Records = {
  governor: GovernorConfig.parse({}),
  journal: [{ at: t0, event: 'delegated', by: 'olga', userId: olga, from: t0 - 60_000 }],
  samples: [
    { at: t0, leases: { leases: [held('l1', 'host/compute1')] }, services: { compute1: 'up' } },
    { at: t0 + 20_000, leases: { leases: [] } },
  ],
  deliveries: [{ at: t0, answeredAt: t0, by: 'direct', alerts: [ghost], status: 200, counts: { opened: 1 } }],
  audit: [told('intent', t0 + 900), told('outcome', t0 + 4_500)],
  incidents: [incident],
  actions: [],
  effects: [move],
  migrations: [
    {
      uuid: 'm1',
      serverId: server,
      from: 'compute1',
      to: 'compute3',
      status: 'completed',
      createdAt: t0 + 1_000,
      updatedAt: t0 + 4_000,
    },
  ],
  incidentWorkflows: ['incident/host-overloaded/ghost-a-1'],
  userIds: { olga, admin: 'admin-id', alice: 'alice-id' },
  restless: [],
}

const action = {
  id: 'a1',
  state: 'done',
  userId: 'alice-id',
  call: { path: `/servers/${server}/action` },
  runAt: iso(t0),
  endedAt: iso(t0 + 1),
  runRequestId: 'req-a',
  result: { status: 202 },
} as unknown as Records['actions'][number]
const stop: Effect = { ...move, what: 'stop', runId: 'a', userId: 'alice-id', at: t0 + 20_000, until: t0 + 20_100 }
const audits = (of: string) =>
  [told('intent', t0 + 19_000), told('outcome', t0 + 21_000)].map((event) => ({ ...event, runId: of }))
const journal = (event: string, details: object) => [...good.journal, { at: t0, event, ...details }]
const restart: Effect = {
  what: 'restart',
  at: t0 + 2_000,
  until: t0 + 2_500,
  target: 'host/compute3',
  took: true,
  evidence: 'spawned',
}

/** Each breaks one promise, and must be told by that one. */
const broken: readonly [string, string, Partial<Records>][] = [
  [
    'I1 one actor',
    'two leases on one host',
    { samples: [{ at: t0, leases: { leases: [held('l1', 'host/compute1'), held('l2', 'host/compute1')] } }] },
  ],
  [
    'I1 one actor',
    'a call to a server while it moves',
    { actions: [action], effects: [move, { ...stop, at: t0 + 2_000, until: t0 + 2_100 }] },
  ],
  ['I1 one actor', 'a restart of the host that takes a server in', { effects: [move, restart] }],
  [
    'I1 one actor',
    'two migrations of one server',
    { migrations: [...good.migrations, ...good.migrations.map((m) => ({ ...m, uuid: 'm2' }))] },
  ],
  [
    'I3 budgets',
    'three runs in one zone',
    { samples: [{ at: t0, leases: { leases: ['1', '2', '3'].map((n) => held(n, `host/compute${n}`)) } }] },
  ],
  ['I4 targets', 'a server that was no target', { effects: [{ ...move, target: 'server/other' }] }],
  ['I4 targets', 'an intent without a target', { audit: [...good.audit, { ...told('intent', t0), targets: [] }] }],
  [
    'I5 stop button',
    'a move six seconds after the stop',
    { journal: journal('stop window', { from: move.at - 6_000, to: move.at + 1 }) },
  ],
  [
    'I7 resolved before',
    'a run for what was over',
    { incidents: [{ ...incident, reason: { detail: 'resolved before anything was done' } }] },
  ],
  ['I8 audit', 'no intent before the effect', { audit: [told('intent', t0 + 1_500), told('outcome', t0 + 4_500)] }],
  ['I8 audit', 'no outcome after it', { audit: [told('intent', t0 + 900)] }],
  ['I8 audit', 'a restart that nobody tells of', { effects: [{ ...restart, at: t0 + 60_000, until: t0 + 60_000 }] }],
  ['I9 rights', "a move with somebody else's rights", { effects: [{ ...move, userId: 'alice-id' }] }],
  [
    'I9 rights',
    "a tenant's call with the operator's rights",
    { actions: [action], effects: [{ ...stop, userId: olga }], audit: audits('a') },
  ],
  [
    'actions once',
    'an action that was done twice',
    { actions: [action], effects: [stop, { ...stop, at: t0 + 30_000, until: t0 + 30_100 }], audit: audits('a') },
  ],
  ['actions once', 'an action that is done without an effect', { actions: [action] }],
  [
    'actions once',
    'a cancelled action that was done',
    { actions: [{ ...action, state: 'cancelled' }], effects: [stop], audit: audits('a') },
  ],
  [
    'all hosts down',
    'a move begun while no host is up',
    {
      samples: [
        { at: t0 - 9_000, services: { compute1: 'down', compute2: 'down' } },
        { at: t0 + 9_000, services: { compute1: 'down', compute2: 'down' } },
      ],
    },
  ],
  ['nothing stuck', 'something still at work', { restless: ['action a1 is running'] }],
  [
    'nothing stuck',
    'a lease that is left',
    { samples: [{ at: t0, leases: { leases: [held('l1', 'host/compute1')] } }] },
  ],
  [
    'alerts reconcile',
    'alerts that were not counted',
    { deliveries: good.deliveries.map((d) => ({ ...d, alerts: [ghost, ghost] })) },
  ],
  ['alerts reconcile', 'an alert without an incident', { incidentWorkflows: ['incident/host-overloaded/compute1'] }],
  [
    'alerts reconcile',
    'an alert with two',
    { incidentWorkflows: [...good.incidentWorkflows, ...good.incidentWorkflows] },
  ],
  [
    'no 500',
    'an answer that has no name',
    { journal: journal('asked', { method: 'POST', path: '/v1/stop', status: 500 }) },
  ],
]

describe('what the chaos run checks', () => {
  it('finds nothing in a run that kept every promise', () => {
    for (const check of Object.values(invariants)) expect(check(good)).toEqual([])
  })

  it.each(broken)('%s: tells %s', (rule, _what, change) => {
    const found = invariants[rule]?.({ ...good, ...change }) ?? []
    expect(found.map((violation) => violation.rule)).toContain(rule)
  })

  it('reads effects from the logs of the cloud', () => {
    const api =
      `2026-11-21 05:06:35.306 3239 INFO nova.api.openstack.requestlog [req-${runId} req-5a53e89f-6dcd-4c23-84e4-bb23cad3a4e6 ${olga} p - - default default] 127.0.0.1 "POST /v2.1/servers/${server}/action" status: 202 len: 0 microversion: 2.96 time: 0.150366\n` +
      `2026-11-21 05:06:36.306 3239 INFO nova.api.openstack.requestlog [None req-5a53e89f-6dcd-4c23-84e4-bb23cad3a4e7 ${olga} p - - default default] 127.0.0.1 "POST /v2.1/servers/${server}/action" status: 202 len: 0 microversion: 2.96 time: 0.1\n`
    const supervisor = [
      "2026-11-21 05:05:38,087 INFO spawned: 'nova-compute-2' with pid 1",
      '2026-11-21 05:06:49,070 INFO waiting for nova-compute-2 to stop',
      '2026-11-21 05:06:53,406 INFO stopped: nova-compute-2 (exit status 0)',
      "2026-11-21 05:06:53,412 INFO spawned: 'nova-compute-2' with pid 4175",
    ].join('\n')
    const calls = readApiLog(api)
    const starts = readSupervisorLog(supervisor)
    expect(calls).toMatchObject([{ runId, userId: olga, serverId: server, status: 202, method: 'POST' }])
    expect(starts).toMatchObject([{ host: 'compute2' }])
    const [start] = starts
    const records = { calls, actions: [], migrations: [], starts }
    expect(effectsOf({ ...records, journal: [] })).toHaveLength(2)
    const ours = { at: 0, event: 'compute started', n: 2, startedAt: start?.at, endedAt: start?.startedAt }
    expect(effectsOf({ ...records, journal: [ours] })).toHaveLength(1)
  })
})

import { describe, expect, it } from 'vitest'
import { failure } from '../../core/errors.ts'
import type { IncidentView } from '../../core/incident.ts'
import type { Plan } from '../../core/plan.ts'
import { type BinaryPolicy, type GaugePolicy, Rung } from '../../core/policy.ts'
import { observe } from '../../workflows/incident/incident.ts'
import { listedState, until, useWorker, viewOf } from './engine.ts'
import { alertOf, binaryPolicy, followTo, gaugePolicy, openIncident, order, service, texts } from './incident-bench.ts'
import { gate, type Script } from './scripted.ts'

const bench = useWorker()
const stillDown = 'nova-compute is still down after 300 s'
const staysDown: Script = {
  lookAtService: service('down'),
  lookAtProcess: { pid: 100, startedEpochSeconds: 1_760_000_000 },
  restartService: { outcome: 'restarted' },
  awaitServiceUp: failure('SERVICE_STILL_DOWN', stillDown),
}
const noMove: Plan = { moves: [], skipped: [], before: 0.9, after: 0.9 }
const rung = (more: Partial<Rung>): Rung =>
  ({ runbook: 'relieve-host', with: { resource: 'vcpu', limit: 0.8, maxMoves: 3 }, attempts: 1, ...more }) as Rung
const collect = rung({ runbook: 'collect-evidence', with: {}, backOffSeconds: 0 })

async function incidentOf(script: Script, more: Partial<BinaryPolicy> = {}) {
  const cloud = bench.cloud(script)
  const policy = binaryPolicy(more)
  return { cloud, policy, handle: await openIncident(bench, cloud, policy) }
}

describe.concurrent('a rung with a runbook of the installation', () => {
  const serverId = '6f1c0000-0000-4000-8000-000000000000'
  const tidy = Rung.parse({ runbook: 'test-tidy-host', with: { serverId }, backOffSeconds: 0 })

  it('is begun with the host of the alert, under its own lease, and is one of the runs of the incident', async () => {
    const { cloud, policy, handle } = await incidentOf(
      { ...staysDown, performCall: { status: 202, startedAt: '2026-11-21T00:00:00.000Z' } },
      { ladder: [tidy] },
    )
    await until(() => cloud.inputs('performCall').length, 1)
    expect(cloud.inputs('performCall')).toEqual([{ action: 'server.stop', input: { serverId }, standing: true }])
    expect(cloud.inputs('requestLease').at(-1)?.request).toMatchObject({
      ...{ runbook: 'test-tidy-host', targets: [`host/${cloud.host}`], requester: 'alert', by: policy.name },
    })
    await until(async () => (await viewOf<IncidentView>(handle)).runs.at(-1)?.detail, `${cloud.host} is tidy`)
  })

  it('asks people at once when the worker does not have it', async () => {
    const lost = Rung.parse({ runbook: 'make-coffee', backOffSeconds: 0 })
    const { handle } = await incidentOf(staysDown, { ladder: [lost] })
    expect((await followTo(handle, 'escalated')).reason).toMatchObject({ code: 'RUNBOOK_UNKNOWN' })
  })
})

describe.concurrent('a runbook that does not help', () => {
  it('is run as often as the policy says, then people are asked, with code and reason', async () => {
    const { cloud, handle } = await incidentOf(staysDown, { attempts: 2 })
    const view = await followTo(handle, 'escalated')
    expect(view).toMatchObject({
      reason: { code: 'SERVICE_STILL_DOWN', detail: stillDown },
      runs: [
        { outcome: 'failed', detail: stillDown, helped: false, endedAt: expect.any(String) },
        { outcome: 'failed', detail: stillDown, helped: false },
      ],
    })
    expect(view).not.toHaveProperty('endedAt')
    expect(view).not.toHaveProperty('recoveredAt')
    expect(cloud.inputs('restartService')).toHaveLength(2)
    expect(new Set(view.runs.map((run) => run.runId)).size).toBe(2)
    expect(cloud.inputs('reportOutcome').map(({ outcome }) => outcome.helped)).toEqual([false, false])
    expect(await listedState(handle)).toBe('escalated')
  })

  it('waits before the next attempt, and twice as long before the one after', async () => {
    const { cloud, handle } = await incidentOf(staysDown, { attempts: 3, backOffSeconds: 1 })
    const view = await followTo(handle, 'escalated')
    expect(texts(view).filter((text) => text.startsWith('attempt'))).toEqual([
      `attempt 1 did not help: ${stillDown}; the next one in 1 s`,
      `attempt 2 did not help: ${stillDown}; the next one in 2 s`,
    ])
    const begunMs = view.runs.map(({ startedAt }) => Date.parse(startedAt))
    expect((begunMs[1] ?? 0) - (begunMs[0] ?? 0)).toBeGreaterThanOrEqual(1000)
    expect((begunMs[2] ?? 0) - (begunMs[1] ?? 0)).toBeGreaterThanOrEqual(2000)
    expect(cloud.inputs('restartService')).toHaveLength(3)
  })

  it('is not run again when the alert resolves while the next attempt is waited for', async () => {
    const { cloud, handle, policy } = await incidentOf(
      { ...staysDown, lookAtService: [service('down'), service('down'), service('up')] },
      { attempts: 2, backOffSeconds: 60 },
    )
    await until(async () => (await handle.describe()).memo?.view, expect.objectContaining({ state: 'planning' }))
    await until(() => cloud.inputs('reportOutcome').length, 1)
    await handle.signal(observe, alertOf(policy, cloud, { status: 'resolved' }))
    expect(await handle.result()).toMatchObject({
      state: 'closed',
      runs: [{ outcome: 'failed', helped: false }],
      recoveredAt: expect.any(String),
    })
    expect(cloud.inputs('restartService')).toHaveLength(1)
  })

  it('does not close the incident when the service is down again at the last look', async () => {
    const { cloud, handle } = await incidentOf({ ...staysDown, awaitServiceUp: { outcome: 'stable', upAfterMs: 1 } })
    expect(await followTo(handle, 'escalated')).toMatchObject({
      reason: { code: 'SERVICE_STILL_DOWN', detail: `nova-compute on ${cloud.host} is down again` },
      runs: [{ outcome: 'succeeded', helped: false }],
    })
    expect(cloud.inputs('reportOutcome')[0]?.outcome).toMatchObject({ runbook: 'restart-service', helped: false })
  })

  it('changes nothing about the incident when how it turned out cannot be told', async () => {
    const { handle } = await incidentOf({
      ...staysDown,
      reportOutcome: failure('INTERNAL', 'the governor does not listen'),
    })
    expect(await followTo(handle, 'escalated')).toMatchObject({ reason: { code: 'SERVICE_STILL_DOWN' } })
  })

  it('asks people when nobody has delegated the rights to look', async () => {
    const { handle } = await incidentOf({ lookAtService: failure('DELEGATION_MISSING', 'nobody has delegated rights') })
    expect(await followTo(handle, 'escalated')).toMatchObject({ reason: { code: 'DELEGATION_MISSING' }, runs: [] })
  })

  it('is not started while another incident runs it on the same target', async () => {
    const restart = gate<{ outcome: 'restarted' }>()
    const { cloud, handle } = await incidentOf({
      ...staysDown,
      lookAtService: () => service(cloud.inputs('awaitServiceUp').length === 0 ? 'down' : 'up'),
      restartService: () => restart.opened,
      awaitServiceUp: { outcome: 'stable', upAfterMs: 1200 },
    })
    await until(() => cloud.names().at(-1), 'restartService')
    const rival = await openIncident(bench, cloud, binaryPolicy({ name: 'another-policy' }))
    expect(await followTo(rival, 'escalated')).toMatchObject({ reason: { code: 'RUN_IN_PROGRESS' }, runs: [] })
    restart.open({ outcome: 'restarted' })
    await handle.result()
    expect(cloud.inputs('restartService')).toHaveLength(1)
  })
})

describe.concurrent('a ladder', () => {
  it('goes on with its next step, and asks people after the last one', async () => {
    const cloud = bench.cloud({
      ...staysDown,
      planRelief: noMove,
      collectEvidence: { collectedAt: '2026-11-21T00:00:10.000Z', services: [], lines: [] },
    })
    const handle = await openIncident(bench, cloud, binaryPolicy({ ladder: [rung({}), collect] }))
    const view = await followTo(handle, 'escalated')
    expect(view.runs.map(({ runbook, outcome, helped }) => [runbook, outcome, helped])).toEqual([
      ['restart-service', 'failed', false],
      ['relieve-host', 'succeeded', false],
      ['collect-evidence', 'succeeded', false],
    ])
    expect(view.rung).toBe(2)
    expect(texts(view)).toContain('step 3 of 3: runbook collect-evidence, attempt 1 of 1')
    // to collect evidence changes nothing: it needs no word of the governor, and cannot help
    expect(cloud.inputs('consultGovernor').map(({ request }) => request.runbook)).toEqual([
      'restart-service',
      'relieve-host',
    ])
    expect(cloud.inputs('reportOutcome').map(({ outcome }) => outcome.runbook)).toEqual([
      'restart-service',
      'relieve-host',
    ])
  })

  it('begins at its first step again when a person hands the incident back', async () => {
    const cloud = bench.cloud({ ...staysDown, planRelief: noMove })
    const handle = await openIncident(bench, cloud, binaryPolicy({ ladder: [rung({})] }))
    await followTo(handle, 'escalated')
    await order(handle, 'hand-back', 'olga', {})
    await until(() => cloud.inputs('restartService').length, 2)
    const { runs } = await followTo(handle, 'escalated')
    expect(runs.map(({ runbook }) => runbook)).toEqual([
      ...['restart-service', 'relieve-host'],
      ...['restart-service', 'relieve-host'],
    ])
  })

  it('is left at the step that helps', async () => {
    const cloud = bench.cloud({
      ...staysDown,
      lookAtService: [service('down'), service('down'), service('up')],
      planRelief: noMove,
    })
    const handle = await openIncident(bench, cloud, binaryPolicy({ ladder: [rung({}), collect] }))
    expect(await handle.result()).toMatchObject({
      state: 'closed',
      rung: 1,
      runs: [
        { runbook: 'restart-service', helped: false },
        { runbook: 'relieve-host', helped: true },
      ],
    })
  })

  const restart = { stableSeconds: 1, withinSeconds: 5, maxRestarts: 1 }
  const gaugeOf = async (more: Partial<GaugePolicy>, script: Script) => {
    const cloud = bench.cloud(script)
    return { cloud, handle: await openIncident(bench, cloud, gaugePolicy(more)) }
  }

  it('goes on when no plan can be made, without a run', async () => {
    const { handle, cloud } = await gaugeOf(
      {
        ladder: [
          { runbook: 'restart-service', with: { ...restart, binary: 'nova-compute' }, attempts: 1, backOffSeconds: 0 },
        ],
      },
      { ...staysDown, planRelief: failure('PLAN_IMPOSSIBLE', 'no host has room') },
    )
    expect(await followTo(handle, 'escalated')).toMatchObject({ runs: [{ runbook: 'restart-service' }] })
    expect(cloud.inputs('restartService')[0]).toMatchObject({ binary: 'nova-compute' })
  })

  it('asks people where it names no service to restart', async () => {
    const { handle } = await gaugeOf(
      { ladder: [{ runbook: 'restart-service', with: restart, attempts: 1, backOffSeconds: 0 }] },
      { planRelief: failure('PLAN_IMPOSSIBLE', 'no host has room') },
    )
    expect(await followTo(handle, 'escalated')).toMatchObject({ reason: { code: 'CONFIG_INVALID' }, runs: [] })
  })
})

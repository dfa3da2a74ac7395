import { describe, expect, it } from 'vitest'
import type { MigrationOutcome } from '../../core/activities.ts'
import { failure } from '../../core/errors.ts'
import type { IncidentView } from '../../core/incident.ts'
import type { Move, Plan } from '../../core/plan.ts'
import type { GaugePolicy } from '../../core/policy.ts'
import { observe } from '../../workflows/incident/incident.ts'
import { until, untilState, useWorker, viewOf } from './engine.ts'
import { alertOf, followTo, gaugePolicy, openIncident, texts } from './incident-bench.ts'
import { gate, type Script } from './scripted.ts'

const bench = useWorker()
const noMove: Plan = { moves: [], skipped: [], before: 0.5, after: 0.5 }

const move = (serverId: string, from: string): Move => ({
  serverId,
  serverName: serverId,
  from,
  to: 'cmp-cool',
  memoryMiB: 512,
  reason: 'relieves it',
})

async function incidentOf(script: Script, more: Partial<GaugePolicy> = {}) {
  const cloud = bench.cloud(script)
  const policy = gaugePolicy(more)
  const handle = await openIncident(bench, cloud, policy)
  const say = (status: 'firing' | 'resolved') => handle.signal(observe, alertOf(policy, cloud, { status }))
  return { cloud, policy, handle, say }
}

describe.concurrent('a host that is too full', () => {
  it('is relieved, and the incident closes when the monitor says that it is over', async () => {
    const { cloud, handle, say, policy } = await incidentOf({ planRelief: noMove })
    await untilState(handle, 'verifying')
    await say('resolved')
    const view = await handle.result()
    expect(cloud.inputs('planRelief')).toEqual([{ host: cloud.host, ...policy.with }])
    expect(view).toMatchObject({
      state: 'closed',
      signals: 2,
      runs: [{ runbook: 'relieve-host', workflowId: `run/relieve-host/${cloud.host}`, outcome: 'succeeded' }],
      reason: { detail: `the alert on ${cloud.host} resolved and stayed resolved for 0 s` },
    })
    expect(await viewOf(handle)).toEqual(view)
  })

  it('counts as relieved too when the monitor said so while servers were still being moved', async () => {
    const migration = gate<MigrationOutcome>()
    const { cloud, handle, say } = await incidentOf({
      planRelief: ({ host }) => ({ ...noMove, moves: [move('a', host)] }),
      liveMigrate: () => migration.opened,
    })
    await until(() => cloud.names(), ['planRelief', 'liveMigrate'])
    await say('resolved')
    migration.open({ host: 'cmp-cool', migrationUuid: 'm-1', durationMs: 1500 })
    expect(await handle.result()).toMatchObject({ state: 'closed', runs: [{ outcome: 'succeeded' }] })
  })

  it('is left alone when the alert resolves while the moves are still being planned', async () => {
    const plan = gate<Plan>()
    const { cloud, handle, say } = await incidentOf({ planRelief: () => plan.opened })
    await until(() => cloud.names(), ['planRelief'])
    await say('resolved')
    plan.open({ ...noMove, moves: [move('a', cloud.host)] })
    expect(await handle.result()).toMatchObject({
      state: 'closed',
      runs: [],
      reason: { detail: 'resolved before anything was done' },
    })
    expect(cloud.names()).toEqual(['planRelief'])
    expect(cloud.inputs('consultGovernor')).toEqual([])
  })

  it('needs no run when the alert had resolved before it could begin', async () => {
    const cloud = bench.cloud({ planRelief: noMove })
    const handle = await openIncident(bench, cloud, gaugePolicy(), { status: 'resolved' })
    expect(await handle.result()).toMatchObject({
      state: 'closed',
      runs: [],
      reason: { detail: 'resolved before anything was done' },
    })
    expect(cloud.names()).toEqual([])
  })

  it('is a matter for people when the alert does not resolve in time, although the runbook ended well', async () => {
    const { cloud, handle } = await incidentOf({ planRelief: noMove }, { clearWithinSeconds: 1 })
    expect(await followTo(handle, 'escalated')).toMatchObject({
      state: 'escalated',
      reason: { code: 'SIGNAL_NOT_CLEARED', detail: `the alert on ${cloud.host} did not resolve within 1 s` },
      runs: [{ outcome: 'succeeded' }],
    })
  })

  it('is not taken for relieved when the alert comes back within the time it must stay over', async () => {
    const { handle, say } = await incidentOf({ planRelief: noMove }, { clearWithinSeconds: 2, stableSeconds: 60 })
    await untilState(handle, 'verifying')
    await say('resolved')
    await say('firing')
    expect(await followTo(handle, 'escalated')).toMatchObject({
      state: 'escalated',
      reason: { code: 'SIGNAL_NOT_CLEARED' },
    })
  })

  it('is not taken for relieved when the end of an earlier start of the alert is delivered late', async () => {
    const { cloud, handle, policy } = await incidentOf({ planRelief: noMove }, { clearWithinSeconds: 3 })
    const again = { key: 'it began anew', startsAt: '2026-11-21T00:10:00.000Z' }
    await handle.signal(observe, alertOf(policy, cloud, again))
    await handle.signal(observe, alertOf(policy, cloud, { status: 'resolved' }))
    expect(await followTo(handle, 'escalated')).toMatchObject({ signals: 3, reason: { code: 'SIGNAL_NOT_CLEARED' } })
    await handle.signal(observe, alertOf(policy, cloud, { ...again, status: 'resolved' }))
    expect(await handle.result()).toMatchObject({ state: 'closed', signals: 4 })
  })

  it('is looked at anew when the alert begins anew while its incident is being closed', async () => {
    const told = gate<undefined>()
    const { cloud, handle, say, policy } = await incidentOf({ planRelief: noMove, reportOutcome: () => told.opened })
    await untilState(handle, 'verifying')
    await say('resolved')
    const isClear = async () => 'clearSince' in (await viewOf<object>(handle))
    // the end was seen, and the incident waits for the governor before it closes
    await until(isClear, true)
    await until(() => cloud.inputs('reportOutcome').length > 0, true)
    await handle.signal(observe, alertOf(policy, cloud, { key: 'it began anew' }))
    await until(isClear, false)
    told.open(undefined)
    await until(() => cloud.inputs('planRelief').length, 2)
    await untilState(handle, 'verifying')
    const view = await viewOf<IncidentView>(handle)
    expect(texts(view)).toContain('the alert fires again')
    expect(view).not.toHaveProperty('endedAt')
    await say('resolved')
    expect(await handle.result()).toMatchObject({ state: 'closed', runs: [{ helped: true }, { helped: true }] })
  })

  it('is relieved when the alert comes back once and then stays over', async () => {
    const { handle, say } = await incidentOf({ planRelief: noMove }, { clearWithinSeconds: 30, stableSeconds: 1 })
    await untilState(handle, 'verifying')
    for (const status of ['resolved', 'firing', 'resolved'] as const) await say(status)
    expect(await handle.result()).toMatchObject({ state: 'closed', signals: 4 })
  })

  it('gets a second run when the first did not clear the alert, if the policy allows it', async () => {
    const { handle, say } = await incidentOf({ planRelief: noMove }, { clearWithinSeconds: 3, attempts: 2 })
    // an end that came while the second plan is made would need no second run
    await until(async () => (await viewOf<IncidentView | undefined>(handle))?.runs.length, 2)
    await say('resolved')
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'closed', runs: [{ outcome: 'succeeded' }, { outcome: 'succeeded' }] })
    expect(view.timeline.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/^attempt 1 did not help: the alert/),
    )
  })

  it('is a matter for people when a migration fails; the moves made stay recorded in the run', async () => {
    const cloud = bench.cloud({
      planRelief: ({ host }) => ({ ...noMove, moves: [move('a', host), move('b', host)] }),
      liveMigrate: [
        { host: 'cmp-cool', migrationUuid: 'm-1', durationMs: 1500 },
        failure('MIGRATION_FAILED', 'Nova gave up: no valid host'),
      ],
    })
    const handle = await openIncident(bench, cloud, gaugePolicy())
    expect(await followTo(handle, 'escalated')).toMatchObject({
      state: 'escalated',
      reason: { code: 'MIGRATION_FAILED', detail: 'Nova gave up: no valid host' },
      runs: [{ outcome: 'failed', detail: 'Nova gave up: no valid host' }],
    })
  })
})

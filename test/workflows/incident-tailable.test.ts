import { describe, expect, it } from 'vitest'
import type { Evidence } from '../../core/activities.ts'
import type { Alert, LogLine } from '../../core/alert.ts'
import { failure } from '../../core/errors.ts'
import type { TailablePolicy } from '../../core/policy.ts'
import { observe } from '../../workflows/incident/incident.ts'
import { until, untilState, useWorker } from './engine.ts'
import { alertOf, followTo, openIncident, tailablePolicy } from './incident-bench.ts'
import { gate, type Script } from './scripted.ts'

const bench = useWorker()
const line = (text: string): LogLine => ({
  ...{ at: '2026-11-21T00:00:00.000Z', level: 'ERROR', component: 'nova-compute', text, requestIds: [] },
})
const evidence: Evidence = { collectedAt: '2026-11-21T00:00:10.000Z', services: [], lines: [] }

async function incidentOf(script: Script, more: Partial<TailablePolicy> = {}, alert: Partial<Alert> = {}) {
  const cloud = bench.cloud(script)
  const policy = tailablePolicy(more)
  const handle = await openIncident(bench, cloud, policy, { lines: [line('first')], ...alert })
  const say = (given: Partial<Alert>) => handle.signal(observe, alertOf(policy, cloud, given))
  return { cloud, handle, say }
}

describe.concurrent('a burst of errors in a log', () => {
  it('has its lines kept as evidence, and the incident closes when the log is quiet', async () => {
    const { cloud, handle, say } = await incidentOf({ collectEvidence: evidence })
    await untilState(handle, 'verifying')
    await say({ status: 'quiet' })
    const view = await handle.result()
    expect(cloud.inputs('collectEvidence')).toEqual([{ host: cloud.host, lines: [line('first')] }])
    expect(view).toMatchObject({
      state: 'closed',
      runs: [{ runbook: 'collect-evidence', outcome: 'succeeded', detail: '1 line(s) kept; services all up' }],
      reason: { detail: `the log of nova-compute on ${cloud.host} has been quiet for 60 s` },
    })
  })

  it('has its lines kept also when it comes and goes: looking makes nothing worse', async () => {
    const { cloud, handle, say } = await incidentOf({ collectEvidence: evidence, recallFirings: { firings: 9 } })
    await untilState(handle, 'verifying')
    await say({ status: 'quiet' })
    expect(await handle.result()).toMatchObject({ state: 'closed', runs: [{ outcome: 'succeeded' }] })
    expect(cloud.inputs('collectEvidence')).toHaveLength(1)
  })

  it('keeps the incident open while the log goes on erring', async () => {
    const { handle, say } = await incidentOf({ collectEvidence: evidence }, { silentAfterSeconds: 30 })
    await untilState(handle, 'verifying')
    for (let turn = 0; turn < 3; turn++) await say({ status: 'firing' })
    expect((await handle.describe()).status.name).toBe('RUNNING')
    await say({ status: 'quiet' })
    expect(await handle.result()).toMatchObject({ state: 'closed', signals: 5 })
  })

  it('is a matter for people when its source falls silent: no news is not good news', async () => {
    const { handle } = await incidentOf({ collectEvidence: evidence }, { silentAfterSeconds: 1 })
    expect(await followTo(handle, 'escalated')).toMatchObject({
      state: 'escalated',
      reason: { code: 'SIGNAL_SOURCE_SILENT', detail: 'nothing was heard of the log for 1 s' },
    })
  })

  it('needs no run when the log was quiet again before one could begin', async () => {
    const { cloud, handle } = await incidentOf({ collectEvidence: evidence }, {}, { status: 'quiet' })
    expect(await handle.result()).toMatchObject({ state: 'closed', runs: [] })
    expect(cloud.names()).toEqual([])
  })

  it('is a matter for people when no evidence can be had', async () => {
    const { handle } = await incidentOf({ collectEvidence: failure('DELEGATION_MISSING', 'nobody has delegated') })
    expect(await followTo(handle, 'escalated')).toMatchObject({
      state: 'escalated',
      reason: { code: 'DELEGATION_MISSING' },
      runs: [{ outcome: 'failed', detail: 'nobody has delegated' }],
    })
  })

  it('names the services that are down in its summary', async () => {
    const down = { host: 'cmp-9', binary: 'nova-compute', state: 'down', status: 'enabled' } as const
    const services = [{ ...down, forcedDown: false, updatedAt: null }]
    const { handle, say } = await incidentOf({ collectEvidence: { ...evidence, services } })
    await untilState(handle, 'verifying')
    await say({ status: 'quiet' })
    expect((await handle.result()).runs[0]?.detail).toBe('1 line(s) kept; services down: nova-compute@cmp-9')
  })

  it('is one incident for the bursts that come while evidence is being collected', async () => {
    const collected = gate<Evidence>()
    const { cloud, handle, say } = await incidentOf({ collectEvidence: () => collected.opened })
    await until(() => cloud.names(), ['collectEvidence'])
    await say({ key: 'another burst', lines: [line('second')] })
    collected.open(evidence)
    await untilState(handle, 'verifying')
    await say({ status: 'quiet' })
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'closed', signals: 3 })
    expect(view.runs).toHaveLength(1)
  })
})

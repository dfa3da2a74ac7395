import { describe, expect, it } from 'vitest'
import type { ServiceInCompany } from '../../core/activities.ts'
import { failure } from '../../core/errors.ts'
import type { IncidentView } from '../../core/incident.ts'
import type { BinaryPolicy } from '../../core/policy.ts'
import { observe } from '../../workflows/incident/incident.ts'
import { listedState, until, untilState, useWorker, viewOf } from './engine.ts'
import { alertOf, binaryPolicy, followTo, openIncident, service, texts } from './incident-bench.ts'
import { gate, never, type Script } from './scripted.ts'

const bench = useWorker()
const process = { pid: 100, startedEpochSeconds: 1_760_000_000 }
/** The service comes back once it was restarted. */
const recovers: Script = {
  lookAtService: [service('down'), service('down'), service('up')],
  lookAtProcess: process,
  restartService: { outcome: 'restarted' },
  awaitServiceUp: { outcome: 'stable', upAfterMs: 1200 },
}

async function incidentOf(script: Script, more: Partial<BinaryPolicy> = {}) {
  const cloud = bench.cloud(script)
  const policy = binaryPolicy(more)
  const handle = await openIncident(bench, cloud, policy)
  return { cloud, policy, handle, runId: `run/restart-service/${cloud.host}/nova-compute` }
}

describe.concurrent('a service that is down', () => {
  it('is restarted once, and the incident closes when it is up and stayed up', async () => {
    const { cloud, handle, runId } = await incidentOf(recovers)
    const view = await handle.result()
    expect(cloud.names()).toEqual([
      'lookAtService',
      'lookAtService',
      'lookAtProcess',
      'restartService',
      'awaitServiceUp',
      'lookAtService',
    ])
    expect(cloud.inputs('restartService')).toEqual([{ host: cloud.host, binary: 'nova-compute', before: process }])
    expect(view).toMatchObject({
      state: 'closed',
      signals: 1,
      runs: [
        {
          ...{ runbook: 'restart-service', workflowId: runId, outcome: 'succeeded', helped: true },
          targets: [`host/${cloud.host}`],
        },
      ],
      confirmedAt: expect.any(String),
      recoveredAt: expect.any(String),
      reason: { detail: `nova-compute on ${cloud.host} is up and stayed up for 60 s` },
    })
    expect(view.reason).not.toHaveProperty('code')
    expect(view.runs[0]?.detail).toContain('1 restart(s), up after 1.2 s')
    expect(await viewOf(handle)).toEqual(view)
    expect(await listedState(handle)).toBe('closed')
    // the run has a lease and says on what grounds; how it turned out is told
    const { runId: incidentRunId } = await handle.describe()
    expect(cloud.inputs('requestLease')[0]?.request).toMatchObject({
      ...{ requester: 'alert', by: 'compute-down', why: `something is wrong with ${cloud.host}`, incidentRunId },
      ...{ targets: [`host/${cloud.host}`], risk: 'service', holder: { workflowId: runId } },
    })
    expect(cloud.inputs('giveBackLease')).toHaveLength(1)
    expect(cloud.inputs('reportOutcome')).toEqual([
      { outcome: { runbook: 'restart-service', at: expect.any(String), helped: true } },
    ])
    expect(await listedState(bench.client.workflow.getHandle(runId))).toBe('succeeded')
  })

  it('is left alone when the alert resolves before anything was done', async () => {
    const { cloud, handle, policy } = await incidentOf(recovers, { confirmAfterSeconds: 1 })
    await handle.signal(observe, alertOf(policy, cloud, { status: 'resolved' }))
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'closed', runs: [], reason: { detail: 'resolved before anything was done' } })
    expect(cloud.names()).toEqual([])
  })

  it.each([
    ['is up', service('up'), 'a second look found the service up'],
    ['was disabled by somebody', service('down', { status: 'disabled' }), 'is disabled'],
    ['was forced down by somebody', service('down', { forcedDown: true }), 'is forced down'],
  ])('is left alone when a second look finds that it %s', async (_case, seen, sentence) => {
    const { cloud, handle } = await incidentOf({ lookAtService: seen })
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'closed', runs: [] })
    expect(view.reason?.detail).toContain('not confirmed')
    expect(view.reason?.detail).toContain(sentence)
    expect(cloud.names()).toEqual(['lookAtService'])
  })

  it('is not restarted while half of its kind look down, but when that has passed and it alone is left', async () => {
    const outage = service('down', { company: { up: 2, down: 2 } })
    const { cloud, handle } = await incidentOf({
      ...recovers,
      lookAtService: [outage, service('down'), service('down'), service('up')],
    })
    await until(
      async () => (await viewOf<IncidentView>(handle)).timeline.at(-1)?.text.slice(0, 33),
      'waiting: 2 of 4 nova-compute look',
    )
    expect(cloud.names()).toEqual(['lookAtService'])
    expect(await handle.result()).toMatchObject({ state: 'closed', runs: [{ outcome: 'succeeded' }] })
    expect(cloud.inputs('restartService')).toHaveLength(1)
  })

  it('is not restarted when half of its kind have gone down since it was confirmed, only when that is over', async () => {
    const outage = service('down', { company: { up: 0, down: 2 } })
    const { cloud, handle } = await incidentOf({
      ...recovers,
      // confirmed, the run's look, the second confirmation, the second run, the proof
      lookAtService: [service('down'), outage, service('down'), service('down'), service('up')],
    })
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'closed', runs: [{ outcome: 'stopped' }, { outcome: 'succeeded' }] })
    expect(cloud.inputs('restartService')).toHaveLength(1)
    expect(view.timeline.map(({ text }) => text)).toContain(
      'not restarted: 2 of 2 nova-compute look down at once: hardly the fault of this one',
    )
  })

  it.each([
    ['while it was looked at a second time', [], 0],
    ['right before its restart', [service('down')], 1],
  ])(
    'has a while to come back by itself when half of its kind had gone down with it %s',
    async (_when, first, runs) => {
      const outage = service('down', { company: { up: 0, down: 2 } })
      const { cloud, handle } = await incidentOf(
        { ...recovers, lookAtService: [...first, outage, service('down'), service('up')] },
        { afterOutageSeconds: 60 },
      )
      const view = await handle.result()
      expect(view).toMatchObject({ state: 'closed', reason: { detail: /a second look found the service up/ } })
      expect(view.runs).toHaveLength(runs)
      expect(cloud.inputs('restartService')).toEqual([])
      expect(view.timeline.map(({ text }) => text)).toContain(
        'waiting: too many looked down at once; it has 60 s from then to come back by itself',
      )
    },
  )

  it('is left alone when an outage of half of its kind ends for it too', async () => {
    const outage = service('down', { company: { up: 0, down: 2 } })
    const { cloud, handle } = await incidentOf({ lookAtService: [outage, service('up')] })
    expect(await handle.result()).toMatchObject({ state: 'closed', runs: [] })
    expect(cloud.names()).toEqual(['lookAtService', 'lookAtService'])
  })

  it('is a matter for people when half of its kind stay down for longer than that is waited out', async () => {
    const cloud = bench.cloud({ lookAtService: service('down', { company: { up: 2, down: 2 } }) })
    const handle = await openIncident(bench, cloud, binaryPolicy(), {}, { outagePatienceMs: 0 })
    expect(await followTo(handle, 'escalated')).toMatchObject({
      state: 'escalated',
      reason: { code: 'MASS_OUTAGE' },
      runs: [],
    })
  })

  describe.each([
    ['has no process', null, 'there is no process'],
    ['has left process 0 behind', { pid: 0, startedEpochSeconds: 0 }, 'there is no process'],
  ])('whose process is looked at too and which %s', (_case, seen, word) => {
    it('is restarted when both sources must agree', async () => {
      const { handle } = await incidentOf(
        { ...recovers, lookAtProcess: seen },
        { confirm: { of: ['nova', 'process'], need: 2 } },
      )
      const view = await handle.result()
      expect(view).toMatchObject({ state: 'closed', runs: [{ outcome: 'succeeded' }] })
      expect(texts(view)).toContain(
        `confirmed, 2 of 2 source(s) agree, 2 must: nova: a second look found the service down; process: ${word}`,
      )
    })
  })

  it.each([
    ['is running', process, 'process: the process 100 is running'],
    ['cannot be looked at', failure('SSH_UNREACHABLE', 'no route to it'), 'process: no route to it'],
  ])('is a matter for people when both sources must agree and its process %s', async (_case, seen, word) => {
    const { cloud, handle } = await incidentOf(
      { ...recovers, lookAtProcess: seen },
      { confirm: { of: ['nova', 'process'], need: 2 } },
    )
    const view = await followTo(handle, 'escalated')
    expect(view).toMatchObject({ reason: { code: 'NOT_CONFIRMED' }, runs: [] })
    expect(view.reason?.detail).toContain('1 of 2 source(s) agree, 2 must')
    expect(view.reason?.detail).toContain(word)
    expect(cloud.inputs('lookAtProcess')).toHaveLength(1)
  })

  it('is restarted when one of two sources is enough and its host is silent', async () => {
    const { handle } = await incidentOf(
      { ...recovers, lookAtProcess: [failure('SSH_UNREACHABLE', 'no route to it'), null] },
      { confirm: { of: ['nova', 'process'], need: 1 } },
    )
    expect(await handle.result()).toMatchObject({ state: 'closed', runs: [{ outcome: 'succeeded' }] })
  })

  it('is restarted when it is the only one of its kind', async () => {
    const alone = (state: 'up' | 'down') =>
      service(state, { company: { up: Number(state === 'up'), down: Number(state === 'down') } })
    const { handle } = await incidentOf({ ...recovers, lookAtService: [alone('down'), alone('down'), alone('up')] })
    expect(await handle.result()).toMatchObject({ state: 'closed', runs: [{ outcome: 'succeeded' }] })
  })

  it('that goes down anew at the very moment of the last look is looked at once more', async () => {
    const look = gate<ServiceInCompany>()
    const { cloud, handle, policy } = await incidentOf({
      ...recovers,
      lookAtService: [service('down'), service('down'), () => look.opened, service('down')],
    })
    await until(() => cloud.inputs('lookAtService').length, 3)
    const startsAt = '2026-11-21T00:10:00.000Z'
    await handle.signal(observe, alertOf(policy, cloud, { key: 'it began anew', startsAt }))
    look.open(service('up'))
    expect(await followTo(handle, 'escalated')).toMatchObject({
      reason: { code: 'SERVICE_STILL_DOWN' },
      runs: [{ outcome: 'succeeded', helped: false }],
    })
  })

  it('gets one run however many alerts come in while it is at work', async () => {
    const restart = gate<{ outcome: 'restarted' }>()
    const { cloud, handle, policy } = await incidentOf({ ...recovers, restartService: () => restart.opened })
    await until(() => cloud.names().at(-1), 'restartService')
    const later = alertOf(policy, cloud, { key: 'another start of it' })
    await Promise.all([handle.signal(observe, later), handle.signal(observe, alertOf(policy, cloud))])
    restart.open({ outcome: 'restarted' })
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'closed', signals: 3 })
    expect(view.runs).toHaveLength(1)
    expect(cloud.inputs('restartService')).toHaveLength(1)
  })
})

describe.concurrent('cancelled in Temporal by a person', () => {
  it('an incident ends with its run, and says so', async () => {
    const { cloud, handle, runId } = await incidentOf({
      ...recovers,
      awaitServiceUp: never,
    })
    await until(() => cloud.names().at(-1), 'awaitServiceUp')
    await handle.cancel()
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } })
    expect(await viewOf(handle)).toMatchObject({
      state: 'closed',
      reason: { detail: 'cancelled by a person in Temporal' },
    })
    expect((await handle.describe()).status.name).toBe('CANCELLED')
    await untilState(bench.client.workflow.getHandle(runId), 'cancelled')
  })

  it('a run is not started again, and its incident is theirs', async () => {
    const hung: Script = { ...recovers, awaitServiceUp: never }
    const { cloud, handle, runId } = await incidentOf(hung, { attempts: 3 })
    await until(() => cloud.names().at(-1), 'awaitServiceUp')
    await bench.client.workflow.getHandle(runId).cancel()
    expect(await handle.result()).toMatchObject({
      state: 'closed',
      reason: { detail: 'its run was cancelled by a person in Temporal' },
      runs: [{ outcome: 'failed', detail: 'cancelled' }],
    })
    expect(cloud.inputs('awaitServiceUp')).toHaveLength(1)
  })
})

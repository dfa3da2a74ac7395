import { ApplicationFailure } from '@temporalio/common'
import { describe, expect, it } from 'vitest'
import type { MigrationOutcome } from '../../core/activities.ts'
import { failure } from '../../core/errors.ts'
import type { Move, Plan } from '../../core/plan.ts'
import { collectEvidence } from '../../workflows/runbooks/collect-evidence.ts'
import { relieveHost } from '../../workflows/runbooks/relieve-host.ts'
import { restartService } from '../../workflows/runbooks/restart-service.ts'
import type { RunView } from '../../workflows/runbooks/runbook.ts'
import { listedState, until, untilState, useWorker, viewOf } from './engine.ts'
import { service } from './incident-bench.ts'
import { type Cloud, never, type Script } from './scripted.ts'

const bench = useWorker()
const stable = { outcome: 'stable', upAfterMs: 900 } as const
const fell = { outcome: 'down again', upAfterMs: 900 } as const

const notes = async (handle: Parameters<typeof viewOf>[0]) =>
  (await viewOf<RunView>(handle)).notes.map(({ text }) => text)

describe.concurrent('restarting a service', () => {
  const start = ({ host }: Cloud, maxRestarts = 2) =>
    bench.client.workflow.start(restartService, {
      workflowId: `restart-${host}`,
      taskQueue: bench.taskQueue,
      args: [{ host, binary: 'nova-compute', stableSeconds: 60, withinSeconds: 300, maxRestarts }],
    })
  const script: Script = { lookAtProcess: null, restartService: { outcome: 'restarted' } }

  it('is not done to one that came up by itself', async () => {
    const cloud = bench.cloud({ lookAtService: service('up'), awaitServiceUp: stable })
    expect(await (await start(cloud)).result()).toMatchObject({ restarts: 0 })
    expect(cloud.names()).toEqual(['lookAtService', 'awaitServiceUp'])
    // one that is up needs no newer report; one that was down does
    expect(cloud.inputs('awaitServiceUp')[0]?.reportedAfter).toBeNull()
  })

  it('waits for a report that is newer than its death', async () => {
    const cloud = bench.cloud({ ...script, lookAtService: service('down'), awaitServiceUp: stable })
    expect(await (await start(cloud)).result()).toMatchObject({ restarts: 1 })
    expect(cloud.inputs('awaitServiceUp')).toEqual([
      {
        host: cloud.host,
        binary: 'nova-compute',
        stableSeconds: 60,
        withinSeconds: 300,
        reportedAfter: '2026-11-20T23:59:00.000000',
      },
    ])
  })

  it('is done again in the same run when the service dies a second time while it is watched', async () => {
    const cloud = bench.cloud({ ...script, lookAtService: service('down'), awaitServiceUp: [fell, stable] })
    const handle = await start(cloud)
    expect(await handle.result()).toMatchObject({ restarts: 2 })
    expect(cloud.inputs('restartService')).toHaveLength(2)
    expect(await notes(handle)).toEqual([
      `restarted nova-compute on ${cloud.host}`,
      `nova-compute on ${cloud.host} came up and went down again`,
      `restarted nova-compute on ${cloud.host}`,
      expect.stringContaining('2 restart(s), up after 0.9 s'),
    ])
  })

  it('ends with SERVICE_STILL_DOWN when it was done as often as allowed', async () => {
    const cloud = bench.cloud({ ...script, lookAtService: service('down'), awaitServiceUp: fell })
    const handle = await start(cloud, 2)
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'SERVICE_STILL_DOWN' } })
    expect(cloud.inputs('restartService')).toHaveLength(2)
    expect(await viewOf(handle)).toMatchObject({ state: 'failed', code: 'SERVICE_STILL_DOWN' })
    expect(await listedState(handle)).toBe('failed')
  })

  it('ends too when the service keeps going down and coming up by itself', async () => {
    const cloud = bench.cloud({ lookAtService: service('up'), awaitServiceUp: fell })
    const handle = await start(cloud, 2)
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'SERVICE_STILL_DOWN' } })
    expect(cloud.inputs('awaitServiceUp')).toHaveLength(3)
  })

  it('says so when an earlier attempt had restarted it already', async () => {
    const cloud = bench.cloud({
      ...{ ...script, restartService: { outcome: 'was restarted' } },
      ...{ lookAtService: service('down'), awaitServiceUp: stable },
    })
    const handle = await start(cloud)
    await handle.result()
    expect((await notes(handle))[0]).toBe(`nova-compute on ${cloud.host} had been restarted already`)
  })

  it('tries the connection again, but not a host whose key has changed', async () => {
    const cloud = bench.cloud({
      ...script,
      lookAtService: service('down'),
      lookAtProcess: [failure('SSH_UNREACHABLE', 'no route'), failure('SSH_HOST_KEY_MISMATCH', 'another key')],
    })
    await expect((await start(cloud)).result()).rejects.toMatchObject({
      cause: { cause: { type: 'SSH_HOST_KEY_MISMATCH', message: 'another key' } },
    })
    expect(cloud.names()).toEqual(['lookAtService', 'lookAtProcess', 'lookAtProcess'])
  })

  it('shows that it was cancelled', async () => {
    const cloud = bench.cloud({ lookAtService: service('up'), awaitServiceUp: never })
    const handle = await start(cloud)
    await until(() => cloud.names().at(-1), 'awaitServiceUp')
    await handle.cancel()
    await untilState(handle, 'cancelled')
  })
})

describe.concurrent('restarting a service that a supervisor looks after', () => {
  const start = ({ host }: Cloud, binary = 'nova-compute') =>
    bench.client.workflow.start(restartService, {
      workflowId: `restart-${host}`,
      taskQueue: bench.taskQueue,
      args: [{ host, binary, stableSeconds: 60, withinSeconds: 300, maxRestarts: 2 }],
    })
  const running = (instance: string) => ({ pid: 1, state: 'running', instance }) as const
  const dead = { pid: 0, state: 'failed', instance: 'first' } as const
  const watched: Script = {
    describeService: { seenBy: 'nova', isSupervised: true },
    ...{ lookAtService: service('down'), restartService: { outcome: 'restarted' }, awaitServiceUp: stable },
  }

  it('is over when it is still the same one after it has been up for its time', async () => {
    const cloud = bench.cloud({ ...watched, lookAtProcess: [dead, running('second')] })
    expect(await (await start(cloud)).result()).toMatchObject({ restarts: 1 })
    expect(cloud.names()).toEqual([
      ...['lookAtService', 'lookAtProcess', 'restartService', 'lookAtProcess', 'awaitServiceUp', 'lookAtProcess'],
    ])
  })

  it('goes on when its supervisor had to start it again, which Nova does not notice', async () => {
    const cloud = bench.cloud({
      ...{ ...watched, lookAtService: [service('down'), service('up')] },
      lookAtProcess: [dead, running('second'), running('third'), running('third')],
    })
    const handle = await start(cloud)
    expect(await handle.result()).toMatchObject({ restarts: 1 })
    expect(await notes(handle)).toContain(`nova-compute on ${cloud.host} came up and went down again`)
  })

  it('is given up when it crashes again and again', async () => {
    let crashes = 0
    const cloud = bench.cloud({ ...watched, lookAtProcess: () => running(`instance ${++crashes}`) })
    await expect((await start(cloud)).result()).rejects.toMatchObject({ cause: { type: 'SERVICE_STILL_DOWN' } })
    expect(cloud.inputs('restartService')).toHaveLength(2)
  })

  it('is not begun while servers are being evacuated from the host', async () => {
    const cloud = bench.cloud({
      ...{ ...watched, lookAtProcess: dead },
      checkEvacuations: failure('EVACUATION_UNFINISHED', 'two servers'),
    })
    await expect((await start(cloud)).result()).rejects.toMatchObject({
      cause: { cause: { type: 'EVACUATION_UNFINISHED' } },
    })
    expect(cloud.inputs('checkEvacuations')).toEqual([{ host: cloud.host }])
    expect(cloud.inputs('restartService')).toEqual([])
  })

  it('of another kind does not ask for evacuations', async () => {
    const cloud = bench.cloud({
      ...{ ...watched, lookAtProcess: [dead, running('second')] },
      checkEvacuations: failure('EVACUATION_UNFINISHED', 'two servers'),
    })
    expect(await (await start(cloud, 'nova-conductor')).result()).toMatchObject({ restarts: 1 })
  })

  it('is watched by its supervisor where Nova does not list it', async () => {
    const cloud = bench.cloud({
      describeService: { seenBy: 'process', isSupervised: true },
      ...{ lookAtProcess: dead, restartService: { outcome: 'restarted' }, awaitProcessUp: [fell, stable] },
    })
    expect(await (await start(cloud, 'neutron-server')).result()).toMatchObject({ restarts: 2 })
    expect(cloud.names()).toEqual([
      ...['lookAtProcess', 'restartService', 'awaitProcessUp', 'lookAtProcess', 'restartService', 'awaitProcessUp'],
    ])
    expect(cloud.inputs('restartService')[0]?.before).toEqual(dead)
  })

  it('is not done to one that runs by its own supervisor', async () => {
    const cloud = bench.cloud({
      describeService: { seenBy: 'process', isSupervised: true },
      ...{ lookAtProcess: running('first'), awaitProcessUp: stable },
    })
    expect(await (await start(cloud, 'neutron-server')).result()).toMatchObject({ restarts: 0 })
  })
})

describe.concurrent('restarting a member of a cluster', () => {
  const start = ({ host }: Cloud) =>
    bench.client.workflow.start(restartService, {
      workflowId: `restart-${host}`,
      taskQueue: bench.taskQueue,
      args: [{ host, binary: 'rabbitmq-server', stableSeconds: 60, withinSeconds: 300, maxRestarts: 2 }],
    })
  const member: Script = {
    describeService: { seenBy: 'process', isSupervised: true, cluster: 'rabbit' },
    ...{ lookAtProcess: { pid: 0, state: 'failed', instance: 'a' }, checkCluster: undefined, awaitCluster: undefined },
    ...{ restartService: { outcome: 'restarted' }, awaitProcessUp: stable },
  }

  it('is done while all others are well, and waits until it is one of them again', async () => {
    const cloud = bench.cloud(member)
    expect(await (await start(cloud)).result()).toMatchObject({ restarts: 1 })
    expect(cloud.names()).toEqual([
      ...['lookAtProcess', 'checkCluster', 'restartService', 'awaitProcessUp', 'awaitCluster'],
    ])
    expect(cloud.inputs('awaitCluster')[0]).toMatchObject({ withinSeconds: 300 })
  })

  it('holds the whole cluster, so that nobody works on another member', async () => {
    const cloud = bench.cloud(member)
    await (await start(cloud)).result()
    expect(cloud.inputs('requestLease')[0]?.request.targets).toEqual([`host/${cloud.host}`, 'cluster/rabbit'])
  })

  it('is not done while another one is missing', async () => {
    const cloud = bench.cloud({ ...member, checkCluster: failure('CLUSTER_DEGRADED', 'ctl2 is missing') })
    const handle = await start(cloud)
    await expect(handle.result()).rejects.toMatchObject({ cause: { cause: { type: 'CLUSTER_DEGRADED' } } })
    expect(cloud.inputs('restartService')).toEqual([])
    expect(await viewOf(handle)).toMatchObject({ state: 'failed', code: 'CLUSTER_DEGRADED' })
  })

  it('does not end well when the cluster does not become whole', async () => {
    const cloud = bench.cloud({ ...member, awaitCluster: failure('CLUSTER_DEGRADED', 'ctl1 has not joined') })
    await expect((await start(cloud)).result()).rejects.toMatchObject({
      cause: { cause: { type: 'CLUSTER_DEGRADED' } },
    })
  })
})

describe.concurrent('relieving a host', () => {
  const start = ({ host }: Cloud) =>
    bench.client.workflow.start(relieveHost, {
      workflowId: `relieve-${host}`,
      taskQueue: bench.taskQueue,
      args: [{ host, resource: 'vcpu', limit: 0.8, maxMoves: 10 }],
    })
  const move = (serverName: string, from: string): Move => ({
    ...{ serverId: `id-${serverName}`, serverName, from, to: 'cmp-cool', memoryMiB: 512, reason: 'relieves it' },
  })
  const planOf = (...servers: string[]): Script => ({
    planRelief: ({ host }): Plan => ({
      ...{ moves: servers.map((s) => move(s, host)), skipped: [{ subject: 'c', reason: 'locked' }] },
      ...{ before: 0.95, after: servers.length === 0 ? 0.95 : 0.75 },
    }),
  })
  const outcome: MigrationOutcome = { host: 'cmp-cool', migrationUuid: 'm-1', durationMs: 1500, requestId: 'req-1' }

  it('moves nothing when the plan has no moves', async () => {
    const cloud = bench.cloud(planOf())
    const handle = await start(cloud)
    expect(await handle.result()).toMatchObject({
      moved: [],
      summary: `${cloud.host}: nothing to move, 95 % → 95 % of vcpu`,
    })
    expect(cloud.names()).toEqual(['planRelief'])
    expect(await notes(handle)).toContain('no move needed: 95 % in use')
  })

  it('carries the plan out literally, one move after another, and keeps what Nova said of each', async () => {
    let under = 0
    let most = 0
    const cloud = bench.cloud({
      ...planOf('a', 'b', 'c'),
      async liveMigrate() {
        most = Math.max(most, ++under)
        await new Promise((resolve) => setImmediate(resolve))
        under--
        return outcome
      },
    })
    const handle = await start(cloud)
    const result = await handle.result()
    const planned = ['a', 'b', 'c'].map((s) => move(s, cloud.host))
    expect(cloud.inputs('liveMigrate')).toEqual(planned)
    expect(result.moved).toEqual(planned.map((m) => ({ ...m, ...outcome })))
    expect(result.plan.skipped).toEqual([{ subject: 'c', reason: 'locked' }])
    expect(most).toBe(1)
    expect(await viewOf(handle)).toMatchObject({
      state: 'succeeded',
      summary: `${cloud.host}: 3 server(s) moved, 95 % → 75 % of vcpu`,
    })
    expect(await listedState(handle)).toBe('succeeded')
  })

  it('stops at the first migration that fails: the rest is not moved, and the reason can be read', async () => {
    const cloud = bench.cloud({
      ...planOf('a', 'b', 'c'),
      liveMigrate: [outcome, failure('MIGRATION_FAILED', 'Nova gave up b: no valid host')],
    })
    const handle = await start(cloud)
    await expect(handle.result()).rejects.toMatchObject({ cause: { cause: { type: 'MIGRATION_FAILED' } } })
    expect(cloud.inputs('liveMigrate').map((m) => m.serverName)).toEqual(['a', 'b'])
    expect(await viewOf(handle)).toMatchObject({
      state: 'failed',
      code: 'MIGRATION_FAILED',
      summary: 'Nova gave up b: no valid host',
    })
    expect(await notes(handle)).toEqual([
      'plan: 3 move(s), 95 % → 75 %',
      'moved a to cmp-cool in 1.5 s',
      'Nova gave up b: no valid host',
    ])
  })

  it('moves nothing when no plan can be made', async () => {
    const cloud = bench.cloud({ planRelief: failure('PLAN_IMPOSSIBLE', 'no host has room') })
    const handle = await start(cloud)
    await expect(handle.result()).rejects.toBeInstanceOf(Error)
    expect(cloud.names()).toEqual(['planRelief'])
    expect(await viewOf(handle)).toMatchObject({
      state: 'failed',
      code: 'PLAN_IMPOSSIBLE',
      summary: 'no host has room',
    })
  })

  it('goes on with the same move when the worker that waits for it leaves', async () => {
    const leaving = ApplicationFailure.retryable('the worker leaves; another one goes on')
    const cloud = bench.cloud({ ...planOf('a'), liveMigrate: [leaving, outcome] })
    expect((await (await start(cloud)).result()).moved).toHaveLength(1)
    expect(cloud.names()).toEqual(['planRelief', 'liveMigrate', 'liveMigrate'])
  })
})

describe.concurrent('collecting evidence', () => {
  it('keeps the lines and the state of the services, and changes nothing', async () => {
    const line = {
      at: '2026-11-21T00:00:00.000Z',
      level: 'ERROR',
      component: 'nova-compute',
      text: 'x',
      requestIds: [],
    }
    const evidence = { collectedAt: '2026-11-21T00:00:10.000Z', services: [service('up')], lines: [line] }
    const cloud = bench.cloud({ collectEvidence: evidence })
    const { host } = cloud
    const handle = await bench.client.workflow.start(collectEvidence, {
      workflowId: `collect-${host}`,
      taskQueue: bench.taskQueue,
      args: [{ host, lines: [line] }],
    })
    expect(await handle.result()).toEqual({ summary: '1 line(s) kept; services all up', ...evidence })
    expect(cloud.calls).toEqual([{ name: 'collectEvidence', input: { host, lines: [line] } }])
    expect(await notes(handle)).toEqual(['kept 1 line(s); 0 of 1 services down', '1 line(s) kept; services all up'])
  })
})

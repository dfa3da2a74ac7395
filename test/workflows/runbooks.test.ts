import { ApplicationFailure } from '@temporalio/common'
import { describe, expect, it } from 'vitest'
import type { MigrationOutcome } from '../../core/activities.ts'
import { failure } from '../../core/errors.ts'
import type { Move, Plan } from '../../core/plan.ts'
import { collectEvidence } from '../../workflows/runbooks/collect-evidence.ts'
import { relieveHost } from '../../workflows/runbooks/relieve-host.ts'
import type { RunView } from '../../workflows/runbooks/runbook.ts'
import { listedState, useWorker, viewOf } from './engine.ts'
import { service } from './incident-bench.ts'
import type { Cloud, Script } from './scripted.ts'

const bench = useWorker()

const notes = async (handle: Parameters<typeof viewOf>[0]) =>
  (await viewOf<RunView>(handle)).notes.map(({ text }) => text)

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

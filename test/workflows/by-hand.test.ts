import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { failure } from '../../core/errors.ts'
import type { Plan } from '../../core/plan.ts'
import { run } from '../../workflows/run.ts'
import type { RunView } from '../../workflows/sdk/record.ts'
import { useWorker, viewOf } from './engine.ts'
import { service } from './incident-bench.ts'
import { grounds } from './library-bench.ts'
import type { Script } from './scripted.ts'

const bench = useWorker()
const stable = { outcome: 'stable', upAfterMs: 900 } as const

async function start(runbook: string, input: object, script: Script, dryRun = false) {
  const cloud = bench.cloud(script)
  const handle = await bench.client.workflow.start(run, {
    workflowId: `run-${cloud.host}-${randomUUID()}`,
    taskQueue: bench.taskQueue,
    args: [{ runbook, input: { host: cloud.host, ...input }, dryRun, by: 'olga', why: 'by hand' }, grounds],
  })
  return { cloud, handle, view: () => viewOf<RunView>(handle) }
}

describe.concurrent('restart-service, started by hand,', () => {
  const script: Script = { lookAtProcess: null, restartService: { outcome: 'restarted' }, awaitServiceUp: stable }

  it('does what an incident would do', async () => {
    const { cloud, handle, view } = await start('restart-service', {}, { ...script, lookAtService: service('down') })
    expect(await handle.result()).toMatchObject({
      restarts: 1,
      summary: expect.stringContaining('1 restart(s), up after 0.9 s'),
    })
    expect(cloud.names().slice(-4)).toEqual(['lookAtService', 'lookAtProcess', 'restartService', 'awaitServiceUp'])
    expect((await view()).steps?.map(({ title }) => title)).toEqual([`Restart nova-compute on ${cloud.host} over SSH`])
  })

  it('that is dry restarts nothing', async () => {
    const { cloud, handle } = await start('restart-service', {}, { lookAtService: service('down') }, true)
    expect((await handle.result()).summary).toBe(`nova-compute on ${cloud.host} is down and would be restarted`)
    expect(cloud.inputs('restartService')).toEqual([])
  })

  it('is refused while evacuations from the host are under way (P1 10, P3 31)', async () => {
    const unfinished = failure('EVACUATION_UNFINISHED', 'its nova-compute must not start yet')
    const { cloud, handle, view } = await start('restart-service', {}, { checkEvacuations: unfinished })
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'EVACUATION_UNFINISHED' } })
    expect((await view()).summary).toMatch('its nova-compute must not start yet')
    expect(cloud.inputs('requestLease')).toEqual([])
  })
})

describe.concurrent('relieve-host, started by hand,', () => {
  const planned: Script = {
    planRelief: ({ host }): Plan => ({
      moves: [
        { serverId: randomUUID(), serverName: 'a', from: host, to: 'cmp-cool', memoryMiB: 512, reason: 'relieves it' },
      ],
      ...{ skipped: [], before: 0.95, after: 0.75 },
    }),
  }

  it('plans before it asks for its lease, and makes the moves', async () => {
    const moved = { host: 'cmp-cool', migrationUuid: 'm-1', durationMs: 1500 }
    const { cloud, handle } = await start('relieve-host', {}, { ...planned, liveMigrate: moved })
    expect(await handle.result()).toMatchObject({
      summary: `${cloud.host}: 1 server(s) moved, 95 % → 75 % of vcpu`,
      moved: [moved],
    })
    const [asked] = cloud.inputs('requestLease')
    expect([asked?.request.runbook, asked?.request.targets.length, asked?.request.within[0]]).toEqual([
      'relieve-host',
      2,
      'host/cmp-cool',
    ])
  })

  it('that is dry says its moves', async () => {
    const { cloud, handle, view } = await start('relieve-host', {}, planned, true)
    expect((await handle.result()).summary).toBe(`${cloud.host}: plan: 1 move(s), 95 % → 75 %`)
    expect((await view()).steps).toMatchObject([
      { title: `Live-migrate a from ${cloud.host} to cmp-cool`, state: 'would' },
    ])
    expect(cloud.inputs('liveMigrate')).toEqual([])
  })
})

it('collect-evidence, started by hand, keeps the services with the run', async () => {
  const evidence = { collectedAt: '2026-11-21T00:00:10.000Z', services: [service('up'), service('down')], lines: [] }
  const { handle } = await start('collect-evidence', {}, { collectEvidence: evidence })
  expect(await handle.result()).toEqual({
    summary: expect.stringMatching(/^0 line\(s\) kept; services down: nova-compute@/),
  })
  const { memo } = await handle.describe()
  expect(memo?.evidence).toEqual({
    services: { collectedAt: evidence.collectedAt, inAll: 2, unwell: [service('down')] },
    lines: [],
  })
})

it('drain-host keeps as much of a large plan as fits, and goes on', async () => {
  const move = (host: string, at: number) => ({
    ...{
      serverId: randomUUID(),
      serverName: `web-${at}`,
      from: host,
      to: 'cmp-cool',
      memoryMiB: 512,
      reason: 'leaves',
    },
  })
  const { handle } = await start(
    'drain-host',
    { reason: 'new disks' },
    {
      readCloud: ({ path }) => {
        const host = /cmp-[0-9a-f]{8}/.exec(path)?.[0] ?? ''
        const one = { id: randomUUID(), host, status: 'enabled', state: 'up', updated_at: null, forced_down: false }
        return { status: 200, body: { services: [one] } }
      },
      planDrain: ({ host }) => ({ takenAt: 'now', waves: [Array.from({ length: 800 }, (_, at) => move(host, at))] }),
    },
    true,
  )
  expect((await handle.result()).summary).toMatch('would be emptied by 800 move(s) in 1 wave(s)')
  const { memo } = await handle.describe()
  expect(memo?.evidence).toMatchObject({ plan: { inAll: 800 } })
})

import { randomUUID } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { failure } from '../../core/errors.ts'
import type { LeaseGrounds } from '../../core/governor.ts'
import type { RunOrder } from '../../core/runbook.ts'
import { run } from '../../workflows/run.ts'
import type { RunView } from '../../workflows/sdk/record.ts'
import { listedState, untilState, useWorker, viewOf } from './engine.ts'
import { type Cloud, gate, type Script } from './scripted.ts'

const bench = useWorker()
const servers = [randomUUID(), randomUUID(), randomUUID()]
const accepted = { status: 202, startedAt: '2026-11-21T00:00:00.000Z' } as const
const grounds: LeaseGrounds = { requester: 'person', by: 'olga', why: 'maintenance', waitSeconds: 60 }

const start = ({ host }: Cloud, order: Partial<RunOrder> = {}) =>
  bench.client.workflow.start(run, {
    workflowId: `run-${host}`,
    taskQueue: bench.taskQueue,
    args: [
      { runbook: 'night-off', input: { servers, atOnce: 1 }, dryRun: false, by: 'olga', why: 'maintenance', ...order },
      grounds,
    ],
  })

const begin = async (script: Script, order?: Partial<RunOrder>) => {
  const cloud = bench.cloud(script)
  const handle = await start(cloud, order)
  return { cloud, handle, view: () => viewOf<RunView>(handle) }
}

describe.concurrent('a run', () => {
  it('does its work on all targets under one lease and says what it came to', async () => {
    const { cloud, handle, view } = await begin({ performCall: accepted })
    expect(await handle.result()).toEqual({ summary: '3 of 3 stopped', failed: [] })
    expect(cloud.inputs('requestLease').map(({ request }) => request.targets)).toEqual([
      servers.map((id) => `server/${id}`),
    ])
    expect(cloud.calls.at(-1)?.name).toBe('giveBackLease')
    expect(cloud.inputs('performCall')).toEqual(
      servers.map((serverId) => ({ action: 'server.stop', input: { serverId }, standing: true })),
    )
    expect(await view()).toMatchObject({
      state: 'succeeded',
      summary: '3 of 3 stopped',
      by: 'olga',
      steps: servers.map((id) => ({ title: `server.stop ${id}`, state: 'done' })),
    })
    expect(await listedState(handle)).toBe('succeeded')
  })

  it('that is dry changes nothing, asks for no lease and says what it would do', async () => {
    const { cloud, handle, view } = await begin({}, { dryRun: true })
    await handle.result()
    expect(cloud.calls).toEqual([])
    expect((await view()).steps).toMatchObject(servers.map((id) => ({ title: `server.stop ${id}`, state: 'would' })))
  })

  it('that is dry tells of hundreds of servers in one go', async () => {
    const many = Array.from({ length: 500 }, () => randomUUID())
    const { handle, view } = await begin({}, { dryRun: true, input: { servers: many } })
    expect(await handle.result()).toMatchObject({ summary: '500 of 500 stopped' })
    const { steps, notes } = await view()
    expect(steps?.at(-1)).toMatchObject({ title: `server.stop ${many.at(-1)}`, state: 'would' })
    expect(notes.at(-1)?.text).toBe('dry run: 500 of 500 stopped')
  })

  it('goes on with the others when one of many fails, and names it', async () => {
    const refused = failure('CLOUD_REFUSED', 'it is locked')
    const { handle } = await begin({ performCall: [accepted, refused, accepted] })
    expect(await handle.result()).toEqual({
      summary: '2 of 3 stopped',
      failed: [{ item: servers[1], outcome: 'failed', reason: 'CLOUD_REFUSED: it is locked' }],
    })
  })

  it('begins nothing more when the first one, the canary, fails', async () => {
    const { cloud, handle } = await begin({ performCall: failure('CLOUD_REFUSED', 'it is locked') })
    expect(await handle.result()).toMatchObject({ summary: '0 of 3 stopped' })
    expect(cloud.inputs('performCall')).toHaveLength(1)
  })

  it('that is cancelled takes back what it did, the last thing first', async () => {
    const third = gate()
    const { cloud, handle, view } = await begin({
      performCall: async ({ input }: { input?: unknown } & object) => {
        if ((input as { serverId: string }).serverId === servers[2]) await third.opened
        return accepted
      },
    } as Script)
    await vi.waitFor(() => expect(cloud.inputs('performCall')).toHaveLength(3), 10_000)
    await handle.cancel()
    third.open()
    await expect(handle.result()).rejects.toThrow(/cancelled/i)
    const done = cloud.inputs('performCall').map((deed) => 'action' in deed && [deed.action, deed.input.serverId])
    expect(done.slice(3)).toEqual([
      // what was begun when it was cancelled is seen through, and taken back as well
      ['server.start', servers[2]],
      ['server.start', servers[1]],
      ['server.start', servers[0]],
    ])
    expect(await view()).toMatchObject({ state: 'cancelled' })
    expect(cloud.calls.at(-1)?.name).toBe('giveBackLease')
  })

  it('says no to input that does not fit, before anything is done', async () => {
    const { cloud, handle, view } = await begin({}, { input: { servers: ['all'] } })
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'INPUT_INVALID' } })
    expect(cloud.calls).toEqual([])
    expect(await view()).toMatchObject({ state: 'failed', code: 'INPUT_INVALID' })
  })

  it('of a runbook that the worker does not have says so', async () => {
    const { handle } = await begin({}, { runbook: 'make-coffee' })
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'RUNBOOK_UNKNOWN' } })
  })

  it('ends as stopped when the governor refuses', async () => {
    const { handle, view } = await begin({ requestLease: failure('STOPPED', 'olga pressed the stop button') })
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'STOPPED' } })
    await untilState(handle, 'stopped')
    expect((await view()).code).toBe('STOPPED')
  })
})

import { describe, expect, it } from 'vitest'
import type { CallOutcome } from '../../core/activities.ts'
import { codeOf, failure } from '../../core/errors.ts'
import { cancelAction } from '../../workflows/action-updates.ts'
import { type ActionHandle, type ActionOptions, actionOf, startAction, stopServer } from './action-bench.ts'
import { listedState, until, untilState, useWorker, viewOf } from './engine.ts'
import { person } from './people.ts'
import { gate, type Script } from './scripted.ts'

const bench = useWorker()
const accepted = (): CallOutcome => ({ status: 202, startedAt: new Date().toISOString(), requestId: 'req-nova' })

async function schedule(script: Script, options: ActionOptions = {}) {
  const cloud = bench.cloud({ deleteTrust: undefined, ...script })
  const handle = await startAction(bench, actionOf(cloud.trust('a'), options))
  return { cloud, handle }
}

describe.concurrent('a deferred call', () => {
  it('is made once when it is due, and the trust is deleted afterwards', async () => {
    const { cloud, handle } = await schedule({ performCall: accepted }, { dueInMs: 700 })
    await untilState(handle, 'scheduled')
    expect(cloud.names()).toEqual([])
    const view = await handle.result()
    expect(cloud.calls).toEqual([
      { name: 'performCall', input: { call: stopServer, trustId: cloud.trust('a') } },
      { name: 'deleteTrust', input: { trustId: cloud.trust('a') } },
    ])
    expect(view).toMatchObject({
      state: 'done',
      result: { status: 202, requestId: 'req-nova' },
      trustDeleted: true,
      runRequestId: `req-${(await handle.describe()).runId}`,
    })
    expect(view).not.toHaveProperty('reason')
    expect(view.latenessMs).toBe(Date.parse(view.startedAt ?? '') - Date.parse(view.runAt))
    expect(view.latenessMs).toBeGreaterThanOrEqual(0)
  })

  it('can be read and listed while it is being made, without asking a worker', async () => {
    const answer = gate<CallOutcome>()
    const { handle } = await schedule({ performCall: () => answer.opened })
    await untilState(handle, 'running')
    expect(await listedState(handle)).toBe('running')
    answer.open(accepted())
    const result = await handle.result()
    expect(await viewOf(handle)).toEqual(result)
    expect(await listedState(handle)).toBe('done')
  })

  it('keeps no trust id in what people read', async () => {
    const { cloud, handle } = await schedule({ performCall: accepted })
    await handle.result()
    expect(JSON.stringify(await viewOf(handle))).not.toContain(cloud.trust('a'))
  })

  it('ends as failed, with what OpenStack said, when OpenStack refuses it', async () => {
    const refusal = failure('CLOUD_REFUSED', 'Instance is locked')
    const { cloud, handle } = await schedule({ performCall: refusal })
    expect(await handle.result()).toMatchObject({
      state: 'failed',
      reason: { code: 'CLOUD_REFUSED', detail: 'Instance is locked' },
      trustDeleted: true,
    })
    expect(cloud.names()).toEqual(['performCall', 'deleteTrust'])
    expect(await listedState(handle)).toBe('failed')
  })

  it('ends as delegation-lost, with the reason, when its trust is no more', async () => {
    const lost = failure('DELEGATION_LOST', 'the trust was deleted')
    const { cloud, handle } = await schedule({ performCall: lost })
    expect(await handle.result()).toMatchObject({
      state: 'delegation-lost',
      reason: { code: 'DELEGATION_LOST', detail: 'the trust was deleted' },
    })
    expect(cloud.names()).toEqual(['performCall', 'deleteTrust'])
  })

  it('says so when the trust could not be deleted', async () => {
    const { handle } = await schedule({ performCall: accepted, deleteTrust: failure('INTERNAL', 'no way') })
    expect(await handle.result()).toMatchObject({ state: 'done', trustDeleted: false })
    expect(await viewOf(handle)).toMatchObject({ state: 'done', trustDeleted: false })
  })

  it('tries again to delete the trust while Keystone is away', async () => {
    const away = failure('KEYSTONE_UNREACHABLE', 'no answer')
    const { cloud, handle } = await schedule({ performCall: accepted, deleteTrust: [away, away, undefined] })
    expect(await handle.result()).toMatchObject({ state: 'done', trustDeleted: true })
    expect(cloud.names()).toEqual(['performCall', 'deleteTrust', 'deleteTrust', 'deleteTrust'])
  })
})

describe.concurrent('cancelling a deferred call', () => {
  it('deletes the trust and makes no call', async () => {
    const { cloud, handle } = await schedule({ performCall: accepted }, { dueInMs: 60_000 })
    expect(await handle.executeUpdate(cancelAction, { args: [{ by: person('olga') }] })).toMatchObject({
      state: 'cancelled',
      trustDeleted: true,
    })
    expect(await handle.result()).toMatchObject({ state: 'cancelled', trustDeleted: true })
    expect(cloud.names()).toEqual(['deleteTrust'])
    expect(await listedState(handle)).toBe('cancelled')
  })

  it('is refused while the call is being made, which then ends as if nobody had asked', async () => {
    const answer = gate<CallOutcome>()
    const { handle } = await schedule({ performCall: () => answer.opened })
    await untilState(handle, 'running')
    const refused = await handle
      .executeUpdate(cancelAction, { args: [{ by: person('olga') }] })
      .catch((error: unknown) => error)
    expect(codeOf(refused)).toBe('ACTION_CLOSED')
    answer.open(accepted())
    expect(await handle.result()).toMatchObject({ state: 'done' })
  })

  it('in Temporal before it is due makes no call either, and the trust is deleted', async () => {
    const { cloud, handle } = await schedule({ performCall: accepted }, { dueInMs: 60_000 })
    await untilState(handle, 'scheduled')
    await handle.cancel()
    expect(await handle.result()).toMatchObject({ state: 'cancelled', trustDeleted: true })
    expect(cloud.names()).toEqual(['deleteTrust'])
  })

  it('in Temporal while the call is being made waits for its outcome and tells it', async () => {
    const answer = gate<CallOutcome>()
    const { cloud, handle } = await schedule({ performCall: () => answer.opened })
    await untilState(handle, 'running')
    await until(() => cloud.names(), ['performCall'])
    await handle.cancel()
    await until(() => cancelRequested(handle), true)
    answer.open(accepted())
    expect(await handle.result()).toMatchObject({ state: 'done', result: { status: 202 } })
  })

  it('in Temporal between two attempts makes no further one', async () => {
    const away = failure('KEYSTONE_UNREACHABLE', 'no answer')
    const { cloud, handle } = await schedule({ performCall: away }, { maxLatenessMs: 3_600_000 })
    await until(() => cloud.names().length, 2)
    await handle.cancel()
    expect(await handle.result()).toMatchObject({ state: 'cancelled', trustDeleted: true })
    expect(cloud.names().slice(-1)).toEqual(['deleteTrust'])
  })

  it('holds when it was asked for while no worker was there', async ({ onTestFinished }) => {
    const cloud = bench.cloud({ performCall: accepted, deleteTrust: undefined })
    const taskQueue = `late-${cloud.host}`
    const handle = await startAction({ client: bench.client, taskQueue }, actionOf(cloud.trust('a')))
    const asked = handle.executeUpdate(cancelAction, { args: [{ by: person('olga') }] })
    onTestFinished(await bench.startWorker(taskQueue))
    expect(await asked).toMatchObject({ state: 'cancelled', trustDeleted: true })
    expect(await handle.result()).toMatchObject({ state: 'cancelled', trustDeleted: true })
    expect(cloud.names()).toEqual(['deleteTrust'])
  })
})

async function cancelRequested(handle: ActionHandle): Promise<boolean> {
  const { events } = await handle.fetchHistory()
  return (events ?? []).some((event) => event.workflowExecutionCancelRequestedEventAttributes)
}

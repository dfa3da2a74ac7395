import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { CallOutcome } from '../../core/activities.ts'
import type { Call } from '../../core/call.ts'
import { failure } from '../../core/errors.ts'
import { type ActionOptions, actionOf, startAction } from './action-bench.ts'
import { listedState, useWorker, viewOf } from './engine.ts'
import type { Script } from './scripted.ts'

const bench = useWorker()
const accepted = (): CallOutcome => ({ status: 202, startedAt: new Date().toISOString() })
const noAnswer = failure('OUTCOME_UNKNOWN', 'the connection broke before the answer')
const keystoneAway = failure('KEYSTONE_UNREACHABLE', 'Keystone does not answer')
/** An attempt that fails so late that no time is left for another one. */
const tooLateFor = { maxLatenessMs: 3_000 }
const lateFailure = (error: Error) => async () => {
  await sleep(2_500)
  throw error
}

async function finish(script: Script, options: ActionOptions = {}) {
  const cloud = bench.cloud({ deleteTrust: undefined, ...script })
  const handle = await startAction(bench, actionOf(cloud.trust('a'), options))
  const view = await handle.result()
  expect(await viewOf(handle)).toEqual(view)
  expect(await listedState(handle)).toBe(view.state)
  return { view, cloud, names: cloud.names() }
}

describe.concurrent('when the cloud is away at the due time', () => {
  it('the call is made late rather than never', async () => {
    const { view, names } = await finish({ performCall: [keystoneAway, keystoneAway, accepted] })
    expect(names).toEqual(['performCall', 'performCall', 'performCall', 'deleteTrust'])
    expect(view.state).toBe('done')
    // two waits, of one and of two seconds, lie between
    expect(view.latenessMs).toBeGreaterThanOrEqual(3_000)
    expect(view).not.toHaveProperty('reason')
  })

  it('the call is given up when it would be later than allowed, with the last reason, and the trust is deleted', async () => {
    const busy = failure('CLOUD_BUSY', 'Nova answered 503')
    const { view, names } = await finish({ performCall: [keystoneAway, busy] }, { maxLatenessMs: 8_000 })
    expect(names.slice(-2)).toEqual(['performCall', 'deleteTrust'])
    expect(view).toMatchObject({
      state: 'failed',
      reason: { code: 'CLOUD_BUSY', detail: 'Nova answered 503' },
      trustDeleted: true,
    })
  })

  it('an action that Steward itself comes to too late is not made at all', async () => {
    const { view, names } = await finish({ performCall: accepted }, { dueInMs: -60_000, maxLatenessMs: 30_000 })
    expect(names).toEqual(['deleteTrust'])
    expect(view).toMatchObject({ state: 'skipped', reason: { code: 'TOO_LATE' }, trustDeleted: true })
  })

  it('an action that Steward comes to late, but not too late, is made', async () => {
    const { view } = await finish({ performCall: accepted }, { dueInMs: -10_000, maxLatenessMs: 60_000 })
    expect(view.state).toBe('done')
    expect(view.latenessMs).toBeGreaterThanOrEqual(10_000)
  })
})

describe.concurrent('when the answer to a call is lost', () => {
  it('the call is not repeated if a look shows that it took effect', async () => {
    const { view, cloud, names } = await finish({
      performCall: noAnswer,
      reconcileCall: { verdict: 'done', requestId: 'req-found' },
    })
    expect(names).toEqual(['performCall', 'reconcileCall', 'deleteTrust'])
    expect(view).toMatchObject({
      state: 'done',
      result: { requestId: 'req-found', note: expect.stringContaining('seen by looking') },
    })
    const [look] = cloud.inputs('reconcileCall')
    expect(Date.parse(look?.sentAfter ?? '')).toBeLessThanOrEqual(Date.parse(view.endedAt ?? ''))
    expect(Date.parse(look?.sentAfter ?? '')).toBeGreaterThanOrEqual(Date.parse(view.runAt))
  })

  it('the call is repeated if a look shows that it did not take effect', async () => {
    const { view, names } = await finish({
      performCall: [noAnswer, accepted],
      reconcileCall: { verdict: 'not done' },
    })
    expect(names).toEqual(['performCall', 'reconcileCall', 'performCall', 'deleteTrust'])
    expect(view).toMatchObject({ state: 'done', result: { status: 202 } })
  })

  it('the call is never made again if a look cannot tell', async () => {
    const { view, names } = await finish({ performCall: noAnswer, reconcileCall: { verdict: 'unknown' } })
    expect(names).toEqual(['performCall', 'reconcileCall', 'deleteTrust'])
    expect(view).toMatchObject({ state: 'outcome-unknown', reason: { code: 'OUTCOME_UNKNOWN' }, trustDeleted: true })
  })

  it.each([
    failure('DELEGATION_LOST', 'the trust was deleted'),
    failure('CLOUD_REFUSED', 'Policy does not allow to list actions'),
  ])('the outcome stays unknown if the look itself is refused: $type', async (refusal) => {
    const { view, names } = await finish({ performCall: noAnswer, reconcileCall: refusal })
    expect(names).toEqual(['performCall', 'reconcileCall', 'deleteTrust'])
    expect(view).toMatchObject({ state: 'outcome-unknown', reason: { code: 'OUTCOME_UNKNOWN' } })
    expect(view.reason?.detail).toContain(refusal.message)
  })

  it('the action has failed, not gone astray, if a look shows no effect and it is too late to repeat the call', async () => {
    const { view, names } = await finish(
      { performCall: lateFailure(noAnswer), reconcileCall: { verdict: 'not done' } },
      tooLateFor,
    )
    expect(names).toEqual(['performCall', 'reconcileCall', 'deleteTrust'])
    expect(view).toMatchObject({ state: 'failed', reason: { code: 'CLOUD_UNREACHABLE' } })
  })

  it.each(['GET', 'PUT', 'DELETE'] as const)('a %s is repeated at once, since it may be', async (method) => {
    const call: Call = { service: 'compute', method, path: '/servers/6f1c' }
    const { view, names } = await finish({ performCall: [noAnswer, accepted] }, { call })
    expect(names).toEqual(['performCall', 'performCall', 'deleteTrust'])
    expect(view.state).toBe('done')
  })

  it.each(['POST', 'PATCH'] as const)('a %s is not repeated before a look', async (method) => {
    const call: Call = { service: 'compute', method, path: '/servers/6f1c' }
    const { names } = await finish({ performCall: noAnswer, reconcileCall: { verdict: 'unknown' } }, { call })
    expect(names).toEqual(['performCall', 'reconcileCall', 'deleteTrust'])
  })

  it('a PUT that never gets an answer ends as outcome-unknown', async () => {
    const call: Call = { service: 'compute', method: 'PUT', path: '/servers/6f1c' }
    const { view } = await finish({ performCall: lateFailure(noAnswer) }, { call, ...tooLateFor })
    expect(view).toMatchObject({ state: 'outcome-unknown', reason: { code: 'OUTCOME_UNKNOWN' } })
  })
})

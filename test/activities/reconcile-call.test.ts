import { beforeEach, describe, expect, it } from 'vitest'
import { createDeferredCallActivities } from '../../activities/deferred-call.ts'
import type { Call } from '../../core/call.ts'
import { codeOf } from '../../core/errors.ts'
import { rejection } from '../openstack/server.ts'
import { action, deferred, stop } from './deferred.ts'
import { passing, released, stopTheClock } from './rig.ts'

describe('the look after a call whose answer was lost', () => {
  beforeEach(stopTheClock)

  it('finds that the call took effect, and under which request id', async () => {
    const { cloud, server, perform, reconcile } = await deferred()
    const sentAfter = new Date().toISOString()
    cloud.fail(action, 'reset after effect')
    await rejection(perform())
    expect(await reconcile(sentAfter)).toEqual({ verdict: 'done', requestId: server.actions[0]?.requestId })
  })

  it.each([
    [90, true],
    [-90, true],
    [90, false],
    [-90, false],
  ])('finds it also when the clocks of the cloud are %i s ahead, whether Nova says so: %s', async (seconds, says) => {
    const { cloud, server, perform, reconcile } = await deferred()
    Object.assign(cloud.world, { aheadMs: seconds * 1000, novaSaysTheTime: says })
    const sentAfter = new Date().toISOString()
    cloud.fail(action, 'reset after effect')
    await rejection(perform())
    expect(await reconcile(sentAfter)).toEqual({ verdict: 'done', requestId: server.actions[0]?.requestId })
  })

  it.each([
    [90, true],
    [-90, true],
    [90, false],
    [-90, false],
  ])('takes no earlier stop for this one with clocks %i s ahead, whether Nova says so: %s', async (seconds, says) => {
    const { cloud, perform, reconcile } = await deferred()
    Object.assign(cloud.world, { aheadMs: seconds * 1000, novaSaysTheTime: says })
    await perform()
    expect(await reconcile(new Date(Date.now() + 30_000).toISOString())).toEqual({ verdict: 'not done' })
  })

  it('looks twice before it says that it did not', async () => {
    const { cloud, perform, reconcile } = await deferred()
    const sentAfter = new Date().toISOString()
    cloud.fail(action, 'reset')
    await rejection(perform())
    expect(await reconcile(sentAfter)).toEqual({ verdict: 'not done' })
    expect(cloud.received.filter(({ path }) => path.endsWith('/os-instance-actions'))).toHaveLength(2)
  })

  it('sees an effect that is recorded a moment later', async () => {
    const { cloud, sessions, run, server, trustId, perform } = await deferred()
    const sentAfter = new Date().toISOString()
    cloud.fail(action, 'reset after effect')
    await rejection(perform())
    const late = server.actions.splice(0)
    const { reconcileCall } = createDeferredCallActivities(
      sessions,
      passing(() => server.actions.push(...late)),
      released,
    )
    const found = await run(() => reconcileCall({ call: stop(server), trustId, sentAfter }))
    expect(found.verdict).toBe('done')
  })

  it('takes neither an earlier stop nor that of somebody else for this one', async () => {
    const { cloud, server, reconcile } = await deferred()
    const nowMs = Date.now()
    const recorded = { action: 'stop', requestId: 'req-1', projectId: 'p', message: null, events: [] }
    server.actions.push({ ...recorded, userId: cloud.user('alice').id, startMs: nowMs - 60_000 })
    server.actions.push({ ...recorded, userId: cloud.user('olga').id, startMs: nowMs + 1_000 })
    server.actions.push({ ...recorded, action: 'start', userId: cloud.user('alice').id, startMs: nowMs + 1_000 })
    expect(await reconcile(new Date(nowMs).toISOString())).toEqual({ verdict: 'not done' })
  })

  it.each<[string, Call]>([
    ['no action on a server', { service: 'compute', method: 'POST', path: '/servers', body: { server: {} } }],
    ['no record', { service: 'compute', method: 'POST', path: '/servers/x/action', body: { levitate: null } }],
    ['another service', { service: 'volume', method: 'POST', path: '/servers/x/action', body: { 'os-stop': null } }],
  ])('cannot tell of a call of which there is %s', async (_what, call) => {
    const { cloud, reconcile } = await deferred()
    expect(await reconcile(new Date().toISOString(), call)).toEqual({ verdict: 'unknown' })
    expect(cloud.received).toEqual([])
  })

  it('can be repeated when Nova is away', async () => {
    const { cloud, reconcile } = await deferred()
    await cloud.nova.stop()
    const error = await rejection(reconcile(new Date().toISOString()))
    expect(codeOf(error)).toBe('CLOUD_UNREACHABLE')
    expect(error).toMatchObject({ nonRetryable: false })
  })
})

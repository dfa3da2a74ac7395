import { describe, expect, it } from 'vitest'
import { createAheadActivities } from '../../activities/ahead.ts'
import { createDeferredCallActivities } from '../../activities/deferred-call.ts'
import { createEffectActivities } from '../../activities/effect.ts'
import { codeOf } from '../../core/errors.ts'
import { rejection } from '../openstack/server.ts'
import { deferred, stop } from './deferred.ts'
import { passing, released } from './rig.ts'

/** A server of alice, her trust, and what a worker can do with it by names. */
async function named(status: 'ACTIVE' | 'SHUTOFF' = 'ACTIVE') {
  const rig = await deferred({ status })
  const { sessions, server, trustId } = rig
  const calls = createDeferredCallActivities(sessions, passing(), released)
  const { awaitEffect } = createEffectActivities(sessions, passing())
  const { checkAhead } = createAheadActivities(sessions)
  const input = { serverId: server.id }
  const since = new Date().toISOString()
  return {
    ...rig,
    input,
    perform: (name: string, more: object = {}) =>
      rig.run(() => calls.performCall({ action: name, input: { ...input, ...more }, trustId })),
    reconcile: (name: string, more: object = {}) =>
      rig.run(() => calls.reconcileCall({ action: name, input: { ...input, ...more }, trustId, sentAfter: since })),
    end: (name: string, more: object = {}) =>
      rig.run(() => awaitEffect({ action: name, input, trustId, since, ...more })),
    ahead: (work: Parameters<typeof checkAhead>[0]['work']) => rig.run(() => checkAhead({ work, trustId })),
  }
}

describe('an action of the catalogue', () => {
  it('is called once, and keeps what was there before it', async () => {
    const { cloud, perform, server } = await named()
    expect(await perform('server.stop')).toMatchObject({
      ...{ status: 202, goesOn: true },
      before: { server: { status: 'ACTIVE' } },
    })
    expect(cloud.effects).toMatchObject([{ kind: 'stop', target: server.id }])
  })

  it('is waited for as long as whoever asked says, in place of what the catalogue does', async () => {
    const { cloud, perform, end, server } = await named()
    await perform('server.stop')
    Object.assign(server, { pending: undefined })
    expect(await end('server.stop', { limitSeconds: -1 })).toEqual({
      outcome: 'unseen',
      detail: 'its end was not seen within -1 s',
    })
    expect(cloud.effects).toHaveLength(1)
  })

  it('calls nothing when it is so already', async () => {
    const { cloud, perform } = await named('SHUTOFF')
    const outcome = await perform('server.stop')
    expect(outcome).toMatchObject({ status: 200, already: true, note: 'nothing to do: it was so already' })
    expect(outcome).not.toHaveProperty('goesOn')
    expect(cloud.received.some(({ path }) => path.endsWith('/action'))).toBe(false)
  })

  it('sends nothing when the look before it fails, so that it may be tried again', async () => {
    const { cloud, perform } = await named()
    cloud.fail({ service: 'compute', method: 'GET', times: Number.POSITIVE_INFINITY }, { status: 503 })
    expect(codeOf(await rejection(perform('server.stop')))).toBe('CLOUD_BUSY')
    expect(cloud.effects).toEqual([])
  })

  it('is not sent with an input that does not fit', async () => {
    const { cloud, perform } = await named()
    expect(codeOf(await rejection(perform('server.stop', { serverId: '../x' })))).toBe('INPUT_INVALID')
    expect(cloud.received.filter(({ service }) => service === 'compute')).toEqual([])
  })
})

describe('the end of an action', () => {
  it('is seen by looking', async () => {
    const { perform, end } = await named()
    await perform('server.stop')
    expect(await end('server.stop')).toMatchObject({ outcome: 'done' })
  })

  it('is seen to be a failure when the server goes to ERROR', async () => {
    const { server, end } = await named()
    server.status = 'ERROR'
    server.vmState = 'error'
    expect(await end('server.stop')).toMatchObject({ outcome: 'failed' })
  })

  it('is not seen when it takes longer than such actions do', async () => {
    const { end, server } = await named()
    server.taskState = 'powering-off'
    expect(await end('server.stop', { since: new Date(Date.now() - 3_600_000).toISOString() })).toMatchObject({
      ...{ outcome: 'unseen', detail: expect.stringMatching(/^its end was not seen within \d+ s$/) },
    })
  })

  it('is asked for again while the cloud does not answer', async () => {
    const { cloud, perform, end, logs } = await named()
    await perform('server.stop')
    cloud.fail({ service: 'compute', method: 'GET', times: 2 }, { status: 503 })
    expect(await end('server.stop')).toMatchObject({ outcome: 'done' })
    expect(logs.map(({ message }) => message)).toContain('the cloud cannot be asked how it goes')
  })

  it('is there at once for an action that has none', async () => {
    const { end } = await named()
    expect(await end('server.lock')).toMatchObject({ outcome: 'done' })
  })
})

describe('whether an action took effect', () => {
  it('is told by what Nova recorded', async () => {
    const { perform, reconcile } = await named()
    expect(await reconcile('server.stop')).toEqual({ verdict: 'not done' })
    await perform('server.stop')
    expect(await reconcile('server.stop')).toMatchObject({ verdict: 'done', requestId: expect.any(String) })
  })

  it('need not be told where doing it twice is harmless', async () => {
    const { reconcile } = await named()
    expect(await reconcile('server.rename', { name: 'other' })).toEqual({ verdict: 'not done' })
  })
})

describe('ahead of its time', () => {
  it('nothing is in the way of a stop of a server that is there', async () => {
    const { ahead, input, server, cloud } = await named()
    expect(await ahead({ action: 'server.stop', with: input })).toBeNull()
    expect(await ahead({ call: stop(server) })).toBeNull()
    expect(cloud.effects).toEqual([])
  })

  it('a server that is not there is in the way, but not of its own deletion', async () => {
    const { ahead } = await named()
    const gone = { serverId: '5c7d0f3e-8a1b-4c2d-9e3f-0000000000ff' }
    expect(await ahead({ action: 'server.stop', with: gone })).toMatchObject({ code: 'TARGET_MISSING' })
    expect(await ahead({ action: 'server.delete', with: gone })).toBeNull()
  })

  it('a microversion that Nova does not have is in the way', async () => {
    const { ahead, server } = await named()
    const call = { ...stop(server), microversion: '2.999' }
    expect(await ahead({ call })).toMatchObject({ code: 'MICROVERSION_UNSUPPORTED' })
  })

  it('a delegation that was lost is in the way', async () => {
    const { ahead, cloud, trustId, input } = await named()
    cloud.deleteTrust(trustId)
    expect(await ahead({ action: 'server.stop', with: input })).toMatchObject({ code: 'DELEGATION_LOST' })
  })

  it('a cloud that does not answer says nothing', async () => {
    const { ahead, cloud, server } = await named()
    cloud.fail({ service: 'compute', times: Number.POSITIVE_INFINITY }, { status: 503 })
    expect(codeOf(await rejection(ahead({ call: stop(server) })))).toBe('CLOUD_BUSY')
  })

  it('is looked at with reads only', async () => {
    const { ahead, cloud, input } = await named()
    await ahead({ action: 'server.stop', with: input })
    expect(cloud.received.filter(({ service, method }) => service === 'compute' && method !== 'GET')).toEqual([])
  })
})

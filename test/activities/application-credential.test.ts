import { beforeEach, describe, expect, it } from 'vitest'
import { createAheadActivities } from '../../activities/ahead.ts'
import { createDeferredCallActivities } from '../../activities/deferred-call.ts'
import { createGroupActivities } from '../../activities/group.ts'
import { codeOf } from '../../core/errors.ts'
import type { FakeCloud } from '../../simulator/cloud.ts'
import { rejection } from '../openstack/server.ts'
import { stop } from './deferred.ts'
import { passing, released, setUp, stopTheClock } from './rig.ts'

const rule = (method: string, path: string) => ({ service: 'compute', method, path })

/** A server of alice, a credential of hers, and a call that stops the server. */
async function lent(changes: Parameters<FakeCloud['addCredential']>[2] = {}) {
  const rig = await setUp()
  const { cloud, sessions } = rig
  const server = cloud.addServer({ host: 'compute1' })
  const { id, secret } = cloud.addCredential('alice', 'demo', changes)
  const applicationCredential = { id, secret }
  const { performCall } = createDeferredCallActivities(sessions, passing(), released)
  const { checkAhead } = createAheadActivities(sessions)
  const { findTargets } = createGroupActivities(sessions, passing(), released)
  return {
    ...{ ...rig, server, id, secret },
    perform: () => rig.run(() => performCall({ call: stop(server), applicationCredential })),
    look: () => rig.run(() => checkAhead({ work: { call: stop(server) }, applicationCredential })),
    find: () => rig.run(() => findTargets({ select: { status: ['ACTIVE'] }, applicationCredential })),
    logIns: () => cloud.received.filter(({ method, path }) => method === 'POST' && path === '/v3/auth/tokens').length,
  }
}

beforeEach(stopTheClock)

describe('with an application credential', () => {
  it('a call is made in the name of its owner, with the id of the run', async () => {
    const { cloud, perform, server, requestId } = await lent()
    expect(await perform()).toMatchObject({ status: 202 })
    expect(cloud.effects).toMatchObject([
      { target: server.id, userId: cloud.user('alice').id, sentRequestId: requestId },
    ])
  })

  it('one login serves all calls, and another secret does not share it', async () => {
    const { sessions, find, logIns, id, secret } = await lent()
    await find()
    await find()
    expect(logIns()).toBe(1)
    const mine = sessions.through({ applicationCredential: { id, secret } })
    expect(sessions.through({ applicationCredential: { id, secret } })).toBe(mine)
    const guessed = sessions.through({ applicationCredential: { id, secret: 'a guess' } })
    expect(codeOf(await rejection(guessed.token()))).toBe('DELEGATION_LOST')
    sessions.forget({ applicationCredential: { id, secret } })
    expect(sessions.through({ applicationCredential: { id, secret } })).not.toBe(mine)
  })

  it('the look ahead finds nothing in the way, or that the server is gone', async () => {
    const { cloud, look } = await lent()
    expect(await look()).toBeNull()
    cloud.world.servers.length = 0
    expect(await look()).toMatchObject({ code: 'TARGET_MISSING' })
  })

  it('the look ahead tells what its access rules leave out', async () => {
    const { look } = await lent({ accessRules: [rule('POST', '/v2.1/servers/*/action')] })
    expect(await look()).toMatchObject({ code: 'CLOUD_REFUSED', detail: expect.stringContaining('answered 401') })
  })

  it('work goes on when its owner has another password', async () => {
    const { cloud, perform } = await lent()
    Object.assign(cloud.user('alice'), { password: 'another' })
    cloud.killTokens('alice')
    expect(await perform()).toMatchObject({ status: 202 })
  })

  it("work goes on while Steward's own login is refused: it is not needed", async () => {
    const { cloud, perform } = await lent()
    Object.assign(cloud.user('steward'), { password: 'another' })
    expect(await perform()).toMatchObject({ status: 202 })
  })
})

describe('the delegation is lost, and nothing is called, when', () => {
  type Made = Awaited<ReturnType<typeof lent>>
  const losses: [what: string, lose: (made: Made) => void][] = [
    ['the credential was deleted', ({ cloud, id }) => cloud.deleteCredential(id)],
    ['its owner was disabled', ({ cloud }) => void Object.assign(cloud.user('alice'), { enabled: false })],
    ['its owner lost the role', ({ cloud }) => cloud.revoke('alice', 'demo', 'member')],
  ]
  describe.each([
    ['before the first login', false],
    ['while Steward had a token of it', true],
  ])('%s', (_when, isLoggedIn) => {
    it.each(losses)('%s', async (_what, lose) => {
      const made = await lent()
      if (isLoggedIn) await made.find()
      lose(made)
      const error = await rejection(made.perform())
      expect(codeOf(error)).toBe('DELEGATION_LOST')
      expect(String(error)).toMatch(
        /the application credential cannot be used any more \(deleted, expired, or its owner/,
      )
      expect(String(error)).not.toContain(made.secret)
      expect(await made.look()).toMatchObject({ code: 'DELEGATION_LOST' })
      expect(made.cloud.effects).toEqual([])
    })
  })

  it('the credential has expired', async () => {
    const expiresAt = new Date(Date.now() - 1000).toISOString().replace(/\.\d+Z$/, '.000000')
    const { perform } = await lent({ expiresAt })
    expect(codeOf(await rejection(perform()))).toBe('DELEGATION_LOST')
  })
})

describe('the delegation is not lost, and it is tried again, when', () => {
  it('Keystone is away', async () => {
    const { cloud, perform } = await lent()
    await cloud.keystone.stop()
    const error = await rejection(perform())
    expect(codeOf(error)).toBe('KEYSTONE_UNREACHABLE')
    expect(error).toMatchObject({ nonRetryable: false })
    await cloud.keystone.start()
    expect(await perform()).toMatchObject({ status: 202 })
  })

  it('its owner lacked the role for a while only', async () => {
    const { cloud, perform, find } = await lent()
    await find()
    cloud.revoke('alice', 'demo', 'member')
    cloud.grant('alice', 'demo', 'member')
    expect(await perform()).toMatchObject({ status: 202 })
  })
})

import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createDeferredCallActivities } from '../../activities/deferred-call.ts'
import type { Call } from '../../core/call.ts'
import { codeOf, detailsOf } from '../../core/errors.ts'
import { rejection } from '../openstack/server.ts'
import { action, deferred, stop } from './deferred.ts'
import { passing, released } from './rig.ts'

describe('a deferred call', () => {
  it('is made once, in the name of its owner, and carries the id of the run', async () => {
    const { cloud, server, perform, requestId } = await deferred()
    const done = await perform()
    expect(done).toEqual({
      status: 202,
      startedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      requestId: server.actions[0]?.requestId,
    })
    expect(cloud.effects).toEqual([
      { kind: 'stop', target: server.id, userId: cloud.user('alice').id, sentRequestId: requestId },
    ])
    expect(requestId).toMatch(/^req-[0-9a-f-]{36}$/)
  })

  it('asks for the microversion it names, and for none otherwise', async () => {
    const { cloud, perform } = await deferred()
    const call: Call = { service: 'compute', method: 'GET', path: '/servers', microversion: '2.96' }
    await perform(call)
    const { microversion: _without, ...plain } = call
    await perform(plain)
    const versions = cloud.received
      .filter((r) => r.service === 'compute')
      .map((r) => r.headers['openstack-api-version'])
    expect(versions).toEqual(['compute 2.96', undefined])
  })

  it('that has nothing left to do is a success that says so', async () => {
    const { cloud, perform } = await deferred({ status: 'SHUTOFF' })
    expect(await perform()).toMatchObject({
      status: 409,
      already: true,
      note: 'nothing to do: the server was SHUTOFF already',
    })
    expect(cloud.effects).toEqual([])
  })

  it('to a server that is busy may be made again', async () => {
    const { cloud, server, perform } = await deferred()
    server.taskState = 'image_snapshot'
    const error = await rejection(perform())
    expect(codeOf(error)).toBe('CLOUD_BUSY')
    expect(error).toMatchObject({ nonRetryable: false })
    expect(detailsOf(error)).toMatchObject({ status: 409, reason: expect.stringMatching('task_state image_snapshot') })
    expect(cloud.effects).toEqual([])
  })

  it('is told the conflict itself when the look after it fails', async () => {
    const { cloud, perform } = await deferred({ status: 'SHUTOFF' })
    cloud.fail({ service: 'compute', method: 'GET' }, { status: 500 })
    expect(codeOf(await rejection(perform()))).toBe('CLOUD_BUSY')
  })

  it.each([
    ['is refused for good with 4xx', 400, 'CLOUD_REFUSED', true],
    ['may be made again after 503', 503, 'CLOUD_BUSY', false],
    ['may be made again after 429', 429, 'CLOUD_BUSY', false],
  ] as const)('%s', async (_what, status, code, nonRetryable) => {
    const { cloud, perform } = await deferred()
    cloud.fail(action, {
      status,
      body: { badRequest: { message: 'no', code: status } },
      headers: { 'retry-after': '7' },
    })
    const error = await rejection(perform())
    expect(codeOf(error)).toBe(code)
    expect(error).toMatchObject({ nonRetryable })
    expect(detailsOf(error)).toMatchObject({ status, reason: 'no', retryAfterSeconds: 7 })
    expect(cloud.effects).toEqual([])
  })

  it.each([
    ['the connection breaks', 'reset after effect'],
    ['Nova does not answer in time', 'hang after effect'],
    ['Nova answers 500', { status: 500, afterEffect: true }],
    [
      'a proxy answers for Nova',
      { status: 502, text: '<html><title>502 Bad Gateway</title></html>', afterEffect: true },
    ],
  ] as const)('has an unknown outcome, and one effect, when %s after it took effect', async (_what, wrong) => {
    const { cloud, perform } = await deferred({ timeoutMs: 300 })
    cloud.fail(action, wrong)
    const error = await rejection(perform())
    expect(codeOf(error)).toBe('OUTCOME_UNKNOWN')
    expect(error).toMatchObject({ nonRetryable: true })
    expect(cloud.effects.map(({ kind }) => kind)).toEqual(['stop'])
    expect(cloud.received.filter(({ path }) => path.endsWith('/action'))).toHaveLength(1)
  })

  it('has an unknown outcome when the connection breaks before it took effect, for nobody can tell', async () => {
    const { cloud, perform } = await deferred()
    cloud.fail(action, 'reset')
    expect(codeOf(await rejection(perform()))).toBe('OUTCOME_UNKNOWN')
    expect(cloud.effects).toEqual([])
  })

  it('is not made while Nova cannot be reached', async () => {
    const { cloud, perform } = await deferred()
    await cloud.nova.stop()
    const error = await rejection(perform())
    expect(codeOf(error)).toBe('CLOUD_UNREACHABLE')
    expect(error).toMatchObject({ nonRetryable: false })
    await cloud.nova.start()
    expect(await perform()).toMatchObject({ status: 202 })
    expect(cloud.effects).toHaveLength(1)
  })

  it.each([
    ['is down', async (cloud) => cloud.keystone.stop()],
    ['hangs', async (cloud) => cloud.fail({ service: 'identity' }, 'hang')],
    ['answers 500', async (cloud) => cloud.fail({ service: 'identity' }, { status: 500 })],
    [
      'is a page of a proxy',
      async (cloud) => cloud.fail({ service: 'identity' }, { status: 200, text: '<html></html>' }),
    ],
  ] satisfies [string, (cloud: Awaited<ReturnType<typeof deferred>>['cloud']) => Promise<void>][])(
    'is not made while Keystone %s',
    async (_how, hurt) => {
      const { cloud, perform } = await deferred({ timeoutMs: 300 })
      await hurt(cloud)
      const error = await rejection(perform())
      expect(codeOf(error)).toBe('KEYSTONE_UNREACHABLE')
      expect(error).toMatchObject({ nonRetryable: false })
      expect(cloud.effects).toEqual([])
      expect(cloud.received.filter(({ service }) => service === 'compute')).toEqual([])
    },
  )

  it('is made after all when Nova no longer takes the token: with a new one, once', async () => {
    const { cloud, perform } = await deferred()
    const list: Call = { service: 'compute', method: 'GET', path: '/servers' }
    await perform(list)
    cloud.killTokens('steward')
    expect(await perform()).toMatchObject({ status: 202 })
    expect(cloud.effects).toHaveLength(1)
  })

  it.each([
    ['deleted the trust', ({ cloud, trustId }) => cloud.deleteTrust(trustId)],
    ['lost the role', ({ cloud }) => cloud.revoke('alice', 'demo', 'member')],
    ['was disabled', ({ cloud }) => void Object.assign(cloud.user('alice'), { enabled: false })],
  ] satisfies [string, (made: Awaited<ReturnType<typeof deferred>>) => void][])(
    'is not made when its owner %s, whether or not Steward was logged in',
    async (_what, lose) => {
      const made = await deferred()
      await made.perform({ service: 'compute', method: 'GET', path: '/servers' })
      lose(made)
      const first = codeOf(await rejection(made.perform()))
      // Nova says 503, not why, while Keystone refuses to speak of the token; the repeat finds out
      expect(['DELEGATION_LOST', 'CLOUD_BUSY']).toContain(first)
      const error = await rejection(made.perform())
      expect(codeOf(error)).toBe('DELEGATION_LOST')
      expect(error).toMatchObject({ nonRetryable: true })
      expect(error.message).toMatch(`trust ${made.trustId} cannot be used any more`)
      expect(made.cloud.effects).toEqual([])
    },
  )

  it('heartbeats every five seconds while it is under way, and no longer', async () => {
    const { cloud, perform, heartbeats } = await deferred({ timeoutMs: 300 })
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    cloud.fail(action, 'hang')
    const ended = rejection(perform())
    await vi.waitFor(() => expect(cloud.received.some(({ path }) => path.endsWith('/action'))).toBe(true))
    vi.advanceTimersByTime(15_000)
    expect(heartbeats).toHaveLength(3)
    await ended
    vi.advanceTimersByTime(15_000)
    expect(heartbeats).toHaveLength(3)
  })

  it('is not made after its trust has expired', async () => {
    const { cloud, sessions, run, server } = await deferred()
    const trustId = cloud.addTrust('alice', 'demo', ['member'], -1)
    const { performCall } = createDeferredCallActivities(sessions, passing(), released)
    const error = await rejection(run(() => performCall({ call: stop(server), trustId })))
    expect(codeOf(error)).toBe('DELEGATION_LOST')
  })

  it("is put off, not given up, when Steward's own login is refused", async () => {
    const { cloud, perform } = await deferred()
    Object.assign(cloud.user('steward'), { password: 'another' })
    const error = await rejection(perform())
    expect(codeOf(error)).toBe('SERVICE_LOGIN_REFUSED')
    expect(error).toMatchObject({ nonRetryable: false })
    expect(cloud.effects).toEqual([])
  })

  it('to a service the project does not have is refused', async () => {
    const { perform } = await deferred()
    expect(codeOf(await rejection(perform({ service: 'dns', method: 'GET', path: '/zones' })))).toBe('SERVICE_UNKNOWN')
  })

  it('to a path that leads out of the endpoint is refused', async () => {
    const { cloud, perform } = await deferred()
    const call: Call = { service: 'compute', method: 'GET', path: '/servers/../../v3/users' }
    expect(codeOf(await rejection(perform(call)))).toBe('PATH_REFUSED')
    expect(cloud.received.filter(({ service }) => service === 'compute')).toEqual([])
  })
})

describe('the answer to a deferred call', () => {
  it('is kept without the secrets in it', async () => {
    const { cloud, perform } = await deferred()
    const body = { server: { name: 'new', flavorRef: '1' } }
    const done = await perform({ service: 'compute', method: 'POST', path: '/servers', body })
    expect(done.body).toEqual({
      server: { id: cloud.effects[0]?.target, links: [], adminPass: '(not kept)' },
    })
  })

  it.each(['adminPass', 'password', 'user_passwd', 'secret', 'private_key', 'auth_token', 'credentials'])(
    'is kept without a field %s, however deep',
    async (name) => {
      const { cloud, perform } = await deferred()
      cloud.fail(action, { status: 200, body: { list: [{ inner: { [name]: 'CANARY', other: 'kept' } }] } })
      const done = await perform()
      expect(done.body).toEqual({ list: [{ inner: { [name]: '(not kept)', other: 'kept' } }] })
    },
  )

  it('is not kept when it is big', async () => {
    const { cloud, perform } = await deferred()
    cloud.fail(action, { status: 200, body: { output: 'x'.repeat(20_000) } })
    const done = await perform()
    expect(done).toMatchObject({ status: 200, note: 'the answer (20013 characters) was not kept' })
    expect(done).not.toHaveProperty('body')
  })
})

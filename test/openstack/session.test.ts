import { describe, expect, it } from 'vitest'
import { codeOf, detailsOf } from '../../core/errors.ts'
import { createHttp } from '../../openstack/http.ts'
import { createKeystone } from '../../openstack/keystone.ts'
import type { Login, Scope } from '../../openstack/login.ts'
import { createSession } from '../../openstack/session.ts'
import { type FakeKeystone, fakeKeystone, keystoneFault, tokenBody, trustId } from './fake-keystone.ts'
import { type Reply, rejection, serve } from './server.ts'

const login: Login = { method: 'password', user: { id: 'steward' }, password: 'pw-of-steward' }
const http = createHttp({ timeoutMs: 500 })
const logIns = (fake: FakeKeystone) => fake.received.filter(({ path }) => path === '/v3/auth/tokens').length

async function setUp(scope: Scope = { project: { id: 'p' } }) {
  const behaviour = { answer: (_token: string): Reply => ({ body: {} }) }
  const served = await serve(({ headers }) => behaviour.answer(headers['x-auth-token'] as string))
  const nova = Object.assign(behaviour, served)
  const fake = await fakeKeystone({ compute: nova.url })
  const clock = { nowMs: 0 }
  const keystone = createKeystone({ authUrl: fake.authUrl, http })
  const session = createSession({ keystone, http, login, scope, now: () => clock.nowMs })
  return { fake, nova, session, clock, keystone }
}

describe('a token', () => {
  it('is got at the first use, not before', async () => {
    const { fake, session } = await setUp()
    session.service('compute')
    expect(logIns(fake)).toBe(0)
    await session.token()
    expect(logIns(fake)).toBe(1)
  })

  it('is got once for all who ask together', async () => {
    const { fake, session } = await setUp()
    const tokens = await Promise.all(Array.from({ length: 50 }, () => session.token()))
    expect(new Set(tokens).size).toBe(1)
    expect(logIns(fake)).toBe(1)
  })

  it('is used until a minute before its end and then renewed', async () => {
    const { fake, session, clock } = await setUp()
    const first = await session.token()
    clock.nowMs = 3600_000 - 60_001
    expect(await session.token()).toBe(first)
    clock.nowMs = 3600_000 - 60_000
    expect(await session.token()).not.toBe(first)
    expect(logIns(fake)).toBe(2)
  })

  it('that lives less than a minute is used for half its life, not renewed with every call', async () => {
    const { fake, session, clock } = await setUp()
    fake.lifeSeconds = 30
    const first = await session.token()
    clock.nowMs = 14_000
    expect(await session.token()).toBe(first)
    clock.nowMs = 15_000
    expect(await session.token()).not.toBe(first)
  })

  it('is asked for again after a failure', async () => {
    const { fake, session } = await setUp()
    fake.onLogin = () => ({ status: 503 })
    const failures = await Promise.all([rejection(session.token()), rejection(session.token())])
    expect(failures.map(codeOf)).toEqual(['KEYSTONE_UNREACHABLE', 'KEYSTONE_UNREACHABLE'])
    expect(logIns(fake)).toBe(1)
    delete fake.onLogin
    expect((await session.token()).id).toBe('token-1')
  })

  it('still comes for the others when one of those who wait is cancelled', async () => {
    const { fake, session } = await setUp()
    const reason = new Error('cancelled')
    const cancelling = new AbortController()
    fake.onLogin = () => void cancelling.abort(reason)
    const one = rejection(session.token({ signal: cancelling.signal }))
    const other = session.token()
    expect(await one).toBe(reason)
    expect((await other).id).toBe('token-1')
    expect(await rejection(session.token({ signal: cancelling.signal }))).toBe(reason)
  })
})

describe('a service that answers 401', () => {
  it('is asked once more with a new token', async () => {
    const { nova, session, fake } = await setUp()
    nova.answer = (token) => ({ status: token === 'token-1' ? 401 : 200, body: {} })
    expect(
      (await session.service('compute').request({ method: 'POST', path: '/servers', body: { server: 1 } })).status,
    ).toBe(200)
    expect(nova.received.map(({ headers, body }) => [headers['x-auth-token'], body])).toEqual([
      ['token-1', { server: 1 }],
      ['token-2', { server: 1 }],
    ])
    expect(logIns(fake)).toBe(2)
  })

  it('is not asked a third time', async () => {
    const { nova, session, fake } = await setUp()
    nova.answer = () => ({ status: 401 })
    const error = await rejection(session.service('compute').request({ method: 'GET', path: '/servers' }))
    expect(codeOf(error)).toBe('CLOUD_REFUSED')
    expect(detailsOf(error)).toMatchObject({ status: 401 })
    expect(nova.received).toHaveLength(2)
    expect(logIns(fake)).toBe(2)
  })

  it('makes many callers log in only once', async () => {
    const { nova, session, fake } = await setUp()
    await session.token()
    nova.answer = (token) => ({ status: token === 'token-1' ? 401 : 200, body: {} })
    const compute = session.service('compute')
    await Promise.all(Array.from({ length: 20 }, () => compute.request({ method: 'GET', path: '/servers' })))
    expect(logIns(fake)).toBe(2)
  })
})

describe('a session through a trust', () => {
  it('acts as the trustor', async () => {
    const { session } = await setUp({ trustId })
    expect((await session.token()).trust).toMatchObject({ id: trustId, impersonation: true })
  })

  it.each([
    ['deleted or expired', 401],
    ['robbed of a role', 403],
    ['unknown', 404],
  ])('that was %s is lost, when our own login still works', async (_why, status) => {
    const { fake, session } = await setUp({ trustId })
    fake.onLogin = (scope) => (scope === 'trust' ? keystoneFault(status, 'Could not find trust: 3add.') : undefined)
    const error = await rejection(session.token())
    expect(codeOf(error)).toBe('DELEGATION_LOST')
    expect(error.message).toContain('Could not find trust: 3add.')
    expect(error).toMatchObject({ nonRetryable: true })
    expect(detailsOf(error)).toMatchObject({ trustId, status })
  })

  it('is not called lost when it is our own login that is refused', async () => {
    const { fake, session } = await setUp({ trustId })
    fake.onLogin = () => keystoneFault(401, 'The request you have made requires authentication.')
    const error = await rejection(session.token())
    expect(codeOf(error)).toBe('SERVICE_LOGIN_REFUSED')
    expect(error).toMatchObject({ nonRetryable: false })
  })

  it('is not called lost when Keystone cannot be asked about our own login', async () => {
    const { fake, session } = await setUp({ trustId })
    fake.onLogin = (scope) => (scope === 'trust' ? keystoneFault(401, 'no') : { status: 503 })
    expect(codeOf(await rejection(session.token()))).toBe('KEYSTONE_UNREACHABLE')
  })

  it('is lost when it is deleted while its token is in use: Nova 401, Keystone 401', async () => {
    const { fake, nova, session } = await setUp({ trustId })
    const compute = session.service('compute')
    await compute.request({ method: 'GET', path: '/servers' })
    nova.answer = () => ({ status: 401 })
    fake.onLogin = (scope) => (scope === 'trust' ? keystoneFault(401, 'requires authentication') : undefined)
    const stop = compute.request({ method: 'POST', path: '/servers/1/action', body: { 'os-stop': null } })
    expect(codeOf(await rejection(stop))).toBe('DELEGATION_LOST')
  })

  it('goes on by itself once a role is given back', async () => {
    const { fake, session } = await setUp({ trustId })
    fake.onLogin = (scope) => (scope === 'trust' ? keystoneFault(403, 'no role') : undefined)
    await rejection(session.token())
    delete fake.onLogin
    expect((await session.token()).trust?.id).toBe(trustId)
  })

  it.each<[string, Record<string, unknown>]>([
    ['is of no trust', { 'OS-TRUST:trust': undefined }],
    [
      'is of another trust',
      {
        'OS-TRUST:trust': {
          id: 'other',
          impersonation: true,
          trustor_user: { id: '138fdda6f4f247dd81a26c71742f04b2' },
        },
      },
    ],
    [
      'does not impersonate',
      {
        'OS-TRUST:trust': {
          id: trustId,
          impersonation: false,
          trustor_user: { id: '138fdda6f4f247dd81a26c71742f04b2' },
        },
      },
    ],
    ['is of somebody else', { user: { id: 'steward', name: 'steward' } }],
  ])('never uses a token that %s', async (_how, changes) => {
    const { fake, session, nova } = await setUp({ trustId })
    fake.onLogin = () => ({
      status: 201,
      headers: { 'x-subject-token': 't' },
      body: tokenBody({ scope: 'trust', changes, endpoints: { compute: nova.url } }),
    })
    const error = await rejection(session.service('compute').request({ method: 'GET', path: '/servers' }))
    expect(codeOf(error)).toBe('CLOUD_ANSWER_UNREADABLE')
    expect(nova.received).toEqual([])
  })

  it('cannot be had with an application credential, which is said at once', async () => {
    const { keystone } = await setUp()
    const credential: Login = { method: 'application_credential', credential: { id: 'a' }, secret: 's' }
    const make = async () => createSession({ keystone, http, login: credential, scope: { trustId } })
    expect(codeOf(await rejection(make()))).toBe('CONFIG_INVALID')
  })
})

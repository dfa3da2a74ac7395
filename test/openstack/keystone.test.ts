import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { codeOf, detailsOf } from '../../core/errors.ts'
import { createHttp } from '../../openstack/http.ts'
import { createKeystone } from '../../openstack/keystone.ts'
import type { Login } from '../../openstack/login.ts'
import {
  type FakeKeystone,
  fakeKeystone,
  keystoneFault,
  project,
  tokenBody,
  trustId,
  trustor,
} from './fake-keystone.ts'
import { closedPort, type Reply, rejection, serve } from './server.ts'

const login: Login = {
  method: 'password',
  user: { name: 'steward', domain: { id: 'default' } },
  password: 'pw-of-steward',
}
const setUp = async () => {
  const fake = await fakeKeystone({ compute: 'http://nova/v2.1' })
  return { fake, keystone: createKeystone({ authUrl: fake.authUrl, http: createHttp({ timeoutMs: 300 }) }) }
}

describe('logging in', () => {
  it.each(['', '/', '/v3', '/v3/', '/v2.0'])('works with an auth URL that ends in %j', async (ending) => {
    const fake = await fakeKeystone()
    const keystone = createKeystone({ authUrl: fake.authUrl + ending, http: createHttp() })
    await keystone.authenticate(login)
    expect(fake.received[0]?.path).toBe('/v3/auth/tokens')
  })

  it.each<[string, Login, unknown]>([
    [
      'a password',
      login,
      {
        methods: ['password'],
        password: { user: { name: 'steward', domain: { id: 'default' }, password: 'pw-of-steward' } },
      },
    ],
    ['a token', { method: 'token', token: 'tk' }, { methods: ['token'], token: { id: 'tk' } }],
    [
      'an application credential',
      { method: 'application_credential', credential: { id: 'ac' }, secret: 's' },
      { methods: ['application_credential'], application_credential: { id: 'ac', secret: 's' } },
    ],
  ])('with %s sends what Keystone expects', async (_what, given, identity) => {
    const { fake, keystone } = await setUp()
    await keystone.authenticate(given, { project: { id: 'p' } })
    // an application credential with a scope is refused by Keystone
    const scope = given.method === 'application_credential' ? {} : { scope: { project: { id: 'p' } } }
    expect(fake.received[0]?.body).toEqual({ auth: { identity, ...scope } })
  })

  it('gives a token that says who, where and until when', async () => {
    const { keystone } = await setUp()
    const token = await keystone.authenticate(login, { trustId })
    expect(token).toMatchObject({
      userId: trustor.id,
      userName: 'alice',
      projectId: project.id,
      projectName: 'demo',
      roles: ['member', 'reader'],
      trust: { id: trustId, trustorUserId: trustor.id, impersonation: true },
      isApplicationCredential: false,
    })
    expect(token.expiresAt.getTime()).toBeGreaterThan(Date.now())
    expect(token.catalog.endpoint('compute')).toBe('http://nova/v2.1')
  })

  it('gives a token whose id shows up only where it is asked for by name', async () => {
    const { keystone } = await setUp()
    const token = await keystone.authenticate(login)
    expect(token.id).toBe('token-1')
    expect(inspect(token, { showHidden: true, depth: null })).not.toContain('token-1')
    expect(JSON.stringify(token)).not.toContain('token-1')
    expect({ ...token }).not.toHaveProperty('id')
  })

  it.each([401, 403, 404, 400])('that Keystone refuses with %i says why', async (status) => {
    const { fake, keystone } = await setUp()
    fake.onLogin = () => keystoneFault(status, 'The account is locked for user: 138f.')
    const error = await rejection(keystone.authenticate(login))
    expect(codeOf(error)).toBe('SERVICE_LOGIN_REFUSED')
    expect(error.message).toBe('Keystone refused the login: The account is locked for user: 138f.')
    expect(detailsOf(error)).toMatchObject({ status })
  })

  it.each<[string, Reply, string]>([
    [
      'HTML',
      { status: 201, headers: { 'x-subject-token': 't' }, body: '<html><title>portal</title></html>' },
      'KEYSTONE_UNREACHABLE',
    ],
    ['no token header', { status: 201, body: tokenBody() }, 'CLOUD_ANSWER_UNREADABLE'],
    [
      'another shape',
      { status: 201, headers: { 'x-subject-token': 't' }, body: { token: {} } },
      'CLOUD_ANSWER_UNREADABLE',
    ],
    ['nothing', { status: 201, headers: { 'x-subject-token': 't' } }, 'CLOUD_ANSWER_UNREADABLE'],
    ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:9/' } }, 'CLOUD_ANSWER_UNREADABLE'],
    ['429', { status: 429 }, 'KEYSTONE_UNREACHABLE'],
    ['500', { status: 500 }, 'KEYSTONE_UNREACHABLE'],
    ['503', { status: 503, body: '<html>' }, 'KEYSTONE_UNREACHABLE'],
  ])('that is answered with %s is no login', async (_what, reply, code) => {
    const { fake, keystone } = await setUp()
    fake.onLogin = () => reply
    expect(codeOf(await rejection(keystone.authenticate(login)))).toBe(code)
    expect(fake.received).toHaveLength(1)
  })

  it('may be repeated when the answer is lost, for it changes nothing', async () => {
    const silent = await serve(() => undefined)
    const keystone = createKeystone({ authUrl: silent.url, http: createHttp({ timeoutMs: 100 }) })
    expect(codeOf(await rejection(keystone.authenticate(login)))).toBe('KEYSTONE_UNREACHABLE')
  })
})

describe("validating a caller's token", () => {
  const validation = (fake: FakeKeystone, reply: Reply) => {
    fake.onOther = () => reply
  }

  it('asks Keystone with that token and nothing of ours', async () => {
    const { fake, keystone } = await setUp()
    validation(fake, { body: tokenBody() })
    const token = await keystone.validate('  callers-token\n')
    expect(token).toMatchObject({ projectId: project.id, roles: ['member', 'reader'] })
    expect(token.id).toBe('callers-token')
    expect(fake.received).toHaveLength(1)
    expect(fake.received[0]).toMatchObject({
      method: 'GET',
      path: '/v3/auth/tokens',
      headers: { 'x-auth-token': 'callers-token', 'x-subject-token': 'callers-token' },
    })
  })

  it.each([
    { methods: ['application_credential'] },
    { methods: ['token'], application_credential: { id: 'a', name: 'ci' } },
  ])('tells tokens of application credentials from others: %j', async (changes) => {
    const { fake, keystone } = await setUp()
    validation(fake, { body: tokenBody({ changes }) })
    expect((await keystone.validate('t')).isApplicationCredential).toBe(true)
  })

  it.each([
    [{ project: undefined, domain: { id: 'default' } }, 'it is scoped to a domain'],
    [{ project: undefined, system: { all: true } }, 'it is scoped to the system'],
    [{ project: undefined }, 'it has no scope'],
  ])('says what a token is for when that is no project: %j', async (changes, says) => {
    const { fake, keystone } = await setUp()
    validation(fake, { body: tokenBody({ changes }) })
    expect((await rejection(keystone.validate('t'))).message).toBe(`the token is not scoped to a project: ${says}`)
  })

  it.each<[string, Reply, string]>([
    ['401', keystoneFault(401, 'The request you have made requires authentication.'), 'TOKEN_INVALID'],
    ['403', keystoneFault(403, 'You are not authorized'), 'TOKEN_INVALID'],
    ['404', keystoneFault(404, 'Could not find token'), 'TOKEN_INVALID'],
    ['an unscoped token', { body: tokenBody({ scope: 'unscoped' }) }, 'TOKEN_INVALID'],
    [
      'a domain-scoped token',
      { body: tokenBody({ changes: { project: undefined, domain: { id: 'default', name: 'Default' } } }) },
      'TOKEN_INVALID',
    ],
    [
      'a system-scoped token',
      { body: tokenBody({ changes: { project: undefined, system: { all: true } } }) },
      'TOKEN_INVALID',
    ],
    ['500', { status: 500 }, 'KEYSTONE_UNREACHABLE'],
    ['503', { status: 503 }, 'KEYSTONE_UNREACHABLE'],
    ['429', { status: 429 }, 'KEYSTONE_UNREACHABLE'],
    ['an HTML page', { body: '<html><title>login</title></html>' }, 'KEYSTONE_UNREACHABLE'],
    ['a redirect', { status: 307, headers: { location: 'http://127.0.0.1:9/' } }, 'CLOUD_ANSWER_UNREADABLE'],
    ['another shape', { body: { token: { user: 'admin' } } }, 'CLOUD_ANSWER_UNREADABLE'],
    ['an empty body', {}, 'CLOUD_ANSWER_UNREADABLE'],
  ])('does not let anybody in on %s', async (_what, reply, code) => {
    const { fake, keystone } = await setUp()
    validation(fake, reply)
    expect(codeOf(await rejection(keystone.validate('callers-token')))).toBe(code)
  })

  it('tells an unreachable Keystone from a bad token', async () => {
    const authUrl = `http://127.0.0.1:${await closedPort()}`
    const keystone = createKeystone({ authUrl, http: createHttp() })
    expect(codeOf(await rejection(keystone.validate('callers-token')))).toBe('KEYSTONE_UNREACHABLE')
  })

  it.each(['', '   ', 'a b', 'a\r\nx-roles: admin', 'tökén', 'x'.repeat(8193)])(
    'does not send on %j',
    async (token) => {
      const { fake, keystone } = await setUp()
      expect(codeOf(await rejection(keystone.validate(token)))).toBe('TOKEN_INVALID')
      expect(fake.received).toEqual([])
    },
  )
})

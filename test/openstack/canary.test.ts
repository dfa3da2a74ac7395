import { Writable } from 'node:stream'
import { inspect } from 'node:util'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { codeOf } from '../../core/errors.ts'
import { createHttp } from '../../openstack/http.ts'
import { createKeystone } from '../../openstack/keystone.ts'
import { type Login, loginWith } from '../../openstack/login.ts'
import { withSecrets } from '../../openstack/secret.ts'
import { createSession, type Session } from '../../openstack/session.ts'
import { type FakeKeystone, fakeKeystone, tokenBody, trustId } from './fake-keystone.ts'
import { closedPort, type Received, type Reply, rejection, serve, serveTcp } from './server.ts'

const token = 'CANARY-SECRET-token-5c1f'
const password = 'CANARY-SECRET-password-93aa'
const login: Login = withSecrets({ method: 'password' as const, user: { id: 'steward' } }, { password })
const http = createHttp({ timeoutMs: 150, connectTimeoutMs: 150, maxAnswerBytes: 50_000 })

/** Everywhere a person or a program may look at an error. */
async function everythingSeenOf(error: Error): Promise<string> {
  let logged = ''
  const stream = new Writable({
    write(chunk, _encoding, done) {
      logged += String(chunk)
      done()
    },
  })
  pino({}, stream).error({ err: error, error }, 'failed')
  return [
    inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true }),
    JSON.stringify(error),
    JSON.stringify(error, Object.getOwnPropertyNames(error)),
    error.message,
    error.stack,
    String(error.cause),
    logged,
  ].join('\n')
}

/** A malicious service: sends back all it was given, in its body and in its headers. */
const echo = ({ headers, body }: Received, status: number): Reply => {
  const all = `${headers['x-auth-token']} ${headers['x-subject-token']} ${JSON.stringify(body)}`
  return {
    status,
    headers: { 'x-openstack-request-id': all, 'retry-after': all, location: `http://evil/${headers['x-auth-token']}` },
    body: { error: { message: all, code: status } },
  }
}

/** Lets a session in with the canary as its token. */
async function cloud(endpoint: string, changes: (fake: FakeKeystone) => void = () => undefined) {
  const fake = await fakeKeystone()
  fake.onLogin = (scope) => ({
    status: 201,
    headers: { 'x-subject-token': token },
    body: tokenBody({ scope, endpoints: { compute: endpoint } }),
  })
  changes(fake)
  const keystone = createKeystone({ authUrl: fake.authUrl, http })
  return { keystone, session: createSession({ keystone, http, login }), fake }
}

type Failing = () => Promise<unknown>
const post = (session: Session) =>
  session.service('compute').request({ method: 'POST', path: '/servers', body: { token } })
const get = (session: Session) => session.service('compute').get('/servers', z.object({ servers: z.array(z.string()) }))
const served = (answer: (request: Received) => Reply | undefined) => async () => (await serve(answer)).url

const endpoints: Record<string, () => Promise<string>> = {
  'refuses the connection': async () => `http://127.0.0.1:${await closedPort()}`,
  'speaks no TLS': async () => (await serve(() => ({}))).url.replace('http:', 'https:'),
  'hangs up': async () =>
    `http://127.0.0.1:${(await serveTcp((socket) => socket.once('data', () => socket.destroy()))).port}`,
  'sends the request back as its answer': async () =>
    `http://127.0.0.1:${(await serveTcp((socket) => socket.pipe(socket))).port}`,
  'never answers': served(() => undefined),
  'answers too much': served(() => ({ body: token.repeat(5_000) })),
  'answers HTML': served(() => ({ body: `<html><title>${token}</title></html>` })),
  'answers HTML with 502': served(() => ({ status: 502, body: `<html><title>${token}</title></html>` })),
  'answers text with 500': served(() => ({ status: 500, body: `${' '.repeat(480)}${token} and more` })),
  'answers another shape': served(() => ({ body: { servers: { [token]: token } } })),
  'answers wrong items': served(() => ({ body: { servers: [{ token }] } })),
  ...Object.fromEntries(
    [301, 400, 401, 403, 404, 406, 409, 429, 500, 503].map((status) => [
      `echoes with ${status}`,
      served((request) => echo(request, status)),
    ]),
  ),
}

const failing: Record<string, Failing> = {}
for (const [what, endpoint] of Object.entries(endpoints)) {
  failing[`a change when the service ${what}`] = async () => {
    const { session } = await cloud(await endpoint())
    const { status } = await post(session)
    // a 2xx of any shape is a success of `request`
    if (status < 300) return get(session)
  }
  failing[`a read when the service ${what}`] = async () => get((await cloud(await endpoint())).session)
}
for (const status of [302, 400, 401, 403, 404, 409, 429, 500, 503]) {
  const echoing = (fake: FakeKeystone) => {
    fake.onLogin = (_scope, request) => echo(request, status)
    fake.onOther = (request) => echo(request, status)
  }
  const caller = {
    ...{ ...tokenBody(), userId: 'u', projectId: 'p', projectName: 'demo', id: token },
    ...{ roles: ['member'], methods: ['mapped'], applicationCredential: { id: 'cred-1' } },
  } as never
  failing[`a login when Keystone echoes with ${status}`] = async () =>
    (await cloud('http://x', echoing)).session.token()
  failing[`a validation when Keystone echoes with ${status}`] = async () =>
    (await cloud('http://x', echoing)).keystone.validate(token)
  failing[`a login through a trust when Keystone echoes with ${status}`] = async () => {
    const { keystone } = await cloud('http://x', (fake) => {
      fake.onLogin = (scope, request) =>
        scope === 'trust'
          ? echo(request, status)
          : { status: 201, headers: { 'x-subject-token': token }, body: tokenBody() }
    })
    return createSession({ keystone, http, login, scope: { trustId } }).token()
  }
  failing[`a login with an application credential when Keystone echoes with ${status}`] = async () =>
    (await cloud('http://x', echoing)).keystone.authenticate(loginWith({ id: 'cred-1', secret: password }))
  failing[`a session of a lent application credential when Keystone echoes with ${status}`] = async () => {
    const { keystone } = await cloud('http://x', echoing)
    return createSession({ keystone, http, login: loginWith({ id: 'cred-1', secret: password }), isLent: true }).token()
  }
  if (status >= 429 || status < 400)
    failing[`reading an application credential when Keystone echoes with ${status}`] = async () =>
      (await cloud('http://x', echoing)).keystone.credentialEnd(caller)
  failing[`making a trust when Keystone echoes with ${status}`] = async () =>
    (await cloud('http://x', echoing)).keystone.createTrust(caller, {
      trusteeUserId: 't',
      roles: ['member'],
      expiresAt: new Date(),
    })
  if (status !== 404)
    failing[`deleting a trust when Keystone echoes with ${status}`] = async () =>
      (await cloud('http://x', echoing)).keystone.deleteTrust(caller, trustId)
}
Object.assign(failing, {
  'a login when Keystone cannot be reached': async () =>
    createKeystone({ authUrl: `http://127.0.0.1:${await closedPort()}`, http }).authenticate(login),
  'a login when Keystone never answers': async () =>
    createKeystone({ authUrl: await served(() => undefined)(), http }).authenticate(login),
  'a login when Keystone answers another shape': async () =>
    (
      await cloud('http://x', (fake) => {
        fake.onLogin = () => ({
          status: 201,
          headers: { 'x-subject-token': token },
          body: { token: { [password]: token } },
        })
      })
    ).session.token(),
  'a login whose token cannot be a header': async () =>
    (
      await cloud('http://x', (fake) => {
        fake.onLogin = () => ({ status: 201, headers: { 'x-subject-token': `${token} ${token}` }, body: tokenBody() })
      })
    ).session.token(),
  'a validation of something that is no token': async () =>
    (await cloud('http://x')).keystone.validate(`${token} ${token}`),
  'a bad request id': async () => http({ service: 'compute', method: 'GET', url: 'http://x', requestId: token }),
  'a header that HTTP cannot carry': async () =>
    http({
      service: 'compute',
      method: 'GET',
      url: await served(() => ({}))(),
      headers: { 'x-auth-token': `${token}\n` },
    }),
  'a body that is no JSON': async () =>
    http({
      service: 'compute',
      method: 'POST',
      url: await served(() => ({}))(),
      headers: { 'x-auth-token': token },
      body: { password, id: 1n },
    }),
} satisfies Record<string, Failing>)

describe('no token and no password is seen in the failure of', () => {
  it.each(Object.entries(failing))('%s', async (_what, act) => {
    const error = await rejection(act())
    expect(await everythingSeenOf(error)).not.toContain('CANARY-SECRET')
    expect(codeOf(error)).toBeDefined()
  })
})

import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { codeOf, detailsOf } from '../../core/errors.ts'
import { createHttp } from '../../openstack/http.ts'
import { createKeystone } from '../../openstack/keystone.ts'
import { createSession } from '../../openstack/session.ts'
import { fakeKeystone } from './fake-keystone.ts'
import { type Received, type Reply, rejection, serve } from './server.ts'

const http = createHttp({ timeoutMs: 500 })
const Server = z.object({ id: z.string() })

/** A cloud with one service, at `/v2.1` of its host. */
async function setUp(answer: (request: Received, url: string) => Reply | undefined, type = 'compute') {
  const served = await serve((request) => answer(request, served.url))
  const fake = await fakeKeystone({ [type]: `${served.url}/v2.1` })
  const keystone = createKeystone({ authUrl: fake.authUrl, http })
  const session = createSession({ keystone, http, login: { method: 'password', user: { id: 's' }, password: 'p' } })
  return { session, client: session.service(type), served, fake }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

describe('a call', () => {
  it('goes to the endpoint with token, query and body, and tells what came back', async () => {
    const requestId = 'req-64d94e5f-69f7-47a3-bf79-70aabad58bb0'
    const { client, served } = await setUp(() => ({
      status: 202,
      headers: {
        'x-openstack-request-id': requestId,
        location: 'http://x/1',
        'set-cookie': 'a=b',
        'x-subject-token': 't',
      },
      body: { server: { id: '1' } },
    }))
    const answer = await client.request({
      method: 'POST',
      path: '/servers?dry=1',
      query: { name: 'a b', tag: ['x', 'y'], none: undefined, all: true },
      body: { server: {} },
    })
    expect(served.received[0]).toMatchObject({
      method: 'POST',
      path: '/v2.1/servers?dry=1&name=a+b&tag=x&tag=y&all=true',
      headers: { 'x-auth-token': 'token-1', 'content-type': 'application/json' },
      body: { server: {} },
    })
    expect(answer).toEqual({
      status: 202,
      body: { server: { id: '1' } },
      requestId,
      headers: { location: 'http://x/1', 'content-type': 'application/json' },
    })
  })

  it('may be answered with nothing, or with text', async () => {
    const { client } = await setUp(({ method }) => (method === 'DELETE' ? { status: 204 } : { body: 'plain' }))
    expect(await client.request({ method: 'DELETE', path: '/servers/1' })).toMatchObject({
      status: 204,
      body: undefined,
    })
    expect(await client.request({ method: 'GET', path: '/console' })).toMatchObject({ body: 'plain' })
  })

  it('carries the content type of a PATCH dialect', async () => {
    const { client, served } = await setUp(() => ({}))
    const contentType = 'application/openstack-images-v2.1-json-patch'
    await client.request({ method: 'PATCH', path: '/images/1', body: [], contentType })
    expect(served.received[0]?.headers['content-type']).toBe(contentType)
  })

  it('does not follow a redirect: the token stays with the service', async () => {
    const elsewhere = await serve(() => ({}))
    const { client } = await setUp(() => ({ status: 301, headers: { location: elsewhere.url } }))
    const error = await rejection(client.request({ method: 'GET', path: '/servers' }))
    expect(codeOf(error)).toBe('CLOUD_ANSWER_UNREADABLE')
    expect(elsewhere.received).toEqual([])
  })

  it('to a path outside the endpoint is refused before anything is sent', async () => {
    const { client, served, session, fake } = await setUp(() => ({}))
    expect(codeOf(await rejection(client.request({ method: 'GET', path: '/../v3/users' })))).toBe('PATH_REFUSED')
    expect(codeOf(await rejection(client.get('//evil', z.any())))).toBe('PATH_REFUSED')
    expect(codeOf(await rejection(collect(client.pages('http://evil', 'x', z.any()))))).toBe('PATH_REFUSED')
    expect(fake.received).toEqual([])
    expect(codeOf(await rejection(session.service('dns').get('/', z.any())))).toBe('SERVICE_UNKNOWN')
    expect(served.received).toEqual([])
  })

  it('says which request of the service failed', async () => {
    const { client } = await setUp(() => ({
      status: 409,
      headers: { 'x-openstack-request-id': 'req-1', 'retry-after': '3' },
      body: { conflictingRequest: { message: "Cannot 'stop' instance 1 while it is in vm_state stopped", code: 409 } },
    }))
    const error = await rejection(
      client.request({ method: 'POST', path: '/servers/1/action', body: { 'os-stop': null } }),
    )
    expect(codeOf(error)).toBe('CLOUD_BUSY')
    expect(detailsOf(error)).toEqual({
      status: 409,
      service: 'compute',
      method: 'POST',
      path: '/v2.1/servers/1/action',
      reason: "Cannot 'stop' instance 1 while it is in vm_state stopped",
      requestId: 'req-1',
      retryAfterSeconds: 3,
    })
  })

  it('is never repeated by itself', async () => {
    const { client, served } = await setUp(() => ({ status: 503 }))
    await rejection(client.request({ method: 'GET', path: '/servers' }))
    expect(served.received).toHaveLength(1)
  })
})

describe('a read', () => {
  it('checks the shape and names the field, not the value', async () => {
    const { client } = await setUp(() => ({ body: { server: { id: 4711 } } }))
    const error = await rejection(client.get('/servers/1', z.object({ server: Server })))
    expect(codeOf(error)).toBe('CLOUD_ANSWER_UNREADABLE')
    expect(error.message).toMatch('compute answered GET /v2.1/servers/1 in another shape: server.id:')
    expect(error.message).not.toContain('4711')
  })

  it('does not take a page of a proxy for an answer', async () => {
    const { client } = await setUp(() => ({ body: '<html><title>maintenance</title></html>' }))
    expect((await rejection(client.get('/servers', z.any().and(z.object({}))))).message).toMatch('no JSON')
  })
})

describe('a list', () => {
  const three =
    (link: (url: string, marker: number) => Record<string, unknown>) => (request: Received, url: string) => {
      const page = Number(new URL(request.path, url).searchParams.get('marker') ?? 0)
      return { body: { servers: [{ id: `${page}` }], ...(page < 2 && link(url, page + 1)) } }
    }

  it.each<[string, (url: string, marker: number) => Record<string, unknown>]>([
    [
      'Nova and Neutron',
      (url, marker) => ({ servers_links: [{ rel: 'next', href: `${url}/v2.1/servers?limit=1&marker=${marker}` }] }),
    ],
    [
      'Keystone',
      (url, marker) => ({ links: { self: url, previous: null, next: `${url}/v2.1/servers?marker=${marker}` } }),
    ],
    ['Magnum and Ironic', (url, marker) => ({ next: `${url}/v2.1/servers?marker=${marker}` })],
    ['Glance', (_url, marker) => ({ next: `/v2.1/servers?marker=${marker}` })],
    [
      'a service behind a TLS proxy',
      (url, marker) => ({
        servers_links: [{ rel: 'next', href: `${url.replace('http:', 'https:')}/v2.1/servers?marker=${marker}` }],
      }),
    ],
  ])('is read to its end as %s links it', async (_who, link) => {
    const { client, served } = await setUp(three(link))
    expect(await collect(client.pages('/servers', 'servers', Server, { query: { limit: 1 } }))).toEqual([
      { id: '0' },
      { id: '1' },
      { id: '2' },
    ])
    expect(served.received[0]?.path).toBe('/v2.1/servers?limit=1')
    expect(served.received).toHaveLength(3)
  })

  it('is read no further than it is wanted', async () => {
    const { client, served } = await setUp(three((url, marker) => ({ next: `${url}/v2.1/servers?marker=${marker}` })))
    for await (const _server of client.pages('/servers', 'servers', Server)) break
    expect(served.received).toHaveLength(1)
  })

  it.each<[string, (url: string) => string]>([
    ['to another host', () => 'http://evil.example/v2.1/servers?marker=1'],
    ['to another port', () => 'http://127.0.0.1:1/v2.1/servers'],
    ['above the endpoint', (url) => `${url}/v3/users`],
    ['above the endpoint by dots', (url) => `${url}/v2.1/../admin`],
    ['above the endpoint by encoded dots', (url) => `${url}/v2.1/%2e%2e/admin`],
    ['beside the endpoint', (url) => `${url}/v2.10/servers`],
    ['with a login', (url) => `${url.replace('//', '//user:pass@')}/v2.1/servers`],
    ['to a file', () => 'file:///v2.1/etc/passwd'],
    ['nowhere', () => 'http://['],
    ['to itself', (url) => `${url}/v2.1/servers`],
  ])('ends with an error when a page links %s', async (_where, href) => {
    const { client, served } = await setUp((_request, url) => ({
      body: { servers: [{ id: '1' }], servers_links: [{ rel: 'next', href: href(url) }] },
    }))
    const error = await rejection(collect(client.pages('/servers', 'servers', Server)))
    expect(codeOf(error)).toBe('CLOUD_ANSWER_UNREADABLE')
    expect(served.received).toHaveLength(1)
  })

  it('ends with an error after 1000 pages', async () => {
    let page = 0
    const { client } = await setUp((_request, url) => {
      page += 1
      return { body: { servers: [], next: `${url}/v2.1/servers?marker=${page}` } }
    })
    const error = await rejection(collect(client.pages('/servers', 'servers', Server)))
    expect(codeOf(error)).toBe('CLOUD_ANSWER_UNREADABLE')
    expect(page).toBe(1000)
  }, 30_000)

  it('ends with an error when an item has another shape', async () => {
    const { client } = await setUp(() => ({ body: { servers: [{ id: 1 }] } }))
    const error = await rejection(collect(client.pages('/servers', 'servers', Server)))
    expect(error.message).toMatch('servers.0.id')
  })
})

describe('microversions', () => {
  const version = { version: { id: 'v2.1', status: 'CURRENT', version: '2.96', min_version: '2.1' } }

  it('go with every call', async () => {
    const { session, served } = await setUp(() => ({}))
    await session.service('compute', { microversion: '2.96' }).request({ method: 'GET', path: '/servers' })
    expect(served.received[0]?.headers['openstack-api-version']).toBe('compute 2.96')
  })

  it('are negotiated with the service, which is asked once', async () => {
    const { client, served } = await setUp(({ path }) => ({ body: path === '/v2.1/' ? version : { servers: [] } }))
    const newest = await client.negotiate({ min: '2.53', max: '2.100' })
    const older = await newest.negotiate({ min: '2.53', max: '2.90' })
    expect([newest.microversion, older.microversion]).toEqual(['2.96', '2.90'])
    await newest.request({ method: 'GET', path: '/servers' })
    expect(served.received.at(-1)?.headers['openstack-api-version']).toBe('compute 2.96')
    await client.negotiate({ min: '2.1', max: '2.1' })
    expect(served.received.filter(({ path }) => path === '/v2.1/').length).toBe(1)
  })

  it('that the service does not have are reported with those it has', async () => {
    const { client } = await setUp(() => ({ status: 300, body: { versions: [version.version] } }))
    const error = await rejection(client.negotiate({ min: '2.97', max: '2.97' }))
    expect(codeOf(error)).toBe('MICROVERSION_UNSUPPORTED')
    expect(detailsOf(error)).toMatchObject({ offered: { min: '2.1', max: '2.96' } })
  })
})

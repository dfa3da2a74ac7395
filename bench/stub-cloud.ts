import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface StubCloud {
  readonly url: string
  /** Called with the path of every request to Nova, the moment it arrives. */
  onCall: (path: string, atMs: number) => void
  /** The servers it shows, all of them running. */
  servers: ReadonlySet<string>
  stop(): Promise<void>
}

/**
 * A cloud that answers at once, so that what is measured is Steward: Keystone logs everybody in, Nova lists one
 * service. It is no fake to test against.
 */
export async function startStubCloud(): Promise<StubCloud> {
  const stub: Pick<StubCloud, 'onCall' | 'servers'> = { onCall: () => undefined, servers: new Set() }
  const recorded = new Map<string, string>()
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    if (!path.startsWith('/v3')) stub.onCall(path, performance.now())
    const [, actedOn] = /^\/v2\.1\/servers\/([^/]+)\/action$/.exec(path) ?? []
    if (actedOn !== undefined) recorded.set(actedOn, new Date().toISOString().slice(0, -1))
    request.resume()
    request.on('end', () => {
      const { status, headers, body } = answer(path, request.method ?? 'GET', url(), {
        servers: stub.servers,
        recorded,
      })
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      response.end(body === undefined ? undefined : JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return Object.assign(stub, {
    url: url(),
    stop: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  })
}

interface Known {
  readonly servers: ReadonlySet<string>
  /** When each server was acted on, as Nova writes it down: whoever lost an answer looks there. */
  readonly recorded: ReadonlyMap<string, string>
}

interface Answer {
  status: number
  headers?: Record<string, string>
  body?: unknown
}

function answer(path: string, method: string, url: string, { servers, recorded }: Known): Answer {
  if (path === '/v3/auth/tokens')
    return { status: method === 'POST' ? 201 : 200, headers: { 'x-subject-token': 'stub-token' }, body: token(url) }
  if (path.startsWith('/v3/OS-TRUST/trusts'))
    return method === 'POST' ? { status: 201, body: { trust } } : { status: 204 }
  if (path.startsWith('/v2.1/os-services')) return { status: 200, body: { services: [service] } }
  if (path === '/v2.1/') return { status: 200, body: version }
  if (path === '/placement/') return { status: 200, body: placementVersions }
  if (path.endsWith('/action')) return { status: 202 }
  if (path.startsWith('/v2.1/servers/detail')) return { status: 200, body: pageOf([...servers], path, url) }
  const [, serverId = ''] = /^\/v2\.1\/servers\/([0-9a-f-]{36})$/.exec(path) ?? []
  if (servers.has(serverId)) return { status: 200, body: { server: server(serverId) } }
  const [, lookedUp = ''] = /^\/v2\.1\/servers\/([^/]+)\/os-instance-actions$/.exec(path) ?? []
  if (lookedUp) return { status: 200, body: { instanceActions: actionsAt(recorded.get(lookedUp)) } }
  for (const list of ['hypervisors', 'server_groups', 'resource_providers'])
    if (new RegExp(`/(os-)?${list.replace('_', '[-_]')}`).test(path)) return { status: 200, body: { [list]: [] } }
  return { status: 404, body: { itemNotFound: { message: `the stub has no ${path}`, code: 404 } } }
}

const actionsAt = (start_time: string | undefined) =>
  start_time === undefined ? [] : [{ action: 'stop', request_id: 'req-1', user_id: 'u1', start_time }]

/** As large as Nova's: a thousand servers, and a link to the next. */
function pageOf(servers: readonly string[], path: string, url: string) {
  const after = servers.indexOf(new URL(path, url).searchParams.get('marker') ?? '') + 1
  const page = servers.slice(after, after + 1000)
  const next = { rel: 'next', href: `${url}/v2.1/servers/detail?marker=${page.at(-1)}` }
  return { servers: page.map(server), ...(page.length === 1000 && { servers_links: [next] }) }
}

const server = (id: string) => ({
  ...{
    id,
    name: `bench-${id}`,
    status: 'ACTIVE',
    locked: false,
    metadata: {},
    tags: [],
    tenant_id: 'p1',
    user_id: 'u1',
  },
  ...{ 'OS-EXT-STS:task_state': null, 'OS-EXT-STS:vm_state': 'active', 'OS-EXT-STS:power_state': 1 },
  ...{ created: '2026-01-01T00:00:00Z', updated: '2026-01-01T00:00:00Z', hostId: 'f'.repeat(56), progress: 0 },
  ...{ flavor: { id: '1' }, image: { id: '70a599e0-31e7-49b7-b260-868f441e862b' }, addresses: {}, config_drive: '' },
})

const trust = {
  ...{ id: 't1', trustor_user_id: 'u1', trustee_user_id: 'u1', project_id: 'p1', impersonation: true },
  ...{ expires_at: '2099-01-01T00:00:00.000000Z', roles: [{ name: 'member' }], deleted_at: null, remaining_uses: null },
}

const service = {
  id: '5b1f0b6e-5f3e-4a53-9a47-3c0d6b2a0001',
  binary: 'nova-compute',
  host: 'compute1',
  zone: 'nova',
  status: 'enabled',
  state: 'up',
  forced_down: false,
  updated_at: '2026-01-01T00:00:00.000000',
}
const version = { version: { id: 'v2.1', status: 'CURRENT', version: '2.96', min_version: '2.1', links: [] } }

const placementVersions = {
  versions: [{ id: 'v1.0', status: 'CURRENT', max_version: '1.39', min_version: '1.0', links: [] }],
}

const token = (url: string) => ({
  token: {
    methods: ['password'],
    user: { id: 'u1', name: 'olga' },
    project: { id: 'p1', name: 'admin' },
    roles: [{ name: 'admin' }, { name: 'manager' }, { name: 'member' }, { name: 'reader' }],
    issued_at: new Date().toISOString(),
    expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    'OS-TRUST:trust': { id: 't1', impersonation: true, trustor_user: { id: 'u1' }, trustee_user: { id: 'u2' } },
    catalog: [
      { type: 'compute', endpoints: [{ interface: 'public', region_id: 'one', url: `${url}/v2.1` }] },
      { type: 'placement', endpoints: [{ interface: 'public', region_id: 'one', url: `${url}/placement` }] },
      { type: 'identity', endpoints: [{ interface: 'public', region_id: 'one', url: `${url}/v3` }] },
    ],
  },
})

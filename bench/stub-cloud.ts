import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface StubCloud {
  readonly url: string
  /** Called with the path of every request to Nova, the moment it arrives. */
  onCall: (path: string, atMs: number) => void
  stop(): Promise<void>
}

/**
 * A cloud that answers at once, so that what is measured is Steward: Keystone logs everybody in, Nova lists one
 * service. It is no fake to test against.
 */
export async function startStubCloud(): Promise<StubCloud> {
  const stub: Pick<StubCloud, 'onCall'> = { onCall: () => undefined }
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    if (!path.startsWith('/v3')) stub.onCall(path, performance.now())
    request.resume()
    request.on('end', () => {
      const { status, headers, body } = answer(path, request.method ?? 'GET', url())
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

interface Answer {
  status: number
  headers?: Record<string, string>
  body?: unknown
}

function answer(path: string, method: string, url: string): Answer {
  if (path === '/v3/auth/tokens')
    return { status: method === 'POST' ? 201 : 200, headers: { 'x-subject-token': 'stub-token' }, body: token(url) }
  if (path.startsWith('/v3/OS-TRUST/trusts'))
    return method === 'POST' ? { status: 201, body: { trust } } : { status: 204 }
  if (path.startsWith('/v2.1/os-services')) return { status: 200, body: { services: [service] } }
  if (path === '/v2.1/') return { status: 200, body: version }
  if (path === '/placement/') return { status: 200, body: placementVersions }
  for (const list of ['servers', 'hypervisors', 'server_groups', 'resource_providers'])
    if (new RegExp(`/(os-)?${list.replace('_', '[-_]')}`).test(path)) return { status: 200, body: { [list]: [] } }
  return { status: 404, body: { itemNotFound: { message: `the stub has no ${path}`, code: 404 } } }
}

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

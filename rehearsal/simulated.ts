import { isDeclared } from '../core/declared.ts'
import type { HttpRequest } from '../openstack/http.ts'
import { serverFilters } from '../simulator/openstack/nova-servers.ts'

/** Everything that the simulated cloud answers, as far as runbooks ask for it. */
export const simulatedCalls: readonly string[] = [
  'compute GET /',
  'compute GET /limits',
  'compute GET /flavors/{flavor}',
  'compute GET /os-services',
  'compute PUT /os-services/{service}',
  'compute GET /os-hypervisors/detail',
  'compute GET /os-aggregates',
  'compute GET /os-server-groups',
  'compute GET /os-migrations',
  'compute GET /servers',
  'compute GET /servers/detail',
  'compute POST /servers',
  'compute GET /servers/{server}',
  'compute DELETE /servers/{server}',
  'compute POST /servers/{server}/action',
  'compute GET /servers/{server}/os-instance-actions',
  'compute GET /servers/{server}/os-instance-actions/{request}',
  'compute GET /servers/{server}/migrations',
  'compute DELETE /servers/{server}/migrations/{migration}',
  'compute POST /servers/{server}/migrations/{migration}/action',
  'placement GET /',
  'placement GET /resource_providers',
  'placement GET /resource_providers/{provider}/inventories',
  'placement GET /resource_providers/{provider}/usages',
  'placement GET /resource_providers/{provider}/traits',
  'placement GET /allocation_candidates',
  'placement GET /allocations/{server}',
  'network GET /v2.0/ports',
  'baremetal GET /v1/nodes/{node}',
  'baremetal PUT /v1/nodes/{node}/states/power',
]

/** Names of `POST /servers/{server}/action`. */
export const simulatedActions: readonly string[] = [
  ...['os-stop', 'os-start', 'reboot', 'os-resetState', 'lock', 'unlock', 'os-migrateLive', 'migrate'],
  ...['confirmResize', 'revertResize', 'evacuate'],
]

/** Names are patterns of the database, which differ from one to the other but for these. */
const plain = /^\^?[\w. -]*\$?$/

/** Why nothing can be learned from what the simulated cloud would say to this; undefined when it can. */
export function missing({ service, method, url, body }: Pick<HttpRequest, 'service' | 'method' | 'url' | 'body'>) {
  if (service === 'identity' || service === 'keystone') return undefined
  const path = new URL(url).pathname.replace(/^\/v2\.1(?=\/|$)/, '') || '/'
  if (!isDeclared(simulatedCalls, { service, method, path })) return `${service} ${method} ${path}`
  if (service === 'compute' && method === 'GET' && /^\/servers(\/detail)?$/.test(path)) {
    const filters = [...new URL(url).searchParams]
    const unknown = filters.find(
      ([name, value]) => !serverFilters.includes(name) || (name === 'name' && !plain.test(value)),
    )
    if (unknown !== undefined) return `filter ${unknown.join('=')} of ${service} ${method} ${path}`
  }
  const [action] = path.endsWith('/action') && path.startsWith('/servers/') ? Object.keys(body ?? {}) : []
  const isKnown = action === undefined || path.includes('/migrations/') || simulatedActions.includes(action)
  return isKnown ? undefined : `server action ${action}`
}

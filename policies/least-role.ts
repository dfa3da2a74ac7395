import type { Call } from '../core/call.ts'
import { failure } from '../core/errors.ts'

/** Keystone's default roles, each implying the ones before it. */
const ladder = ['reader', 'member', 'manager', 'admin'] as const
export type Role = (typeof ladder)[number]

/** Server actions that Nova keeps from members. */
const serverActions: Readonly<Record<string, Role>> = {
  'os-migrateLive': 'manager',
  migrate: 'manager',
  evacuate: 'admin',
  shelveOffload: 'admin',
  'os-resetState': 'admin',
  injectNetworkInfo: 'admin',
  resetNetwork: 'admin',
}

/** Other calls that members may not make, by the policies OpenStack ships; the first that fits decides. */
const kept: readonly { service: string; method?: string; path: RegExp; body?: string; role: Role }[] = [
  {
    service: 'compute',
    path: /^\/(os-services|os-hypervisors|os-aggregates|os-agents|os-simple-tenant-usage|os-migrations)\b/,
    role: 'admin',
  },
  { service: 'compute', path: /^\/servers\/[^/]+\/migrations\b/, role: 'manager' },
  {
    service: 'block-storage',
    path: /^\/(volumes|snapshots|backups)\/[^/]+\/action$/,
    body: 'os-reset_status',
    role: 'admin',
  },
  { service: 'load-balancer', path: /^\/v2(\.0)?\/lbaas\/loadbalancers\/[^/]+\/failover$/, role: 'admin' },
  { service: 'load-balancer', path: /^\/v2(\.0)?\/octavia\/amphorae\b/, role: 'admin' },
  { service: 'identity', method: 'PATCH', path: /^\/(v3\/)?(users|projects)\/[^/]+$/, role: 'admin' },
  { service: 'identity', method: 'PUT', path: /\/roles\/[^/]+$/, role: 'admin' },
  { service: 'identity', method: 'DELETE', path: /\/roles\/[^/]+$/, role: 'admin' },
]

/**
 * The one role to delegate: the lowest that is `needed` or above, of those the caller has now.
 *
 * A trust dies when its owner loses any of its roles, so one low role also lives longest.
 *
 * @throws ROLE_MISSING naming the role, when the caller has none that does
 */
export function leastRoleOf(needed: Role, callerRoles: readonly string[], what: string): string {
  const role = ladder.slice(ladder.indexOf(needed)).find((r) => callerRoles.includes(r))
  if (role) return role
  throw failure('ROLE_MISSING', `${what} needs the role ${needed}`, { needed })
}

/** The highest of some roles. */
export const highest = (roles: readonly Role[]): Role =>
  ladder[Math.max(0, ...roles.map((role) => ladder.indexOf(role)))] ?? 'admin'

/** The lowest role that may make a call, by the policies OpenStack ships. */
export function neededRole({ service, method, path, body }: Call): Role {
  const [action] = Object.keys(body ?? {})
  if (service === 'compute' && /^\/servers\/[^/]+\/action$/.test(path)) {
    const picksHost = (action === 'os-migrateLive' || action === 'migrate') && names(body?.[action], 'host')
    return picksHost ? 'admin' : roleOfAction(action ?? '')
  }
  const rule = kept.find(
    (one) =>
      one.service === service &&
      one.path.test(path) &&
      (one.method === undefined || one.method === method) &&
      (one.body === undefined || one.body === action),
  )
  return rule?.role ?? (method === 'GET' ? 'reader' : 'member')
}

const roleOfAction = (action: string): Role =>
  (Object.hasOwn(serverActions, action) && serverActions[action]) || 'member'

const names = (options: unknown, key: string) =>
  typeof options === 'object' && options !== null && (options as Record<string, unknown>)[key] != null

/**
 * Scheduler hints with this prefix steer Nova past its own checks (CVE-2026-46448).
 *
 * @throws INPUT_INVALID
 */
export function refuseInternalHints({ body }: Call): void {
  const seen: unknown[] = [body]
  for (let value = seen.pop(); value !== undefined; value = seen.pop()) {
    if (typeof value !== 'object' || value === null) continue
    for (const [key, inner] of Object.entries(value)) {
      if (key.startsWith('_nova_')) throw failure('INPUT_INVALID', `the body must not hold ${key.slice(0, 40)}`)
      seen.push(inner ?? null)
    }
  }
}

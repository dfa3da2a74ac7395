import type { Call } from '../core/action.ts'
import { failure } from '../core/errors.ts'

/** Keystone's default roles, each implying the ones before it. */
const ladder = ['reader', 'member', 'manager', 'admin'] as const
type Role = (typeof ladder)[number]

/** Server actions that Nova keeps from members. */
const serverActions: Readonly<Record<string, Role>> = {
  'os-migrateLive': 'manager',
  migrate: 'manager',
  evacuate: 'admin',
  'os-resetState': 'admin',
  injectNetworkInfo: 'admin',
  resetNetwork: 'admin',
}
const adminPaths = /^\/(os-services|os-hypervisors|os-aggregates|os-agents|os-simple-tenant-usage|os-migrations)\b/

/**
 * The one role to delegate for a call: the lowest that does, of those the caller has now.
 *
 * A trust dies when its owner loses any of its roles, so one low role also lives longest.
 *
 * @throws ROLE_MISSING naming the role, when the caller has none that does
 */
export function leastRole(call: Call, callerRoles: readonly string[]): string {
  const needed = ladder.indexOf(neededRole(call))
  const role = ladder.slice(needed).find((r) => callerRoles.includes(r))
  if (role) return role
  throw failure('ROLE_MISSING', `${call.method} ${call.service}${call.path} needs the role ${ladder[needed]}`, {
    needed: ladder[needed],
  })
}

function neededRole({ service, method, path, body }: Call): Role {
  if (service === 'compute') {
    if (adminPaths.test(path)) return 'admin'
    const [action] = Object.keys(body ?? {})
    const migration = action === 'os-migrateLive' && names(body?.[action], 'host')
    if (/^\/servers\/[^/]+\/action$/.test(path)) return migration ? 'admin' : roleOfAction(action ?? '')
  }
  return method === 'GET' ? 'reader' : 'member'
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

import type { Call } from '../core/call.ts'
import type { AccessRule } from '../core/delegation.ts'

/** A call as the services see it: they look at its path and method, and at what they are called themselves. */
export interface SeenCall {
  /** Names under which the catalogue has the service; which of them it goes by itself only it knows. */
  readonly services: readonly string[]
  readonly method: Call['method']
  /** Its path in full; several where proxies may hide the first part of it from the service. */
  readonly paths: readonly string[]
}

/**
 * Whether a rule of an application credential lets a call pass, by the rules of Keystone's middleware: `*` and `{tag}`
 * stand for one segment or a part of it, `**` for anything.
 *
 * @see https://docs.openstack.org/keystone/latest/user/application_credentials.html#access-rules
 */
export function lets({ service, method, path }: AccessRule, call: SeenCall): boolean {
  if (method !== call.method || !call.services.includes(service)) return false
  const pattern = patternOf(path)
  return call.paths.some((seen) => pattern.test(seen))
}

/** Of the calls those that no rule lets pass. */
export const notLet = <C extends SeenCall>(rules: readonly AccessRule[], calls: readonly C[]): C[] =>
  calls.filter((call) => !rules.some((rule) => lets(rule, call)))

function patternOf(path: string): RegExp {
  const parts = path.replace(/\{[^}]*\}|\*\*|\*|[^{}*]/g, (part) => {
    if (part === '**') return '.*'
    if (part === '*' || part.startsWith('{')) return '[^/]+'
    return part.replace(/[.+?^$()|[\]\\]/, '\\$&')
  })
  return new RegExp(`^${parts}$`)
}

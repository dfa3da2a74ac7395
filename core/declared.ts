import type { Activities } from './activities.ts'
import type { Call } from './call.ts'
import { failure } from './errors.ts'
import type { Needs } from './runbook.ts'

/** Goes with everything that a run of a runbook asks a worker for. */
export const declaredHeader = 'steward-declared'

/** What every run needs of Steward itself, whatever it does; and the general ones, which are judged by what they call. */
const always: ReadonlySet<string> = new Set<keyof Activities>([
  ...(['surveyHosts', 'requestLease', 'giveBackLease', 'consultGovernor', 'announce'] as const),
])
const general: ReadonlySet<string> = new Set<keyof Activities>([
  ...(['readCloud', 'performCall', 'reconcileCall', 'awaitEffect'] as const),
])

/**
 * Judges one activity of a run by what its runbook declared. Gives the calls the activity may make, or undefined when it
 * is one that makes only calls of its own.
 *
 * @throws CALL_NOT_DECLARED
 */
export function callsAllowed(needs: Needs, activity: string, input: unknown): readonly string[] | undefined {
  if (always.has(activity) || needs.steps.includes(activity)) return undefined
  if (!general.has(activity)) throw notDeclared('steps', activity)
  const action = (input as { action?: unknown } | undefined)?.action
  if (typeof action !== 'string') return needs.calls
  if (!needs.actions.includes(action)) throw notDeclared('actions', action)
  return undefined
}

/** @throws CALL_NOT_DECLARED none of the patterns fits */
export function assertDeclared(
  allowed: readonly string[],
  { service, method, path }: Pick<Call, 'service' | 'method' | 'path'>,
): void {
  const [bare = ''] = path.split('?')
  const segments = bare.split('/')
  const fits = allowed.some((pattern) => {
    const [itsService, itsMethod, itsPath = ''] = pattern.split(' ')
    const its = itsPath.split('/')
    return (
      itsService === service &&
      itsMethod === method &&
      its.length === segments.length &&
      its.every((part, i) => part === segments[i] || (/^\{.+\}$/.test(part) && segments[i] !== ''))
    )
  })
  if (!fits) throw notDeclared('calls', `${service} ${method} ${bare}`)
}

const notDeclared = (kind: keyof Needs, what: string) =>
  failure('CALL_NOT_DECLARED', `the runbook has not declared ${what} in its needs.${kind}`, { kind, what })

import type { Activities } from '../core/activities.ts'
import { failure } from '../core/errors.ts'
import type { Needs } from '../core/runbook.ts'

/** What every run needs of Steward itself, whatever it does. */
const always: ReadonlySet<string> = new Set<keyof Activities>([
  ...(['surveyHosts', 'requestLease', 'giveBackLease', 'consultGovernor', 'announce'] as const),
])
/** Judged by what they call. */
const general: ReadonlySet<string> = new Set<keyof Activities>([
  ...(['readCloud', 'performCall', 'reconcileCall', 'awaitEffect'] as const),
])

/**
 * Judges one activity of a run by what its runbook declared. Gives the calls the activity may make; undefined when it is
 * one that makes only calls of its own.
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

const notDeclared = (kind: keyof Needs, what: string) =>
  failure('CALL_NOT_DECLARED', `the runbook has not declared ${what} in its needs.${kind}`, { kind, what })

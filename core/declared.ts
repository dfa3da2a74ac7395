import type { Call } from './call.ts'
import { failure } from './errors.ts'

/** Goes with everything that a run of a runbook asks a worker for. */
export const declaredHeader = 'steward-declared'

type Made = Pick<Call, 'service' | 'path'> & { readonly method: string }

/** Whether a call is one of those declared as `compute GET /servers/{server}`; a word in braces is one segment. */
export function isDeclared(declared: readonly string[], { service, method, path }: Made): boolean {
  const [bare = ''] = path.split('?')
  const segments = bare.split('/')
  return declared.some((pattern) => {
    const [itsService, itsMethod, itsPath = ''] = pattern.split(' ')
    const its = itsPath.split('/')
    const fits = (part: string, i: number) => part === segments[i] || (/^\{.+\}$/.test(part) && segments[i] !== '')
    return itsService === service && itsMethod === method && its.length === segments.length && its.every(fits)
  })
}

/** What a call is refused with that was not declared. */
export function callNotDeclared({ service, method, path }: Made): Error {
  const what = `${service} ${method} ${path.split('?', 1)[0]}`
  return failure('CALL_NOT_DECLARED', `the runbook has not declared ${what} in its needs.calls`, {
    kind: 'calls',
    what,
  })
}

import type { Call } from './call.ts'

/** Goes with everything that a run of a runbook asks a worker for. */
export const declaredHeader = 'steward-declared'

/** Whether a call is one of those declared as `compute GET /servers/{server}`; a word in braces is one segment. */
export function isDeclared(
  declared: readonly string[],
  { service, method, path }: Pick<Call, 'service' | 'path'> & { readonly method: string },
): boolean {
  const [bare = ''] = path.split('?')
  const segments = bare.split('/')
  return declared.some((pattern) => {
    const [itsService, itsMethod, itsPath = ''] = pattern.split(' ')
    const its = itsPath.split('/')
    const fits = (part: string, i: number) => part === segments[i] || (/^\{.+\}$/.test(part) && segments[i] !== '')
    return itsService === service && itsMethod === method && its.length === segments.length && its.every(fits)
  })
}

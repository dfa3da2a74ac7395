import { catalogue, codeOf, messageOf } from '../core/errors.ts'

/** An error as a person at a terminal reads it: what happened, and what to do next. */
export function explain(error: unknown): string {
  const code = codeOf(error)
  if (!code) return `steward: ${messageOf(error)}`
  return `steward: ${messageOf(error)}\n  ${code}: ${catalogue[code].summary}\n  ${catalogue[code].next}`
}

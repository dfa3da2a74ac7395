import { catalogue } from '../core/catalogue.ts'
import { codeOf, messageOf } from '../core/errors.ts'
import { plain } from './print.ts'

/** An error as a person at a terminal reads it: what happened, and what to do next. */
export function explain(error: unknown): string {
  const code = codeOf(error)
  const said = `steward: ${plain(messageOf(error))}`
  if (!code) return said
  return `${said}\n  ${code}: ${catalogue[code].summary}\n  ${catalogue[code].next}`
}

import { InvalidArgumentError } from 'commander'
import { spanSeconds } from './span.ts'

/** A moment given as RFC 3339, or as so long ago (`90m`, `12h`, `30d`); for commander, which tells what is wrong. */
export function moment(text: string): string {
  const isDate = /^\d{4}-\d\d-\d\d/.test(text)
  const ms = isDate ? Date.parse(text) : Date.now() - spanSeconds(text) * 1000
  if (Number.isNaN(ms)) throw new InvalidArgumentError('It has to be a time (RFC 3339), or so long ago, such as 12h.')
  return new Date(ms).toISOString()
}

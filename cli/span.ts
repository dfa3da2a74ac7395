import { InvalidArgumentError } from 'commander'
import { durationMs } from '../core/duration.ts'

const seconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** Seconds of `90s`, `30m`, `2h`, `1d`, `1w` or an ISO 8601 duration; for commander, which tells what is wrong. */
export function spanSeconds(text: string): number {
  const [, amount, unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text) ?? []
  const found = amount === undefined ? (durationMs(text) ?? 0) / 1000 : Number(amount) * (seconds[unit] ?? 0)
  if (found > 0) return found
  throw new InvalidArgumentError('It has to be a duration, such as 30m, 2h, 1d or PT2H.')
}

/** How long, as people say it: the two largest units at most. */
export function spanText(ms: number): string {
  const minutes = Math.floor(Math.abs(ms) / 60_000)
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24]
  if (days > 0) return hours > 0 ? `${days} d ${hours} h` : `${days} d`
  if (hours > 0) return minutes % 60 > 0 ? `${hours} h ${minutes % 60} min` : `${hours} h`
  return minutes > 0 ? `${minutes} min` : `${Math.floor(Math.abs(ms) / 1000)} s`
}

/** A time of ours for people: UTC, to the second. */
export const timeText = (at: string): string => at.slice(0, 19).replace('T', ' ')

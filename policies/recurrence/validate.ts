import { durationMs } from '../../core/duration.ts'
import { messageOf } from '../../core/errors.ts'
import type { Recurrence } from '../../core/recurrence.ts'
import { wrongExclusion } from './exclusions.ts'
import { occurrences } from './occurrences.ts'
import { eitherDay } from './wall-clock.ts'
import { dayMs, zoneOf } from './zone.ts'

export interface Validated {
  /** Why it is not taken; undefined when it is. */
  readonly refusal?: string
  /** What may surprise whoever wrote it. */
  readonly warnings: readonly string[]
}

export interface ValidateOptions {
  readonly nowMs: number
  /** Shortest time between two occurrences. @default 60 000 */
  readonly minGapMs?: number
}

/** Says before anything is saved whether a recurrence can be carried out, and what about it may surprise. */
export function validate(recurrence: Recurrence, { nowMs, minGapMs = 60_000 }: ValidateOptions): Validated {
  const refusal = refusalOf(recurrence, nowMs, minGapMs)
  return refusal === undefined ? { warnings: warningsOf(recurrence, nowMs) } : { refusal, warnings: [] }
}

function refusalOf(recurrence: Recurrence, nowMs: number, minGapMs: number): string | undefined {
  const { timeZone, interval, start, end, except } = recurrence
  if (!zoneOf(timeZone)) return `there is no time zone ${timeZone}`
  const wrong = wrongExclusion(except)
  if (wrong !== undefined) return `${wrong} in except is not a date, or ends before it begins`
  if (interval !== undefined) {
    const stepMs = durationMs(interval)
    if (stepMs === undefined) return `${interval} has no fixed length: use weeks, days, hours, minutes and seconds`
    if (stepMs < minGapMs) return `an interval of ${interval} is shorter than ${minGapMs / 1000} s`
  }
  if (start !== undefined && end !== undefined && Date.parse(end) < Date.parse(start)) return 'it ends before it starts'
  try {
    const unbounded = { ...recurrence, except: [], end: undefined }
    if (!first(unbounded, nowMs)) return 'it never happens: no date matches'
    if (!first(recurrence, nowMs)) return 'it does not happen any more: every date is excluded or lies behind its end'
  } catch (error) {
    return messageOf(error)
  }
  return undefined
}

const first = ({ end, ...rest }: Omit<Recurrence, 'end'> & { end?: string | undefined }, nowMs: number) =>
  occurrences({ ...rest, ...(end !== undefined && { end }) }, { afterMs: nowMs, count: 1 })[0]

function warningsOf({ cron, interval, timeZone, dst }: Recurrence, nowMs: number): string[] {
  const warnings: string[] = []
  if (cron !== undefined && eitherDay(cron))
    warnings.push(
      'day of month and weekday are both given: cron takes a day that matches either; `calendar` takes both',
    )
  if (!zoneOf(timeZone)?.changes(nowMs)) return warnings
  if (cron !== undefined && dst !== 'twice' && cron.split(/\s+/)[1]?.includes('*'))
    warnings.push(
      'when clocks are put back, an hour passes without it: choose `dst: twice`, or `interval`, to go on through it',
    )
  if (interval !== undefined && (durationMs(interval) ?? 1) % dayMs === 0)
    warnings.push(`${interval} counts hours, so its local time shifts when clocks change; \`calendar\` keeps it`)
  return warnings
}

import { Cron } from 'croner'
import type { Calendar } from '../../core/recurrence.ts'
import { dayMs } from './zone.ts'

/** Times on a clock that is never changed: the next one after `localMs`, or undefined when there is none. */
export type WallClock = (localMs: number) => number | undefined

/** 29 February is eight years away at most (2096 to 2104). */
export const horizonMs = 9 * 366 * dayMs

const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const

/**
 * Reads five fields of cron. The library never sees a time zone, so that what happens when clocks change is our rule
 * and not its.
 * @throws Error with a sentence when the fields mean nothing
 */
export function cronClock(text: string): WallClock {
  const cron = new Cron(text, { paused: true, mode: '5-part', utcOffset: 0 })
  return (localMs) => cron.nextRun(new Date(localMs))?.getTime()
}

/** Both day of month and day of week are given: classic cron takes a day that matches either. */
export function eitherDay(text: string): boolean {
  const [, , day, , weekday] = text.trim().split(/\s+/)
  return day !== '*' && weekday !== '*'
}

/** Times of the days that match all that the calendar names. */
export function calendarClock({ times, weekdays: names, monthDays, months }: Calendar): WallClock {
  const offsets = times.map(msOfDay).sort((a, b) => a - b)
  const matches = (day: Date) => {
    const name = weekdays[day.getUTCDay()]
    const inMonth = day.getUTCDate()
    const fromEnd = inMonth - 1 - daysIn(day)
    return (
      (!names || (name !== undefined && names.includes(name))) &&
      (!monthDays || monthDays.includes(inMonth) || monthDays.includes(fromEnd)) &&
      (!months || months.includes(day.getUTCMonth() + 1))
    )
  }
  return (localMs) => {
    for (let dayStart = Math.floor(localMs / dayMs) * dayMs; dayStart <= localMs + horizonMs; dayStart += dayMs) {
      if (!matches(new Date(dayStart))) continue
      const offset = offsets.find((ms) => dayStart + ms > localMs)
      if (offset !== undefined) return dayStart + offset
    }
    return undefined
  }
}

const daysIn = (day: Date) => new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1, 0)).getUTCDate()

function msOfDay(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  return (hours * 60 + minutes) * 60_000
}

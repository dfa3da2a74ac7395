import type { Recurrence } from '../core/recurrence.ts'

/** When something recurs, in one line. */
export function whenText({ cron, interval, calendar, timeZone, overlap, dst }: Recurrence): string {
  const days = [calendar?.times.join(' '), calendar?.weekdays?.join(' ')].filter(Boolean).join(' on ')
  return `${cron ?? interval ?? days} (${timeZone}; clock changes: ${dst}; overlap: ${overlap})`
}

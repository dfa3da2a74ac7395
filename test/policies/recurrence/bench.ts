import { Recurrence } from '../../../core/recurrence.ts'
import { occurrences } from '../../../policies/recurrence/occurrences.ts'

/** A recurrence as a user writes it. */
export const recurrence = (written: object): Recurrence => Recurrence.parse(written)

/** Occurrences after `after`, up to and with `until`. */
export function between(written: object, after: string, until: string) {
  const bounded = recurrence({ ...written, end: until })
  return occurrences(bounded, { afterMs: Date.parse(after), count: 10_000 })
}

/** What a preview shows of the next ones. */
export const preview = (written: object, after: string, count = 3) =>
  occurrences(recurrence(written), { afterMs: Date.parse(after), count }).map(({ local, note }) =>
    note === undefined ? local : `${local} (${note})`,
  )

import type { Occurrence, Recurrence } from '../../core/recurrence.ts'
import { nextOccurrence, occurrences } from './occurrences.ts'
import { tooLate } from './when-due.ts'

export interface Progress {
  readonly id: string
  /** Occurrences up to this moment are dealt with, epoch ms. */
  readonly afterMs: number
  /** Occurrences made or skipped. */
  readonly counted: number
  readonly nowMs: number
}

export interface Planned {
  readonly next?: Occurrence
  /** What was slept through for too long, with the reason; dealt with thereby. */
  readonly missed: readonly { readonly at: string; readonly reason: string }[]
  readonly afterMs: number
}

/** A thread that thinks for long is taken for dead; what is left is planned the next time. */
const mostMissedAtOnce = 500

/** What comes next, and what is not made up for. */
export function planNext(recurrence: Recurrence, { id, afterMs, counted, nowMs }: Progress): Planned {
  const lateness = ({ startsAt }: Occurrence) =>
    tooLate(recurrence.catchUpSeconds, { startsAtMs: Date.parse(startsAt), nowMs })
  const next = nextOccurrence(recurrence, { id, afterMs, counted })
  if (!next) return { missed: [], afterMs }
  if (lateness(next) === undefined) return { next, missed: [], afterMs }
  const missed = occurrences(recurrence, { id, afterMs, counted, count: mostMissedAtOnce }).flatMap((occurrence) => {
    const reason = lateness(occurrence)
    return reason === undefined ? [] : [{ at: occurrence.at, reason }]
  })
  const dealtWithMs = Date.parse(missed.at(-1)?.at ?? next.at)
  const after = nextOccurrence(recurrence, { id, afterMs: dealtWithMs, counted: counted + missed.length })
  return { ...(after && { next: after }), missed, afterMs: dealtWithMs }
}

import { durationMs } from '../../core/duration.ts'
import { failure } from '../../core/errors.ts'
import type { Occurrence, Recurrence } from '../../core/recurrence.ts'
import { type Exclusions, exclusionsOf } from './exclusions.ts'
import { jitterMs } from './jitter.ts'
import { calendarClock, cronClock, horizonMs, type WallClock } from './wall-clock.ts'
import { wallClock, type Zone, zoneOf } from './zone.ts'

export interface Window {
  /** Occurrences later than this, epoch ms. */
  readonly afterMs: number
  /** Most of them. */
  readonly count: number
  /** Occurrences before that count towards `recurrence.count`. @default 0 */
  readonly counted?: number
  /** Id of what recurs: its jitter depends on it. Without it no jitter is added. */
  readonly id?: string
}

interface Hit {
  readonly atMs: number
  readonly note?: string
}

/** No zone puts its clocks back by more than two hours. */
const longestRepeatMs = 3 * 3_600_000

/**
 * The next occurrences, ascending, none of them twice. What `validate` refuses gives none or fails.
 * @throws INPUT_INVALID when the recurrence cannot be read
 */
export function occurrences(recurrence: Recurrence, { afterMs, count, counted = 0, id }: Window): Occurrence[] {
  const zone = readZone(recurrence)
  const endMs = recurrence.end === undefined ? Number.POSITIVE_INFINITY : Date.parse(recurrence.end)
  const most = Math.min(count, (recurrence.count ?? Number.POSITIVE_INFINITY) - counted)
  const hits: Hit[] = []
  // one more than asked for: jitter must not reach the occurrence after it
  for (const hit of hitsAfter(recurrence, zone, afterMs)) {
    if (hits.length > most || hit.atMs > endMs) break
    hits.push(hit)
  }
  return hits.slice(0, Math.max(0, most)).map(({ atMs, note }, i) => {
    const gapMs = (hits[i + 1]?.atMs ?? Number.POSITIVE_INFINITY) - atMs
    const laterMs = id === undefined ? 0 : jitterMs(id, atMs, Math.min(recurrence.jitterSeconds * 1000, gapMs))
    return { at: iso(atMs), startsAt: iso(atMs + laterMs), local: zone.text(atMs), ...(note && { note }) }
  })
}

/** The first occurrence after `afterMs`, if there is one. */
export const nextOccurrence = (recurrence: Recurrence, window: Omit<Window, 'count'>): Occurrence | undefined =>
  occurrences(recurrence, { ...window, count: 1 })[0]

function hitsAfter(recurrence: Recurrence, zone: Zone, afterMs: number): Iterable<Hit> {
  const startMs = recurrence.start === undefined ? Number.NEGATIVE_INFINITY : Date.parse(recurrence.start)
  const fromMs = Math.max(afterMs, startMs - 1)
  const excluded = exclusionsOf(recurrence.except)
  return recurrence.interval === undefined
    ? onTheClock(readWallClock(recurrence), recurrence.dst, zone, excluded, fromMs)
    : everySoOften(recurrence, zone, excluded, fromMs)
}

/** Takes each wall-clock time to the moments at which the zone shows it, by the rule for changing clocks. */
function* onTheClock(
  next: WallClock,
  rule: Recurrence['dst'],
  zone: Zone,
  excluded: Exclusions,
  fromMs: number,
): Iterable<Hit> {
  const fromLocal = zone.localMs(fromMs)
  /** Second passes of an hour that comes twice, held back until the first pass is through. */
  let second: Hit[] = []
  /** The latest of the others: when a missing time was moved onto one that is due anyway, the latter is told. */
  let last: Hit | undefined
  for (const localMs of wallTimes(next, excluded, fromLocal - longestRepeatMs, fromLocal + horizonMs)) {
    const at = zone.instantsOf(localMs)
    if (at.missing && rule === 'skip') continue
    const hit = { atMs: at.first, ...noteOf(localMs, at, rule) }
    if (last && last.atMs < hit.atMs) {
      if (last.atMs > fromMs) yield last
      for (const late of second) if (late.atMs < hit.atMs && late.atMs > fromMs) yield late
      second = second.filter((late) => late.atMs > hit.atMs)
    }
    last = hit
    if (at.second !== undefined && rule === 'twice') second.push({ atMs: at.second, note: 'second of two' })
  }
  if (last && last.atMs > fromMs) yield last
  for (const late of second) if (late.atMs > fromMs) yield late
}

function* wallTimes(next: WallClock, excluded: Exclusions, fromLocal: number, toLocal: number): Iterable<number> {
  let localMs = next(fromLocal)
  while (localMs !== undefined && localMs <= toLocal) {
    const overMs = excluded(localMs)
    if (overMs === undefined) yield localMs
    localMs = next(overMs === undefined ? localMs : overMs - 1)
  }
}

function noteOf(localMs: number, at: ReturnType<Zone['instantsOf']>, rule: Recurrence['dst']): { note?: string } {
  if (at.missing) return { note: `moved: ${wallClock(localMs).slice(11)} does not exist` }
  if (at.second === undefined) return {}
  return { note: rule === 'twice' ? 'first of two' : 'first of two, the second is left out' }
}

/** Counts real time from `start` or 1970; clocks do not matter but for the dates to leave out. */
function* everySoOften(recurrence: Recurrence, zone: Zone, excluded: Exclusions, fromMs: number): Iterable<Hit> {
  const stepMs = durationMs(recurrence.interval ?? '')
  if (!stepMs) throw failure('INPUT_INVALID', `${recurrence.interval} has no fixed length`)
  const anchorMs = recurrence.start === undefined ? 0 : Date.parse(recurrence.start)
  const after = (ms: number) => anchorMs + (Math.floor((ms - anchorMs) / stepMs) + 1) * stepMs
  for (let atMs = after(fromMs); atMs <= fromMs + horizonMs; ) {
    const overMs = excluded(zone.localMs(atMs))
    if (overMs === undefined) yield { atMs }
    atMs = after(overMs === undefined ? atMs : zone.instantsOf(overMs).first - 1)
  }
}

function readZone({ timeZone }: Recurrence): Zone {
  const zone = zoneOf(timeZone)
  if (!zone) throw failure('INPUT_INVALID', `there is no time zone ${timeZone}`)
  return zone
}

function readWallClock({ cron, calendar }: Recurrence): WallClock {
  if (calendar) return calendarClock(calendar)
  try {
    return cronClock(cron ?? '')
  } catch (error) {
    throw failure('INPUT_INVALID', `cron ${cron} cannot be read: ${(error as Error).message.replace(/^\w+: /, '')}`)
  }
}

const iso = (atMs: number) => new Date(atMs).toISOString()

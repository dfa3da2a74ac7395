import type { Alert, LogLine } from '../core/alert.ts'
import type { TailablePolicy } from '../core/policy.ts'

/** A log record as the window takes it in. */
export interface LogRecord {
  /** When it was written, epoch ms; more than 5 min from now is taken for a wrong clock, and arrival counts. */
  readonly atMs: number
  readonly level: string
  readonly component: string
  /** May still grow while lines of a traceback arrive; an alert carries what was there when it was made. */
  readonly text: string
  readonly requestIds: readonly string[]
}

/** What a window can see: its source spoke (without records: a sign of life), or time passed. */
export type LogEvent = { readonly kind: 'heard'; readonly records: readonly LogRecord[] } | { readonly kind: 'tick' }

/** From the crossing until the log was quiet for long enough. Times are our clock's, epoch ms. */
export interface Episode {
  readonly startsAtMs: number
  /** Records of the wanted levels since the window that crossed began. */
  readonly errors: number
  readonly lastErrorMs: number
  /** When the latest observation was emitted, if any was, and how many errors came after it. */
  readonly emittedMs?: number
  readonly unreported: number
  /** Since when `quiet` is emitted; gone with the next error. */
  readonly quietSinceMs?: number
}

interface Evidence {
  readonly atMs: number
  readonly record: LogRecord
}

/** What is kept for one policy on one host: at most `count` + 1 times and 50 records, however long the burst. */
export interface LogWindow {
  /** Times of the newest records of the wanted levels, epoch ms, ascending; empty while an episode is on. */
  readonly times: readonly number[]
  readonly evidence: readonly Evidence[]
  /** When the source last said anything, by our clock; 0: never. */
  readonly heardMs: number
  /** No start is used twice, since it is part of the alert's key. */
  readonly latestStartMs?: number
  readonly episode?: Episode
}

export interface Watched {
  readonly policy: TailablePolicy
  readonly host: string
  /** Name of the configured source. */
  readonly source: string
}

export interface Observed {
  readonly state: LogWindow
  readonly alert?: Alert
}

export const emptyWindow: LogWindow = { times: [], evidence: [], heardMs: 0 }

const maxSkewMs = 300_000
const keptRecords = 50
const maxTextLength = 2048
/** Observations after the first one go into the same history, so they carry little. */
const linesLater = 5

/**
 * Takes one look at a log window.
 *
 * More than `count` records within `windowSeconds` begin an episode: one `firing` with a new key. While it lasts, at
 * most every `quietSeconds` / 3: `firing` with the same key when errors went on, or `quiet` when the source was just
 * heard and had said nothing wrong for `quietSeconds`. After `quiet` for another `quietSeconds` the window is idle; a
 * crossing before that is a new episode. An episode whose source fell silent for `silentAfterSeconds` is forgotten:
 * people were asked by then, and silence is not quiet.
 *
 * Records are counted by their own time; how long it was quiet goes by our clock, whatever clock the host has.
 */
export function observe(window: LogWindow, event: LogEvent, watched: Watched, nowMs: number): Observed {
  const { policy } = watched
  let state = isAbandoned(window, policy, nowMs) ? idle(window) : window
  if (event.kind === 'heard') {
    const wanted = event.records.filter((record) => (policy.when.levels as string[]).includes(record.level))
    state = take({ ...state, heardMs: nowMs }, wanted, policy, nowMs)
  }
  return report(state, watched, nowMs)
}

/** True when nothing in the window can matter to a later record: it may be dropped. */
export function isForgettable(window: LogWindow, policy: TailablePolicy, nowMs: number): boolean {
  if (window.episode) return isAbandoned(window, policy, nowMs)
  const newestMs = Math.max(window.times.at(-1) ?? 0, window.latestStartMs ?? 0)
  return nowMs - newestMs > Math.max(policy.when.windowSeconds * 1000, 2 * maxSkewMs)
}

const isAbandoned = ({ episode, heardMs }: LogWindow, policy: TailablePolicy, nowMs: number) =>
  episode !== undefined && nowMs - heardMs > policy.silentAfterSeconds * 1000

const idle = ({ heardMs, latestStartMs }: LogWindow): LogWindow => ({
  ...emptyWindow,
  heardMs,
  ...(latestStartMs !== undefined && { latestStartMs }),
})

/** Counts records; begins an episode where they cross the threshold. */
function take(window: LogWindow, records: readonly LogRecord[], policy: TailablePolicy, nowMs: number): LogWindow {
  if (records.length === 0) return window
  const { count, windowSeconds } = policy.when
  const times = [...window.times]
  let { episode, latestStartMs } = window
  for (const record of records) {
    if (episode)
      episode = { ...episode, errors: episode.errors + 1, lastErrorMs: nowMs, unreported: episode.unreported + 1 }
    if (episode && episode.quietSinceMs === undefined) continue
    const crossedMs = crossing(times, timeOf(record, nowMs), count, windowSeconds * 1000)
    if (crossedMs === undefined) continue
    latestStartMs = Math.max(Math.min(crossedMs, nowMs), (latestStartMs ?? 0) + 1)
    const errors = times.length
    episode = { startsAtMs: latestStartMs, errors, lastErrorMs: nowMs, unreported: errors }
    times.length = 0
  }
  const added = records.slice(-keptRecords).map((record) => ({ atMs: timeOf(record, nowMs), record: bounded(record) }))
  return {
    times,
    evidence: [...window.evidence, ...added].slice(-keptRecords),
    heardMs: window.heardMs,
    ...(latestStartMs !== undefined && { latestStartMs }),
    ...(episode && { episode }),
  }
}

/**
 * Puts a time into its place and keeps the newest `count` + 1.
 * Records may come out of order, so both windows the new time can complete are looked at before the oldest goes.
 *
 * @returns the time at which the threshold was crossed, if it was
 */
function crossing(times: number[], atMs: number, count: number, windowMs: number): number | undefined {
  let place = times.length
  while (place > 0 && (times[place - 1] ?? 0) > atMs) place--
  if (place === times.length) times.push(atMs)
  else times.splice(place, 0, atMs)
  let crossed: number | undefined
  for (let last = count; last < times.length; last++) {
    const end = times[last] ?? 0
    if (end - (times[last - count] ?? 0) <= windowMs) crossed = end
  }
  if (times.length > count + 1) times.shift()
  return crossed
}

const timeOf = ({ atMs }: LogRecord, nowMs: number) => (Math.abs(atMs - nowMs) <= maxSkewMs ? atMs : nowMs)

const bounded = (record: LogRecord): LogRecord =>
  record.text.length > maxTextLength ? { ...record, text: record.text.slice(0, maxTextLength) } : record

/** Decides whether there is something to say now. */
function report(state: LogWindow, watched: Watched, nowMs: number): Observed {
  const { episode } = state
  if (!episode) return { state }
  const quietMs = watched.policy.quietSeconds * 1000
  const sinceMs = nowMs - (episode.emittedMs ?? Number.NEGATIVE_INFINITY)
  if (sinceMs < quietMs / 3) return { state }
  if (episode.unreported > 0) {
    const { quietSinceMs: _ended, ...rest } = episode
    const told = { ...rest, emittedMs: nowMs, unreported: 0 }
    return { state: { ...state, episode: told }, alert: firing(state, episode, watched, nowMs) }
  }
  const heardJustNow = nowMs - state.heardMs <= quietMs / 3
  if (!heardJustNow || state.heardMs - episode.lastErrorMs < quietMs) return { state }
  const alert = quiet(episode, watched, nowMs)
  // a gap in which the source could not be heard proves nothing
  const quietSinceMs = sinceMs <= quietMs ? (episode.quietSinceMs ?? nowMs) : nowMs
  if (nowMs - quietSinceMs >= quietMs) return { state: idle(state), alert }
  return { state: { ...state, episode: { ...episode, emittedMs: nowMs, quietSinceMs } }, alert }
}

function firing(state: LogWindow, episode: Episode, watched: Watched, nowMs: number): Alert {
  const { component, count, levels, windowSeconds } = watched.policy.when
  const first = episode.emittedMs === undefined
  const what = `${levels.join(' or ')} records of ${component} on ${watched.host}`
  const lines = state.evidence.slice(first ? 0 : -Math.min(linesLater, episode.unreported)).map(lineOf)
  return {
    ...observation(episode, watched, nowMs),
    status: 'firing',
    summary: first
      ? `${episode.errors} ${what}: more than ${count} within ${windowSeconds} s`
      : `${episode.unreported} more ${what}, ${episode.errors} in all`,
    figures: { errors: episode.errors, windowSeconds, lastErrorAtMs: episode.lastErrorMs },
    lines,
  }
}

function quiet(episode: Episode, watched: Watched, nowMs: number): Alert {
  const { component, levels, windowSeconds } = watched.policy.when
  return {
    ...observation(episode, watched, nowMs),
    status: 'quiet',
    summary: `no ${levels.join(' or ')} record of ${component} on ${watched.host} for ${watched.policy.quietSeconds} s`,
    figures: { errors: episode.errors, windowSeconds, lastErrorAtMs: episode.lastErrorMs },
  }
}

function observation({ startsAtMs }: Episode, { policy, host, source }: Watched, nowMs: number) {
  const startsAt = new Date(startsAtMs).toISOString()
  return {
    policy: policy.name,
    entity: { host, binary: policy.when.component },
    startsAt,
    observedAt: new Date(nowMs).toISOString(),
    source,
    key: `${policy.name}/${host}/${startsAt}`,
  }
}

const lineOf = ({ atMs, record }: Evidence): LogLine => ({
  at: new Date(atMs).toISOString(),
  level: record.level,
  component: record.component,
  text: record.text.slice(0, maxTextLength),
  requestIds: record.requestIds,
})

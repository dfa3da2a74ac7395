import type { Alert } from '../../core/alert.ts'
import type { TailablePolicy } from '../../core/policy.ts'
import {
  emptyWindow,
  isForgettable,
  type LogRecord,
  type LogWindow,
  observe,
  type Watched,
} from '../../policies/tailable.ts'
import type { LogInput } from './log-lines.ts'
import { createRecordJoiner, type OsloRecord, type RecordJoiner } from './oslo-log.ts'

export interface LogWindowsOptions {
  /** Most windows, one per policy and host, and most log streams. @default 2000 */
  maxKeys?: number
  /** Offset of the clock the logs are written with, where lines come without `at`. @default 0 */
  utcOffsetMinutes?: number
}

export interface LogWindows {
  /** Takes one batch of one source, in the order it was written. */
  ingest(inputs: readonly LogInput[], nowMs: number, source?: string): Alert[]
  /** Lets time pass: observations that are due, and windows nobody needs any more. Call it every second or so. */
  tick(nowMs: number): Alert[]
  /** Windows kept now. */
  readonly size: number
  /** Windows dropped for want of room since the start; above 0, `maxKeys` is too small or a source makes up hosts. */
  readonly evicted: number
}

interface Kept {
  readonly watched: Watched
  readonly window: LogWindow
}

/**
 * The log windows of all hosts, in bounded memory: soft state that a restart may lose, since its data ages out.
 *
 * A host gets a window with its first record of a wanted level. At `maxKeys` the window unused for longest goes, idle
 * ones first. Only oslo.log records are counted; any line or heartbeat is a sign of life.
 */
export function createLogWindows(
  policies: readonly TailablePolicy[],
  { maxKeys = 2000, utcOffsetMinutes = 0 }: LogWindowsOptions = {},
): LogWindows {
  const watched = byComponent(policies)
  const streams = new Map<string, RecordJoiner>()
  const windows = new Map<string, Kept>()
  let evicted = 0

  const look = (key: string, event: Parameters<typeof observe>[1], watch: Watched, nowMs: number): Alert[] => {
    const { state, alert } = observe(windows.get(key)?.window ?? emptyWindow, event, watch, nowMs)
    windows.set(key, { watched: watch, window: state })
    return alert ? [alert] : []
  }

  return {
    get size() {
      return windows.size
    },
    get evicted() {
      return evicted
    },
    ingest(inputs, nowMs, source = 'logs') {
      const alerts: Alert[] = []
      // all lines are joined before any is counted, so that an alert carries its tracebacks whole
      for (const { host, component, records } of join(inputs)) {
        for (const policy of watched.get(component) ?? []) {
          const key = `${policy.name}/${host}`
          const wanted = records.some((record) => (policy.when.levels as string[]).includes(record.level))
          const known = windows.get(key)
          if (!known && !wanted) continue
          if (!known) makeRoom()
          windows.delete(key)
          if (known) windows.set(key, known)
          alerts.push(...look(key, { kind: 'heard', records }, { policy, host, source }, nowMs))
        }
      }
      return alerts
    },
    tick(nowMs) {
      const alerts: Alert[] = []
      for (const [key, { watched: watch, window }] of windows) {
        if (isForgettable(window, watch.policy, nowMs)) windows.delete(key)
        else if (window.episode) alerts.push(...look(key, { kind: 'tick' }, watch, nowMs))
      }
      return alerts
    },
  }

  function join(inputs: readonly LogInput[]) {
    const heard = new Map<string, { host: string; component: string; records: LogRecord[] }>()
    for (const input of inputs) {
      const { host, component } = input
      if (!watched.has(component)) continue
      const key = `${component}/${host}`
      const of = heard.get(key) ?? { host, component, records: [] }
      heard.set(key, of)
      if (!('line' in input)) continue
      const record = streamOf(key).push(input.line)
      if (record) of.records.push(asLogRecord(record, component, input.at))
    }
    return heard.values()
  }

  function streamOf(key: string): RecordJoiner {
    const stream = streams.get(key) ?? createRecordJoiner({ utcOffsetMinutes })
    streams.delete(key)
    streams.set(key, stream)
    const [oldest] = streams.keys()
    if (streams.size > maxKeys && oldest !== undefined) streams.delete(oldest)
    return stream
  }

  function makeRoom(): void {
    if (windows.size < maxKeys) return
    let [victim] = windows.keys()
    for (const [key, { window }] of windows) {
      if (window.episode) continue
      victim = key
      break
    }
    if (victim !== undefined && windows.delete(victim)) evicted++
  }
}

function byComponent(policies: readonly TailablePolicy[]): Map<string, TailablePolicy[]> {
  const found = new Map<string, TailablePolicy[]>()
  for (const policy of policies) found.set(policy.when.component, [...(found.get(policy.when.component) ?? []), policy])
  return found
}

/** `text` stays that of the record, which grows while lines of its traceback arrive in later batches. */
const asLogRecord = (record: OsloRecord, component: string, at: string | undefined): LogRecord => ({
  atMs: at === undefined ? record.atMs : Date.parse(at),
  level: record.level,
  component,
  requestIds: record.requestIds,
  get text() {
    return record.text
  },
})

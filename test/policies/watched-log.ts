import type { Alert } from '../../core/alert.ts'
import { Policy, type TailablePolicy } from '../../core/policy.ts'
import { emptyWindow, type LogEvent, type LogRecord, type LogWindow, observe } from '../../policies/tailable.ts'

export const policyOf = (when: object = {}, more: object = {}) =>
  Policy.parse({
    name: 'compute-errors',
    kind: 'tailable',
    when: { component: 'nova-compute', count: 3, windowSeconds: 30, ...when },
    runbook: 'collect-evidence',
    quietSeconds: 60,
    ...more,
  }) as TailablePolicy
export const t0 = Date.parse('2026-11-21T00:00:00Z')
export const second = 1000
export const record = (atMs: number, more: Partial<LogRecord> = {}): LogRecord => ({
  atMs,
  level: 'ERROR',
  component: 'nova-compute',
  text: 'it failed',
  requestIds: [],
  ...more,
})

/** One window with a clock; keeps what it emitted. */
export function watch(policy = policyOf()) {
  let window: LogWindow = emptyWindow
  const emitted: Alert[] = []
  const look = (event: LogEvent, nowMs: number) => {
    const seen = observe(window, event, { policy, host: 'cmp-1', source: 'shipper' }, nowMs)
    window = seen.state
    if (seen.alert) emitted.push(seen.alert)
    return seen.alert
  }
  return {
    emitted,
    window: () => window,
    errors: (nowMs: number, count = 1, more: Partial<LogRecord> = {}) =>
      look({ kind: 'heard', records: Array.from({ length: count }, () => record(nowMs, more)) }, nowMs),
    records: (nowMs: number, records: LogRecord[]) => look({ kind: 'heard', records }, nowMs),
    alive: (nowMs: number) => look({ kind: 'heard', records: [] }, nowMs),
    tick: (nowMs: number) => look({ kind: 'tick' }, nowMs),
  }
}

import { condition } from '@temporalio/workflow'
import type { Alert, LogLine } from '../core/alert.ts'
import { failure } from '../core/errors.ts'

/** Keys kept per incident; an incident sees one key per start of its alert. */
const keptKeys = 20
const keptLines = 50
/** An incident that heard this often that it is still firing will not get better by listening on. */
const mostObservations = 1000

/** Remembers what an incident was told about its signal, and waits for what it must see. */
export interface Witness {
  /** Takes one observation; true when its key is new. */
  take(seen: Alert): boolean
  firing(): boolean
  lines(): readonly LogLine[]
  readonly keys: ReadonlySet<string>
  /** Waits until the alert is resolved and stays so for `stableMs`; false when it does not within `withinMs`. */
  cleared(withinMs: number, stableMs: number): Promise<boolean>
  /**
   * Waits until the source says that the log is quiet.
   * @throws SIGNAL_SOURCE_SILENT when nothing at all was heard for `silentMs`: no news is not good news
   * @throws SIGNAL_NOT_CLEARED when errors go on and on
   */
  quiet(silentMs: number): Promise<void>
}

export function createWitness(first: Alert): Witness {
  const keys = new Set([first.key])
  let status: Alert['status'] = first.status
  let observations = 0
  let lines = first.lines ?? []
  return {
    keys,
    take(seen) {
      observations++
      status = seen.status
      if (seen.lines) lines = [...lines, ...seen.lines].slice(-keptLines)
      if (keys.has(seen.key)) return false
      keys.add(seen.key)
      for (const oldest of keys) if (keys.size > keptKeys) keys.delete(oldest)
      return true
    },
    firing: () => status === 'firing',
    lines: () => lines,
    async cleared(withinMs, stableMs) {
      const deadline = Date.now() + withinMs
      while (await condition(() => status !== 'firing', Math.max(1, deadline - Date.now()))) {
        if (stableMs === 0 || !(await condition(() => status === 'firing', stableMs))) return true
        if (Date.now() >= deadline) return false
      }
      return false
    },
    async quiet(silentMs) {
      while (status === 'firing') {
        if (observations > mostObservations)
          throw failure('SIGNAL_NOT_CLEARED', `still erroring after ${mostObservations} observations`)
        const heard = observations
        if (!(await condition(() => observations > heard, silentMs)))
          throw failure('SIGNAL_SOURCE_SILENT', `nothing was heard of the log for ${Math.round(silentMs / 1000)} s`)
      }
    },
  }
}

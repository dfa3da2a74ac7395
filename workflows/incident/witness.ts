import { condition } from '@temporalio/workflow'
import type { Alert, LogLine } from '../../core/alert.ts'
import { failure } from '../../core/errors.ts'

/** Keys kept per incident; an incident sees one key per start of its alert. */
const keptKeys = 20
const keptLines = 50
/** More starts than any limit of flapping. */
const keptStarts = 100
/** An incident that heard this often that it is still firing will not get better by listening on. */
const mostObservations = 1000

/** All a witness knows; small JSON, carried over when a long history begins anew. */
export interface WitnessMemory {
  readonly keys: readonly string[]
  /** The latest `startsAt` it was told of. */
  readonly newestStart: string
  readonly status: Alert['status']
  readonly clearSinceMs?: number
  readonly observations: number
  readonly lines: readonly LogLine[]
  readonly startsMs: readonly number[]
}

/** Remembers what an incident was told about its signal, and waits for what it must see. */
export interface Witness {
  /** Takes one observation; says whether its key is new, and whether firing has turned to clear or back. */
  take(seen: Alert): { isNew: boolean; turned: boolean }
  firing(): boolean
  /** Since when the signal has been clear, epoch ms; undefined while it fires. */
  clearSinceMs(): number | undefined
  lines(): readonly LogLine[]
  readonly keys: ReadonlySet<string>
  /** When further starts of the alert were heard of, the first one left out; epoch ms. */
  startsMs(): readonly number[]
  memory(): WitnessMemory
  /** Waits until the alert is resolved and has stayed so for `stableMs`; false when it is not resolved within `withinMs`. */
  cleared(withinMs: number, stableMs: number): Promise<boolean>
  /**
   * Waits until the source says that the log is quiet.
   * @throws SIGNAL_SOURCE_SILENT when nothing at all was heard for `silentMs`: no news is not good news
   * @throws SIGNAL_NOT_CLEARED when errors go on and on
   */
  quiet(silentMs: number): Promise<void>
}

/** What a witness knows that has heard of the first alert only. */
export const firstMemory = ({ key, startsAt, status, lines = [] }: Alert, nowMs: number): WitnessMemory => ({
  keys: [key],
  newestStart: startsAt,
  status,
  ...(status !== 'firing' && { clearSinceMs: nowMs }),
  observations: 0,
  lines,
  startsMs: [],
})

export function createWitness(memory: WitnessMemory): Witness {
  const keys = new Set(memory.keys)
  let { newestStart, status, clearSinceMs, observations, lines, startsMs } = memory
  const firing = () => status === 'firing'
  return {
    keys,
    firing,
    clearSinceMs: () => clearSinceMs,
    lines: () => lines,
    startsMs: () => startsMs,
    memory: () => ({
      ...{ keys: [...keys], newestStart, status, observations, lines, startsMs },
      ...(clearSinceMs !== undefined && { clearSinceMs }),
    }),
    take(seen) {
      observations++
      const before = firing()
      // the end of an earlier start, delivered late, says nothing about the present one
      if (Date.parse(seen.startsAt) >= Date.parse(newestStart)) {
        newestStart = seen.startsAt
        status = seen.status
      }
      if (seen.lines) lines = [...lines, ...seen.lines].slice(-keptLines)
      const turned = before !== firing()
      if (turned) clearSinceMs = firing() ? undefined : Date.now()
      const isNew = !keys.has(seen.key)
      if (isNew) {
        keys.add(seen.key)
        for (const oldest of keys) if (keys.size > keptKeys) keys.delete(oldest)
        if (seen.status === 'firing') startsMs = [...startsMs, Date.now()].slice(-keptStarts)
      }
      return { isNew, turned }
    },
    async cleared(withinMs, stableMs) {
      const deadlineMs = Date.now() + withinMs
      for (;;) {
        if (!(await condition(() => !firing(), Math.max(1, deadlineMs - Date.now())))) return false
        const restMs = (clearSinceMs ?? Date.now()) + stableMs - Date.now()
        if (restMs <= 0 || !(await condition(firing, restMs))) return true
        if (Date.now() >= deadlineMs) return false
      }
    },
    async quiet(silentMs) {
      const from = observations
      while (firing()) {
        if (observations - from > mostObservations)
          throw failure('SIGNAL_NOT_CLEARED', `still erroring after ${mostObservations} observations`)
        const heard = observations
        if (!(await condition(() => observations > heard, silentMs)))
          throw failure('SIGNAL_SOURCE_SILENT', `nothing was heard of the log for ${Math.round(silentMs / 1000)} s`)
      }
    },
  }
}

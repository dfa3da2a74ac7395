import type { Recurrence } from '../../core/recurrence.ts'

/** Enough for calls that wait for a busy cloud; more at a time are a queue nobody asked for. */
export const mostRunning = 10
const keptOutcomes = 20

export interface Due {
  readonly startsAtMs: number
  readonly nowMs: number
  /** Occurrences whose calls are being made. */
  readonly running: readonly string[]
  /** The one that waits for them. */
  readonly queued?: string
}

export type WhenDue =
  | { readonly act: 'start' }
  /** `instead` is the one that waited so far and gives its place. */
  | { readonly act: 'queue'; readonly cancelRunning: boolean; readonly instead?: string }
  | { readonly act: 'skip'; readonly reason: string }

/** Whether an occurrence that is due is begun: not when it is too old, and not beside another one unless that is wanted. */
export function whenDue({ overlap, catchUpSeconds }: Recurrence, due: Due): WhenDue {
  const { running, queued } = due
  const missed = tooLate(catchUpSeconds, due)
  if (missed !== undefined) return { act: 'skip', reason: missed }
  if (running.length === 0 && queued === undefined) return { act: 'start' }
  const busy = `${running.join(', ')} still runs`
  switch (overlap) {
    case 'skip':
      return { act: 'skip', reason: busy }
    case 'allow':
      return running.length < mostRunning ? { act: 'start' } : { act: 'skip', reason: `${running.length} still run` }
    case 'queue':
      if (queued !== undefined) return { act: 'skip', reason: `${queued} waits already` }
      return { act: 'queue', cancelRunning: false }
    case 'cancel-other':
      return { act: 'queue', cancelRunning: true, ...(queued !== undefined && { instead: queued }) }
  }
}

/** Why an occurrence is not made up for, if it is not. */
export function tooLate(catchUpSeconds: number, { startsAtMs, nowMs }: Pick<Due, 'startsAtMs' | 'nowMs'>) {
  const lateMs = nowMs - startsAtMs
  if (lateMs <= catchUpSeconds * 1000) return undefined
  return `Steward came to it ${Math.round(lateMs / 1000)} s late; up to ${catchUpSeconds} s are made up for`
}

/** The latest outcomes, newest last. */
export const remembered = <T>(past: readonly T[], ...more: readonly T[]): T[] => [...past, ...more].slice(-keptOutcomes)

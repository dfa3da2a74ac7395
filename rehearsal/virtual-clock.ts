/** What waits for a moment of virtual time. */
interface Appointment {
  readonly atMs: number
  keep(): void
}

/** A clock that stands still until somebody has it go on to the next moment for which something waits. */
export interface VirtualClock {
  now(): number
  /** At that moment, or now if it has passed. Gives what takes it back. */
  at(atMs: number, act: () => void): () => void
  nextMs(): number | undefined
  /** Goes on to that moment; time that has passed already is not turned back. */
  goTo(atMs: number): void
  /** What waits for the earliest moment is done; gives whether there was any by now. */
  keepNext(): boolean
}

export function createVirtualClock(startsAtMs: number): VirtualClock {
  let nowMs = startsAtMs
  // in the order of their making: of the same moment, what was made first comes first
  const appointments = new Set<Appointment>()
  const earliest = () =>
    [...appointments].reduce<Appointment | undefined>(
      (first, one) => (first === undefined || one.atMs < first.atMs ? one : first),
      undefined,
    )
  return {
    now: () => nowMs,
    at(atMs, keep) {
      const appointment = { atMs, keep }
      appointments.add(appointment)
      return () => void appointments.delete(appointment)
    },
    nextMs: () => earliest()?.atMs,
    goTo(atMs) {
      nowMs = Math.max(nowMs, atMs)
    },
    keepNext() {
      const next = earliest()
      if (!next || next.atMs > nowMs) return false
      appointments.delete(next)
      next.keep()
      return true
    },
  }
}

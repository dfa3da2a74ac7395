import { setTimeout as sleep } from 'node:timers/promises'

interface Patience {
  readonly withinMs?: number
  readonly everyMs?: number
  /** What was there instead, for the error. */
  readonly seen?: () => string
}

/** Looks again until it sees what it waits for; says what it waited for when that does not come. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  { withinMs = 120_000, everyMs = 250, seen: told = () => '' }: Patience = {},
): Promise<T> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const seen = await look()
    if (seen !== undefined && seen !== false) return seen
    if (Date.now() > deadline) throw new Error(`waited ${withinMs / 1000} s in vain for ${what}. ${told()}`.trimEnd())
    await sleep(everyMs)
  }
}

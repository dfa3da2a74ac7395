import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** One thing that was done to the system, or asked of it. Times are epoch ms. */
export interface Entry {
  readonly at: number
  readonly event: string
  readonly [detail: string]: unknown
}

/** What happened, in order: printed, and kept as NDJSON even if the run is killed. */
export interface Journal {
  readonly entries: readonly Entry[]
  write(event: string, details?: object): Entry
}

export function openJournal(file: string, startedMs: number, print: (line: string) => void): Journal {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, '')
  const entries: Entry[] = []
  return {
    entries,
    write(event, details = {}) {
      const entry = { at: Date.now(), event, ...details }
      entries.push(entry)
      appendFileSync(file, `${JSON.stringify(entry)}\n`)
      const shown = JSON.stringify(details)
      print(`${((entry.at - startedMs) / 1000).toFixed(1).padStart(7)} s  ${event} ${shown.slice(1, -1).slice(0, 160)}`)
      return entry
    },
  }
}

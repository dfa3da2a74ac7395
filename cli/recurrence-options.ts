import type { Command } from 'commander'
import { readJsonOption } from './json-option.ts'

/** The words in which the command line says when something recurs. */
export interface RecurrenceOptions {
  cron?: string
  every?: string
  at?: string[]
  weekdays?: string[]
  timeZone?: string
  start?: string
  end?: string
  count?: number
  dst?: string
  except?: string[]
  jitter?: number
  overlap?: string
  catchUp?: number
  recurrence?: string
}

const list = (text: string) => text.split(',').map((word) => word.trim())

/** What the API then says about the values is told to the user as it stands. */
export function withRecurrence(command: Command): Command {
  return command
    .option('--cron <fields>', "five fields in local time: '0 22 * * mon-fri'")
    .option('--at <times>', 'or local times: 06:30,22:00', list)
    .option('--weekdays <days>', 'with --at: mon,tue', list)
    .option('--every <duration>', 'or an interval, ISO 8601: PT6H')
    .option('--time-zone <name>', 'IANA, such as Europe/Berlin; UTC when left out')
    .option('--start <time>', 'RFC 3339')
    .option('--end <time>', 'RFC 3339')
    .option('--count <n>', 'most occurrences', Number)
    .option('--dst <rule>', 'when clocks change: skip, once, twice')
    .option('--except <dates>', 'local dates: 2026-12-24,12-25,2027-07-01/2027-07-14', list)
    .option('--jitter <seconds>', 'each starts up to this much later', Number)
    .option('--overlap <rule>', 'when the last one still runs: skip, queue, allow, cancel-other')
    .option('--catch-up <seconds>', 'one that was slept through is made up for when no older than this', Number)
    .option('--recurrence <json>', 'all of it as JSON, or @FILE')
}

/** The recurrence these options say; undefined when they say nothing. */
export async function recurrenceOf(options: RecurrenceOptions): Promise<object | undefined> {
  if (options.recurrence !== undefined) return (await readJsonOption(options.recurrence, '--recurrence')) as object
  const { cron, every, at, weekdays, timeZone, start, end, count, dst, except, jitter, overlap, catchUp } = options
  const said = {
    ...{ cron, interval: every, timeZone, start, end, count, dst, except, overlap },
    ...(at && { calendar: { times: at, ...(weekdays && { weekdays }) } }),
    ...{ jitterSeconds: jitter, catchUpSeconds: catchUp },
  }
  const known = Object.entries(said).filter(([, value]) => value !== undefined)
  return known.length === 0 ? undefined : Object.fromEntries(known)
}

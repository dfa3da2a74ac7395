import { z } from 'zod'

/** Host names as Nova writes them; anything else is never looked up, let alone passed on. */
export const HostName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/, 'not a host name')

const from = {
  host: HostName.describe('host name as Nova knows it'),
  component: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'not a component name')
    .describe('service that wrote the log, such as `nova-compute`'),
}

/** One line of a log, as it was written. */
export const ShippedLine = z.strictObject({
  ...from,
  line: z.string().max(131_072).describe('the line without its line feed'),
  at: z.iso
    .datetime({ offset: true })
    .max(64)
    .exactOptional()
    .describe('RFC 3339; when left out, the time written in the line'),
})
export type ShippedLine = z.infer<typeof ShippedLine>

/** Says that the shipper is alive and the log had nothing new. */
export const Heartbeat = z.strictObject({ ...from, heartbeat: z.literal(true) })
export type Heartbeat = z.infer<typeof Heartbeat>

export type LogInput = ShippedLine | Heartbeat

export interface LogBatch {
  readonly lines: LogInput[]
  /** Lines that were not taken, by number from 1, each with a reason. */
  readonly rejected: { readonly line: number; readonly reason: string }[]
}

const maxLines = 10_000
const maxJsonLength = 262_144

/**
 * Reads a batch of newline-delimited JSON. A bad line is rejected with a reason and does not lose the others; what
 * lies beyond 10,000 lines is rejected as one. Blank lines are skipped.
 */
export function parseNdjson(body: string): LogBatch {
  const batch: LogBatch = { lines: [], rejected: [] }
  let line = 0
  let taken = 0
  // an index walk: split() would build a million strings of a body of line feeds before anything is counted
  for (let start = 0; start < body.length; ) {
    const feed = body.indexOf('\n', start)
    const end = feed === -1 ? body.length : feed
    const from = start
    start = end + 1
    line++
    if (isBlank(body, from, end)) continue
    if (++taken > maxLines) {
      batch.rejected.push({
        line,
        reason: `a batch holds at most ${maxLines} lines; this one and the rest were not read`,
      })
      return batch
    }
    const result = end - from > maxJsonLength ? 'longer than 256 KiB' : parseLine(body.slice(from, end))
    if (typeof result === 'string') batch.rejected.push({ line, reason: result })
    else batch.lines.push(result)
  }
  return batch
}

function isBlank(body: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (!' \t\r\uFEFF'.includes(body.charAt(at))) return false
  return true
}

/** The line, or why it is none. */
function parseLine(text: string): LogInput | string {
  let json: unknown
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    return 'not JSON'
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return 'not a JSON object'
  const result = (Object.hasOwn(json, 'heartbeat') ? Heartbeat : ShippedLine).safeParse(json)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const where = issue?.path.join('.') || 'the object'
  return `${where}: ${issue?.message ?? 'does not match the schema'}`.slice(0, 200)
}

export type OsloLevel = 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR' | 'CRITICAL'

/** Who made the request, as oslo.log writes it; a word that says `-` is left out. */
export interface OsloIdentity {
  readonly user?: string
  readonly project?: string
  readonly domain?: string
  readonly systemScope?: string
  readonly userDomain?: string
  readonly projectDomain?: string
}

/** One log record. A joiner lets `text` grow while continuation lines of the record arrive. */
export interface OsloRecord {
  readonly kind: 'record'
  /** Epoch ms of the time written in the line. */
  readonly atMs: number
  readonly pid: number
  readonly level: OsloLevel
  readonly logger: string
  /** Global request id first, where the service writes one. */
  readonly requestIds: readonly string[]
  readonly identity?: OsloIdentity
  /** Id of the server the record is about. */
  readonly instance?: string
  /** Where a DEBUG record was logged, such as `_start /usr/lib/nova/service.py:82`. */
  readonly origin?: string
  readonly text: string
}

/** A line oslo.log prefixed as part of a traceback: it belongs to the record of the same process, logger and time. */
export interface Continuation {
  readonly kind: 'continuation'
  readonly atMs: number
  readonly pid: number
  readonly logger: string
  readonly text: string
}

export interface OsloOptions {
  /** Offset of the clock the lines were written with: oslo.log writes no zone. @default 0 */
  utcOffsetMinutes?: number
}

/** Longer lines are cut before they are looked at. */
export const maxLineLength = 16_384
export const cutMark = ' ...[cut]... '

const colours = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g')
const prefix =
  /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)[.,](\d{3}) (\d{1,10}) (TRACE|DEBUG|INFO|AUDIT|WARN|WARNING|ERROR|CRITICAL) ([^\s[\]]+)(?: (.*))?$/s
const bracket = /^\[([^[\]]{1,1024})\] ?(.*)$/s
const requestId = /^req-[\w-]{1,64}$/
const plainWord = /^[^\s'",()=]+$/
const aboutInstance = /^\[instance: ([\w-]{1,64})\]/
const debugOrigin = / (\S+ \/\S+:\d+)$/

/**
 * Reads one line written by oslo.log, in the formats since Icehouse: no, one or two request ids (or the word `None`),
 * identities of five or six words, `[-]`, `[instance: …]`, and the prefix it gives to every line of a traceback.
 *
 * @returns undefined for anything else: RabbitMQ, uWSGI, supervisord, raw lines of a traceback
 * @see https://docs.openstack.org/oslo.log/latest/configuration/
 */
export function parseOsloLine(
  line: string,
  { utcOffsetMinutes = 0 }: OsloOptions = {},
): OsloRecord | Continuation | undefined {
  const found = prefix.exec(cut(line.replace(colours, ''), maxLineLength).trimEnd())
  if (!found) return undefined
  const atMs = timeOf(found.slice(1, 8).map(Number), utcOffsetMinutes)
  if (atMs === undefined) return undefined
  const written = found[9] ?? ''
  const at = { atMs, pid: Number(found[8]), logger: found[10] ?? '' }
  const rest = found[11] ?? ''

  const context = contextOf(rest)
  if (!context && (written === 'ERROR' || written === 'TRACE')) return { kind: 'continuation', ...at, text: rest }
  const level = levelOf(written)
  const { text: body, ...who } = context ?? { text: rest, requestIds: [] }
  const instance = aboutInstance.exec(body)?.[1]
  const origin = level === 'DEBUG' ? debugOrigin.exec(body)?.[1] : undefined
  return {
    kind: 'record',
    ...at,
    level,
    ...who,
    ...(instance && { instance }),
    ...(origin && { origin }),
    text: origin ? body.slice(0, -origin.length - 1) : body,
  }
}

function timeOf(parts: readonly number[], utcOffsetMinutes: number): number | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, ms = 0] = parts
  const local = Date.UTC(year, month - 1, day, hour, minute, second, ms)
  // Date.UTC lets 30 February pass as 1 March
  if (new Date(local).getUTCMonth() !== month - 1 || day > 31 || hour > 23 || minute > 59 || second > 59)
    return undefined
  return local - utcOffsetMinutes * 60_000
}

function levelOf(written: string): OsloLevel {
  if (written === 'WARN') return 'WARNING'
  if (written === 'AUDIT') return 'INFO'
  return written === 'TRACE' ? 'ERROR' : (written as OsloLevel)
}

/** The bracket before the message; undefined where there is none, as in lines of a traceback. */
function contextOf(rest: string): Pick<OsloRecord, 'requestIds' | 'identity' | 'text'> | undefined {
  const found = bracket.exec(rest)
  if (!found) return undefined
  const [, inside = '', text = ''] = found
  if (inside === '-') return { requestIds: [], text }
  const words = inside.trim().split(/ +/)
  let ids = 0
  while (ids < 2 && isRequestId(words[ids])) ids++
  const who = words.slice(ids)
  // a line of a traceback may begin with a Python list: only words an identity can have are taken for one
  if (ids === 0 && (who.length < 5 || who.length > 6 || !who.every((word) => plainWord.test(word)))) return undefined
  const identity = identityOf(who)
  return { requestIds: words.slice(0, ids).filter((word) => word !== 'None'), ...(identity && { identity }), text }
}

const isRequestId = (word: string | undefined) => word === 'None' || (word !== undefined && requestId.test(word))

function identityOf(words: readonly string[]): OsloIdentity | undefined {
  if (words.length !== 5 && words.length !== 6) return undefined
  const [user, project, domain] = words
  const [userDomain, projectDomain] = words.slice(-2)
  const systemScope = words.length === 6 ? words[3] : undefined
  const all = Object.entries({ user, project, domain, systemScope, userDomain, projectDomain })
  const given = all.filter(([, word]) => word !== undefined && word !== '-' && word !== 'None')
  return given.length > 0 ? Object.fromEntries(given) : undefined
}

export interface JoinerOptions extends OsloOptions {
  /** Longest `text` of a record, in characters; the middle of a longer one is cut out. @default 2048 */
  maxTextLength?: number
  /** Most lines joined into one record; more are dropped. @default 200 */
  maxLines?: number
}

export interface RecordJoiner {
  /** Takes the next line of the stream; returns a record when the line begins one. */
  push(line: string): OsloRecord | undefined
}

/** Records that wait for lines at once: the workers of one service may write into one file. */
const openRecords = 4
/** Room for time, logger and context before the text; what is longer is cut before it is looked at. */
const longestPrefix = 1024

/**
 * Joins the lines of one stream (one component on one host) into records, so that a traceback counts as one record.
 *
 * A record is returned with its first line, never later: counting must not wait for a line that may not come. Lines
 * that follow only extend its `text`, in place. Lines of a traceback whose beginning was never seen are dropped.
 * Keeps the last four records at most, each of bounded length.
 */
export function createRecordJoiner({
  maxTextLength = 2048,
  maxLines = 200,
  ...options
}: JoinerOptions = {}): RecordJoiner {
  const open = new Map<string, Growing>()
  let latest: Growing | undefined
  return {
    push(given) {
      const line = cut(given, maxTextLength + longestPrefix)
      const parsed = parseOsloLine(line, options)
      if (parsed?.kind === 'record') {
        latest = createGrowing(parsed, maxTextLength, maxLines)
        const key = keyOf(parsed)
        open.delete(key)
        open.set(key, latest)
        const [oldest] = open.keys()
        if (open.size > openRecords && oldest !== undefined) open.delete(oldest)
        return latest.record
      }
      const record = parsed ? open.get(keyOf(parsed)) : latest
      record?.extend(parsed ? parsed.text : line)
      return undefined
    },
  }
}

/** Every line of a record carries the time of the record, to the millisecond. */
const keyOf = (of: Pick<OsloRecord, 'pid' | 'logger' | 'atMs'>) => `${of.pid} ${of.atMs} ${of.logger}`

interface Growing {
  readonly record: OsloRecord
  extend(text: string): void
}

function createGrowing(first: OsloRecord, maxTextLength: number, maxLines: number): Growing {
  const isLong = first.text.length > maxTextLength
  const record = isLong ? detached({ ...first, text: cut(first.text, maxTextLength) }) : { ...first }
  let lines = 1
  return {
    record,
    extend(text) {
      if (++lines > maxLines) return
      const longer = `${record.text}\n${text}`
      record.text = longer.length > maxTextLength ? detached(cut(longer, maxTextLength)) : longer
    },
  }
}

/** Cuts the middle out of a text that is too long, so that neither what failed nor why is lost. */
export function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text
  const room = Math.max(0, maxLength - cutMark.length)
  const tail = Math.floor(room / 4)
  return `${text.slice(0, room - tail)}${cutMark}${tail === 0 ? '' : text.slice(-tail)}`
}

/** A copy: what is cut out of a long string would otherwise keep all of it in memory. */
const detached = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

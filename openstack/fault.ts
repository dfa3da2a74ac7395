import type { ApplicationFailure } from '@temporalio/common'
import { failure } from '../core/errors.ts'
import { type HttpAnswer, isRepeatable, jsonOf, type Method } from './http.ts'

/** The call an answer belongs to, as far as a failure may name it. */
export interface Call {
  /** `compute` */
  readonly service: string
  readonly method: Method
  /** Without the query. */
  readonly path: string
  readonly microversion?: string | undefined
  readonly safeToRepeat?: boolean | undefined
  /** Taken out of whatever the service sent back. */
  readonly secrets?: readonly string[]
}

/**
 * Turns an answer other than 2xx into our failure. Its details hold the status, the service's reason (at most 500
 * characters, no control characters), `requestId` when there is one and `retryAfterSeconds` when the service gave it.
 *
 * @returns CLOUD_BUSY for 409, 429, 503; CLOUD_UNREACHABLE for another 5xx on a repeatable call, OUTCOME_UNKNOWN on any
 *   other; MICROVERSION_UNSUPPORTED; CLOUD_ANSWER_UNREADABLE for a redirect; CLOUD_REFUSED for the rest
 */
export function faultOf(answer: HttpAnswer, call: Call): ApplicationFailure {
  const { status } = answer
  const { service, method } = call
  const path = clean(call.path, call.secrets, 200)
  const reason = reasonOf(answer, call.secrets)
  const details = { status, service, method, path, ...(reason && { reason }), ...traceOf(answer, call.secrets) }
  const says = `${service} answered ${status} to ${method} ${path}${reason ? `: ${reason}` : ''}`

  if (status < 400) return failure('CLOUD_ANSWER_UNREADABLE', `${says} (redirects are not followed)`, details)
  if (isAboutMicroversion(status, reason, call))
    return failure('MICROVERSION_UNSUPPORTED', says, { ...details, microversion: call.microversion })
  if (status === 409 || status === 429 || status === 503) return failure('CLOUD_BUSY', says, details)
  if (status < 500) return failure('CLOUD_REFUSED', says, details)
  const isSafe = isRepeatable({ method, ...(call.safeToRepeat !== undefined && { safeToRepeat: call.safeToRepeat }) })
  return failure(isSafe ? 'CLOUD_UNREACHABLE' : 'OUTCOME_UNKNOWN', says, details)
}

/** What the service said, in its own words; `undefined` when it said nothing readable. */
export function reasonOf(answer: Pick<HttpAnswer, 'text'>, secrets: readonly string[] = []): string | undefined {
  const { text } = answer
  const json = jsonOf(answer)
  const words = json === undefined ? (titleOf(text) ?? text) : (messageIn(json) ?? '')
  return clean(words, secrets) || undefined
}

export interface Trace {
  readonly requestId?: string
  readonly retryAfterSeconds?: number
}

/** The ids and waits of an answer that go into the details of a failure. */
export function traceOf({ headers }: Pick<HttpAnswer, 'headers'>, secrets: readonly string[] = []): Trace {
  const requestId = headers['x-openstack-request-id'] ?? headers['x-compute-request-id']
  const retryAfterSeconds = secondsOf(headers['retry-after'], headers.date)
  return {
    ...(requestId && { requestId: clean(requestId, secrets, 100) }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  }
}

/** Characters of foreign text that are looked at; the patterns below are not for megabytes. */
const longest = 20_000

/** Makes foreign text fit for a message: one line, no control or direction characters, no secret, cut to length. */
export function clean(text: string, secrets: readonly string[] = [], most = 500): string {
  let safe = text
  // a secret shorter than this is no secret, and replacing it would shred the text
  for (const secret of secrets) if (secret.length >= 4) safe = safe.replaceAll(secret, '[secret]')
  safe = safe
    .slice(0, longest)
    .replace(/gAAAAA[\w-]{20,}={0,2}/g, '[token]')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: ANSI sequences begin with one
    .replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, '')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
  return safe.length > most ? `${safe.slice(0, most - 1)}…` : safe
}

/** Finds the sentence in the fault shapes of Keystone, Nova, Cinder, Placement, Neutron, Heat, Octavia and Ironic. */
function messageIn(json: unknown, depth = 0): string | undefined {
  if (depth > 4) return undefined
  if (typeof json === 'string') return unwrap(json, depth)
  if (typeof json !== 'object' || json === null) return undefined
  if (Array.isArray(json)) return messageIn(json[0], depth + 1)
  const fields = json as Record<string, unknown>
  for (const name of ['message', 'detail', 'faultstring', 'error_message']) {
    const found = messageIn(fields[name], depth + 1)
    if (found) return found
  }
  // the outer object has one field whose name differs by service and status: badRequest, NeutronError, errors, error
  const inner = Object.values(fields).find((value) => typeof value === 'object' && value !== null)
  const found = inner === undefined ? undefined : messageIn(inner, depth + 1)
  return found ?? (typeof fields.title === 'string' ? fields.title : undefined)
}

/** Older Ironics put JSON into a string of their JSON. */
function unwrap(message: string, depth: number): string {
  const json = message.startsWith('{') ? jsonOf({ text: message }) : undefined
  return (json !== undefined && messageIn(json, depth + 1)) || message
}

/** The title of an HTML page, which is what a proxy sends in place of the service. */
function titleOf(text: string): string | undefined {
  if (!/^\s*<(!doctype|html|\?xml|head|body)/i.test(text)) return undefined
  return /<(title|h1)[^<>]*>([^<]{1,500})</i.exec(text.slice(0, longest))?.[2] ?? 'an HTML page'
}

function isAboutMicroversion(status: number, reason: string | undefined, { microversion }: Call): boolean {
  if (microversion === undefined || reason === undefined) return false
  if (status === 406) return /version/i.test(reason)
  return status === 400 && /api version|microversion|version header/i.test(reason)
}

/** `Retry-After` is a number of seconds or a date, which only the sender's own clock can interpret. */
function secondsOf(retryAfter: string | undefined, date: string | undefined): number | undefined {
  if (retryAfter === undefined) return undefined
  if (/^\d{1,6}$/.test(retryAfter.trim())) return Number(retryAfter)
  if (!/^\w{3}, /.test(retryAfter)) return undefined
  const seconds = Math.ceil((Date.parse(retryAfter) - Date.parse(date ?? '')) / 1000)
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds)
}

import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { got, RequestError } from 'got'
import { codeOf, failure } from '../core/errors.ts'

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface Tls {
  /** Whether the server's certificate is checked. @default true */
  readonly verify: boolean
  /** PEM texts, not file names. */
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

export interface HttpOptions {
  readonly tls?: Tls
  /** Longest wait for a whole answer, connecting included. @default 30_000 */
  readonly timeoutMs?: number
  /** Longest wait for each of name lookup, TCP and TLS. @default 5_000 */
  readonly connectTimeoutMs?: number
  /** Most bytes of an answer that are kept in memory. @default 64 MiB */
  readonly maxAnswerBytes?: number
  /** Whether reads share connections. Other calls never do. @default true */
  readonly keepAlive?: boolean
}

export interface HttpRequest {
  /** The service's type, for messages and details: `compute`. */
  readonly service: string
  readonly method: Method
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON; nothing is sent when undefined. */
  readonly body?: unknown
  readonly timeoutMs?: number
  readonly signal?: AbortSignal | undefined
  /** `req-<uuid>`, lower case: joins our run to the log lines of every service it touches. */
  readonly requestId?: string | undefined
  /** Whether sending it twice does the same as once, so that a lost answer is worth a repeat. @default GET and HEAD only */
  readonly safeToRepeat?: boolean
  /** The code of a failure that may be repeated. @default CLOUD_UNREACHABLE */
  readonly unreachable?: 'CLOUD_UNREACHABLE' | 'KEYSTONE_UNREACHABLE'
}

export interface HttpAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
}

export type Http = (request: HttpRequest) => Promise<HttpAnswer>

const requestIdForm = /^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * Makes the one function through which every OpenStack request goes. It repeats nothing, follows no redirect
 * and keeps no `got` error, which would carry the token; any status is an answer, 3xx to 5xx too.
 *
 * Cancelling throws the signal's reason, unless the request is already on its way and may change something: that is
 * OUTCOME_UNKNOWN like any other lost answer.
 *
 * @throws CLOUD_UNREACHABLE or KEYSTONE_UNREACHABLE when nothing was sent, or a repeatable request lost its answer;
 *   OUTCOME_UNKNOWN when any other request lost its answer; CLOUD_ANSWER_UNREADABLE when the answer to a read is too large
 */
export function createHttp({
  tls = { verify: true },
  timeoutMs: defaultTimeoutMs = 30_000,
  connectTimeoutMs = 5_000,
  maxAnswerBytes = 64 * 1024 * 1024,
  keepAlive = true,
}: HttpOptions = {}): Http {
  const client = got.extend({
    retry: { limit: 0 },
    followRedirect: false,
    throwHttpErrors: false,
    // unasked for, so the size cap counts what ends up in memory
    decompress: false,
    responseType: 'buffer',
    headers: { 'user-agent': 'steward', accept: 'application/json' },
    https: {
      rejectUnauthorized: tls.verify,
      ...(tls.ca !== undefined && { certificateAuthority: tls.ca }),
      ...(tls.cert !== undefined && { certificate: tls.cert }),
      ...(tls.key !== undefined && { key: tls.key }),
    },
  })
  const shared = { http: new HttpAgent({ keepAlive }), https: new HttpsAgent({ keepAlive }) }
  // a kept connection may be closing just now, which would leave a change with an unknown outcome
  const fresh = { http: new HttpAgent({ keepAlive: false }), https: new HttpsAgent({ keepAlive: false }) }

  return async (request) => {
    const { method, signal, timeoutMs = defaultTimeoutMs } = request
    const isRead = method === 'GET' || method === 'HEAD'
    const cut = new AbortController()
    const cancel = () => cut.abort()
    let tooLarge = false

    signal?.throwIfAborted()
    signal?.addEventListener('abort', cancel, { once: true })
    try {
      const sending = client(request.url, {
        method,
        headers: headersOf(request),
        ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
        agent: isRead ? shared : fresh,
        timeout: {
          lookup: connectTimeoutMs,
          connect: connectTimeoutMs,
          secureConnect: connectTimeoutMs,
          request: timeoutMs,
        },
        signal: cut.signal,
      })
      void sending.on('downloadProgress', ({ transferred }) => {
        if (transferred <= maxAnswerBytes) return
        tooLarge = true
        cut.abort()
      })
      const { statusCode: status, headers, rawBody } = await sending
      return { status, headers: flat(headers), text: Buffer.from(rawBody).toString('utf8') }
    } catch (error) {
      if (signal?.aborted && (isRepeatable(request) || !wasSent(error, request))) signal.throwIfAborted()
      throw lost(error, request, { tooLarge, isCancelled: signal?.aborted === true })
    } finally {
      signal?.removeEventListener('abort', cancel)
    }
  }
}

/** Whether a request may simply be made again after its answer was lost. */
export function isRepeatable({ method, safeToRepeat }: Pick<HttpRequest, 'method' | 'safeToRepeat'>): boolean {
  return safeToRepeat ?? (method === 'GET' || method === 'HEAD')
}

/** The JSON value of an answer; `undefined` when its body is empty or anything but JSON. */
export function jsonOf({ text }: Pick<HttpAnswer, 'text'>): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function headersOf({ service, headers, body, requestId }: HttpRequest): Record<string, string> {
  if (requestId !== undefined && !requestIdForm.test(requestId))
    throw failure('INTERNAL', 'the request id is not req-<uuid> in lower case', { service })
  return {
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...headers,
    ...(requestId !== undefined && { 'x-openstack-request-id': requestId }),
  }
}

/** Builds our failure out of `got`'s, of which only the code and the timings may be read on. */
function lost(error: unknown, request: HttpRequest, { tooLarge = false, isCancelled = false }) {
  if (!(error instanceof RequestError)) {
    const { name } = error as Error
    return codeOf(error)
      ? error
      : failure('INTERNAL', `a request to ${request.service} could not be built: ${name}`, {})
  }
  const { service, method, url, unreachable = 'CLOUD_UNREACHABLE' } = request
  const { origin, pathname: path } = new URL(url)
  const sent = wasSent(error, request)
  const reason = tooLarge ? 'the answer is too large' : isCancelled ? 'cancelled' : error.code
  const details = { service, method, path, reason, sent }

  if (!sent) return failure(unreachable, `${service} at ${origin} could not be reached: ${reason}`, details)
  const what = `the answer of ${service} to ${method} ${path} was lost: ${reason}`
  if (!isRepeatable(request)) return failure('OUTCOME_UNKNOWN', what, details)
  return failure(tooLarge ? 'CLOUD_ANSWER_UNREADABLE' : unreachable, what, details)
}

/** Whether the request may have left: node writes it as soon as the connection, or TLS on it, stands. */
function wasSent(error: unknown, { url }: HttpRequest): boolean {
  if (!(error instanceof RequestError)) return false
  const { timings } = error
  return (url.startsWith('https:') ? timings?.secureConnect : timings?.connect) !== undefined
}

function flat(headers: NodeJS.Dict<string | string[]>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  )
}

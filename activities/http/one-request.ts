import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { LookupFunction } from 'node:net'
import { got, type Method, type Request, RequestError } from 'got'

const connectTimeoutMs = 5_000
const longestWord = 200

// a kept connection may be closing just now, and was checked for somebody else
const agent = { http: new HttpAgent({ keepAlive: false }), https: new HttpsAgent({ keepAlive: false }) }

const client = got.extend({
  retry: { limit: 0 },
  followRedirect: false,
  throwHttpErrors: false,
  decompress: false,
  headers: { 'user-agent': 'steward' },
  https: { rejectUnauthorized: true },
  agent,
})

export interface OneRequest {
  readonly method: Method
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly timeoutMs: number
  /** What is said beyond this is not read. */
  readonly mostAnswerBytes: number
  /** Where the name leads, if that has been found out already. */
  readonly lookup?: LookupFunction
}

export interface Answered {
  readonly status: number
  readonly text: string
  /** There was more, or the rest was lost. */
  readonly cut: boolean
}

export interface Unanswered {
  readonly reason: string
  /** Whether the request may have left. */
  readonly sent: boolean
}

/**
 * One request to whoever is not OpenStack, to the end or not: nothing is repeated here, no redirect is followed, and no
 * `got` error is kept, which would carry its secrets. Once the status is there it counts, whatever becomes of the rest.
 */
export async function sendOnce(request: OneRequest): Promise<Answered | Unanswered> {
  const { method, url, headers, body, timeoutMs, mostAnswerBytes, lookup } = request
  const isRead = method === 'GET' || method === 'HEAD'
  const sending = client.stream(url, {
    ...{ method, headers: { ...headers } },
    // without any, got would wait for one to be written
    ...(!isRead && { body: body ?? '' }),
    ...(lookup && { dnsLookup: lookup }),
    timeout: {
      lookup: connectTimeoutMs,
      connect: connectTimeoutMs,
      secureConnect: connectTimeoutMs,
      request: timeoutMs,
    },
  })
  try {
    const status = await statusOf(sending)
    return { status, ...(await beginningOf(sending, mostAnswerBytes)) }
  } catch (error) {
    const isOfRequest = error instanceof RequestError
    const { connect, secureConnect } = (isOfRequest && error.timings) || {}
    // node writes it as soon as the connection, or TLS on it, stands
    const sent = (url.startsWith('https:') ? secureConnect : connect) !== undefined
    return { reason: isOfRequest ? error.code : (error as Error).name, sent }
  } finally {
    sending.destroy()
  }
}

const statusOf = (sending: Request) =>
  new Promise<number>((resolve, reject) => {
    sending.once('response', ({ statusCode }: { statusCode: number }) => resolve(statusCode))
    // also those of the rest of the answer, which nobody waits for
    sending.on('error', reject)
  })

async function beginningOf(sending: Request, mostBytes: number): Promise<Omit<Answered, 'status'>> {
  const parts: Buffer[] = []
  let bytes = 0
  let cut = false
  try {
    for await (const part of sending) {
      parts.push(part as Buffer)
      bytes += (part as Buffer).length
      if (bytes > mostBytes) break
    }
  } catch {
    // the status has been said
    cut = true
  }
  const whole = Buffer.concat(parts)
  return { text: whole.subarray(0, mostBytes).toString('utf8'), cut: cut || whole.length > mostBytes }
}

/** What somebody says about itself, in one line; nothing when it says what only the two of us know. */
export function wordOf(said: string, secrets: readonly string[]): string {
  if (secrets.some((secret) => said.includes(secret))) return ''
  return said
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
    .slice(0, longestWord)
}

import { got, type Request, RequestError } from 'got'
import { codeOf, failure } from '../../core/errors.ts'
import type { Receiver, ReceiverRequest } from './receiver.ts'

const connectTimeoutMs = 5_000
/** What a receiver says beyond this is not read. */
const mostAnswerBytes = 16 << 10
const longestWord = 200

const client = got.extend({
  method: 'POST',
  retry: { limit: 0 },
  followRedirect: false,
  throwHttpErrors: false,
  decompress: false,
  headers: { 'user-agent': 'steward' },
  https: { rejectUnauthorized: true },
})

/**
 * One POST to a receiver, to the end or not: nothing is repeated here, no redirect is followed, and no `got` error is kept,
 * which would carry the token. Once the status is there it counts, whatever becomes of the rest of the answer.
 *
 * @throws RECEIVER_UNREACHABLE worth a repeat; RECEIVER_REFUSED not
 */
export async function post(
  receiver: Pick<Receiver, 'name' | 'url' | 'token' | 'key'>,
  { headers, body }: ReceiverRequest,
  timeoutMs: number,
): Promise<{ status: number }> {
  const sending = client.stream(receiver.url, {
    ...{ headers, body },
    timeout: {
      lookup: connectTimeoutMs,
      connect: connectTimeoutMs,
      secureConnect: connectTimeoutMs,
      request: timeoutMs,
    },
  })
  try {
    const status = await statusOf(sending)
    return judge(receiver, status, wordOf(await beginningOf(sending), receiver))
  } catch (error) {
    if (codeOf(error)) throw error
    const reason = error instanceof RequestError ? error.code : (error as Error).name
    throw failure('RECEIVER_UNREACHABLE', `${receiver.name} could not be reached: ${reason}`, { reason })
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

async function beginningOf(sending: Request): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  try {
    for await (const part of sending) {
      parts.push(part as Buffer)
      bytes += (part as Buffer).length
      if (bytes > mostAnswerBytes) break
    }
  } catch {
    // the status has been said
  }
  return Buffer.concat(parts).toString('utf8')
}

/** @throws RECEIVER_UNREACHABLE, RECEIVER_REFUSED */
function judge({ name }: Pick<Receiver, 'name'>, status: number, word: string): { status: number } {
  if (status >= 200 && status < 300) return { status }
  const says = `${name} answered ${status}${word === '' ? '' : `: ${word}`}`
  const isPassing = status >= 500 || status === 408 || status === 429
  throw failure(isPassing ? 'RECEIVER_UNREACHABLE' : 'RECEIVER_REFUSED', says, { status })
}

/** What a receiver says about itself, in one line; nothing when it says what only the two of us know. */
function wordOf(said: string, { url, token, key }: Pick<Receiver, 'url' | 'token' | 'key'>): string {
  const { pathname, search } = new URL(url)
  const secrets = [token, key, ...(pathname.length > 1 ? [pathname] : []), search].filter(Boolean) as string[]
  if (secrets.some((secret) => said.includes(secret))) return ''
  return said
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
    .slice(0, longestWord)
}

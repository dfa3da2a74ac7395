import { failure } from '../../core/errors.ts'
import { sendOnce, wordOf } from '../http/one-request.ts'
import type { Receiver, ReceiverRequest } from './receiver.ts'

/** What a receiver says beyond this is not read. */
const mostAnswerBytes = 16 << 10

/**
 * One POST to a receiver, to the end or not.
 *
 * @throws RECEIVER_UNREACHABLE worth a repeat; RECEIVER_REFUSED not
 */
export async function post(
  receiver: Pick<Receiver, 'name' | 'url' | 'token' | 'key'>,
  { headers, body }: ReceiverRequest,
  timeoutMs: number,
): Promise<{ status: number }> {
  const { name, url } = receiver
  const ended = await sendOnce({ method: 'POST', url, headers, body, timeoutMs, mostAnswerBytes })
  if ('reason' in ended) {
    const { reason } = ended
    throw failure('RECEIVER_UNREACHABLE', `${name} could not be reached: ${reason}`, { reason })
  }
  return judge(receiver, ended.status, wordOf(ended.text, secretsOf(receiver)))
}

/** @throws RECEIVER_UNREACHABLE, RECEIVER_REFUSED */
function judge({ name }: Pick<Receiver, 'name'>, status: number, word: string): { status: number } {
  if (status >= 200 && status < 300) return { status }
  const says = `${name} answered ${status}${word === '' ? '' : `: ${word}`}`
  const isPassing = status >= 500 || status === 408 || status === 429
  throw failure(isPassing ? 'RECEIVER_UNREACHABLE' : 'RECEIVER_REFUSED', says, { status })
}

/** An address may be a secret itself. */
function secretsOf({ url, token, key }: Pick<Receiver, 'url' | 'token' | 'key'>): string[] {
  const { pathname, search } = new URL(url)
  return [token, key, ...(pathname.length > 1 ? [pathname] : []), search].filter(
    (one) => one !== undefined && one !== '',
  ) as string[]
}

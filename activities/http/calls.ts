import { Context } from '@temporalio/activity'
import type { Activities } from '../../core/activities.ts'
import { failure } from '../../core/errors.ts'
import {
  type HttpCall,
  type HttpConfig,
  type HttpOutcome,
  isReadingCall,
  isRepeatableCall,
} from '../../core/http-call.ts'
import { withoutSecretFields } from '../../policies/redact.ts'
import type { Brake } from '../brake.ts'
import { type Address, createEgress } from './egress.ts'
import { type Answered, sendOnce, wordOf } from './one-request.ts'
import { readHttpSecret } from './secrets.ts'

const heartbeatMs = 5_000
const mostAnswerBytes = 64 << 10
/** As part of a run's record, which has other things to say as well. */
const mostKeptCharacters = 32 << 10

export interface HttpCallOptions {
  readonly http: HttpConfig
  readonly brake: Brake
  /** Where names lead. @default the system's resolver */
  readonly resolve?: (host: string) => Promise<readonly Address[]>
  /** Longest wait for a whole answer. @default 30 000 */
  readonly timeoutMs?: number
}

/** HTTP calls of runbooks, to anywhere but where they could do harm to this network. */
export function createHttpCallActivities({
  http,
  brake,
  resolve,
  timeoutMs = 30_000,
}: HttpCallOptions): Pick<Activities, 'checkHttpCall' | 'callHttp'> {
  const wayTo = createEgress(http, resolve)

  return {
    /** Sends nothing. @throws ADDRESS_REFUSED, SECRET_UNKNOWN, CONFIG_INVALID; ENDPOINT_UNREACHABLE (retried) */
    async checkHttpCall(call) {
      const { host, addresses } = await wayTo(call.url)
      await readHttpSecret(http, call, host)
      return { host, addresses: addresses.map(({ address }) => address) }
    },

    /**
     * Sends it once. What may not be sent twice ends in OUTCOME_UNKNOWN when its answer is lost.
     *
     * @throws as `checkHttpCall`; STOPPED; ENDPOINT_REFUSED an answer that is not expected; ENDPOINT_UNREACHABLE (retried)
     *   nothing was sent, or what may be repeated was not answered; OUTCOME_UNKNOWN
     */
    async callHttp(call) {
      const beating = setInterval(Context.current().heartbeat, heartbeatMs)
      try {
        const { host, lookup } = await wayTo(call.url)
        const secret = await readHttpSecret(http, call, host)
        if (!isReadingCall(call)) await brake()
        const ended = await sendOnce({
          ...{ method: call.method, url: call.url, lookup, timeoutMs, mostAnswerBytes },
          headers: {
            ...(call.body !== undefined && { 'content-type': 'application/json' }),
            ...call.headers,
            ...(secret && { [secret.header]: secret.shown }),
          },
          ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
        })
        if ('reason' in ended) throw unanswered(call, host, ended)
        const secrets = secret ? [secret.value] : []
        if (!call.expectStatus.includes(ended.status)) throw unexpected(call, host, ended, secrets)
        return outcomeOf(ended, secrets)
      } finally {
        clearInterval(beating)
      }
    },
  }
}

function unanswered(call: HttpCall, host: string, { reason, sent }: { reason: string; sent: boolean }) {
  const details = { host, method: call.method, reason, sent }
  if (!sent) return failure('ENDPOINT_UNREACHABLE', `${host} could not be reached: ${reason}`, details)
  const what = `the answer of ${host} to ${call.method} was lost: ${reason}`
  return failure(isRepeatableCall(call) ? 'ENDPOINT_UNREACHABLE' : 'OUTCOME_UNKNOWN', what, details)
}

function unexpected(call: HttpCall, host: string, { status, text }: Answered, secrets: readonly string[]) {
  const word = wordOf(text, secrets)
  const what = `${host} answered ${status} to ${call.method}${word === '' ? '' : `: ${word}`}`
  const details = { host, method: call.method, status }
  const isPassing = status >= 500 || status === 408 || status === 429
  if (isPassing && isRepeatableCall(call)) return failure('ENDPOINT_UNREACHABLE', what, details)
  // a proxy has lost the answer of whoever is behind it
  if (status === 502 || status === 504) return failure('OUTCOME_UNKNOWN', what, details)
  return failure('ENDPOINT_REFUSED', what, details)
}

function outcomeOf({ status, text, cut }: Answered, secrets: readonly string[]): HttpOutcome {
  if (text === '') return { status }
  if (secrets.some((secret) => text.includes(secret))) return { status, body: '(not kept: it holds the secret)' }
  const json = cut ? undefined : jsonIn(text)
  const body = json === undefined ? text : withoutSecretFields(json, '(not kept)')
  if (!cut && JSON.stringify(body).length <= mostKeptCharacters) return { status, body }
  return { status, body: text.slice(0, mostKeptCharacters / 8), cut: true }
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

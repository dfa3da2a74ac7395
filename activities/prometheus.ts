import { z } from 'zod'
import { codeOf, failure, messageOf } from '../core/errors.ts'
import { serverLabels } from '../core/prometheus.ts'
import { createHttp } from '../openstack/http.ts'

export interface PrometheusOptions {
  readonly url: string
  readonly token?: string
  /** PEM of an authority that is trusted in place of the usual ones. */
  readonly ca?: string
  /** @default 30_000 */
  readonly timeoutMs?: number
}

export interface Prometheus {
  /**
   * Asks for one number for each server, now. Of several for the same one, as while it moves, the largest counts.
   *
   * @throws METRICS_UNREACHABLE worth a repeat; METRICS_REFUSED the query is wrong, or nobody is let in;
   *   SNAPSHOT_INCOMPLETE it says itself that something is missing
   */
  perServer(query: string, signal?: AbortSignal): Promise<Map<string, number>>
  /** Asks for one number, now. Throws as `perServer`; METRICS_REFUSED too when it gives none, or several. */
  number(query: string, signal?: AbortSignal): Promise<number>
}

/** 20,000 servers with their labels come to some 10 MB. */
const mostAnswerBytes = 32 << 20
const longestWord = 300

/** The JSON of `GET /api/v1/query`. @see https://prometheus.io/docs/prometheus/latest/querying/api/ */
const Sample = z.tuple([z.number(), z.string()])
const Vector = z.object({
  resultType: z.literal('vector'),
  result: z.array(z.object({ metric: z.record(z.string(), z.string()), value: Sample })),
})
const Scalar = z.object({ resultType: z.literal('scalar'), result: Sample })
const success = <T extends z.ZodType>(data: T) =>
  z.object({ status: z.literal('success'), data, warnings: z.array(z.string()).optional() })
const Success = success(Vector)
const OneNumber = success(z.discriminatedUnion('resultType', [Vector, Scalar]))
const Failed = z.object({ status: z.literal('error'), errorType: z.string(), error: z.string() })

/** Reads only, from one address only: no redirect is followed. */
export function createPrometheus({ url, token, ca, timeoutMs = 30_000 }: PrometheusOptions): Prometheus {
  const tls = { verify: true, ...(ca !== undefined && { ca }) }
  const http = createHttp({ tls, timeoutMs, maxAnswerBytes: mostAnswerBytes })
  const base = url.replace(/\/+$/, '')

  async function ask(query: string, signal: AbortSignal | undefined) {
    try {
      return await http({
        ...{ service: 'prometheus', method: 'GET', signal },
        url: `${base}/api/v1/query?${new URLSearchParams({ query })}`,
        ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
      })
    } catch (error) {
      if (codeOf(error) === undefined) throw error
      throw failure('METRICS_UNREACHABLE', `Prometheus does not answer: ${messageOf(error)}`)
    }
  }

  async function answer<T extends typeof Success | typeof OneNumber>(
    shape: T,
    query: string,
    signal: AbortSignal | undefined,
  ): Promise<z.output<T>['data']> {
    const { status, text } = await ask(query, signal)
    const body = jsonOf(text)
    const { success: isWell, data: found } = shape.safeParse(body)
    if (status !== 200 || !isWell) throw refusalOf(status, body, token)
    // those who collect from several places say so when one of them did not answer
    if (found.warnings?.length)
      throw failure('SNAPSHOT_INCOMPLETE', `Prometheus warns: ${found.warnings.join('; ').slice(0, longestWord)}`)
    return found.data
  }

  return {
    async perServer(query, signal) {
      const { result } = await answer(Success, query, signal)
      const found = new Map<string, number>()
      for (const { metric, value } of result) {
        const label = serverLabels.find((name) => metric[name])
        const id = label && metric[label]
        const number = Number(value[1])
        if (id && Number.isFinite(number)) found.set(id, Math.max(number, found.get(id) ?? number))
      }
      return found
    },

    async number(query, signal) {
      const data = await answer(OneNumber, query, signal)
      const samples = data.resultType === 'scalar' ? [data.result] : data.result.map(({ value }) => value)
      const number = Number(samples[0]?.[1])
      if (samples.length === 1 && Number.isFinite(number)) return number
      const got = samples.length === 1 ? samples[0]?.[1] : `${samples.length} numbers`
      throw failure('METRICS_REFUSED', `${query.slice(0, longestWord)} gives ${got}, and one number is wanted`)
    },
  }
}

function refusalOf(status: number, body: unknown, token: string | undefined) {
  const { data } = Failed.safeParse(body)
  const word = data ? `: ${data.errorType}: ${data.error.slice(0, longestWord)}` : ''
  const says = `Prometheus answered ${status}${token && word.includes(token) ? '' : word}`
  const isPassing = status >= 500 || status === 408 || status === 429
  return failure(isPassing ? 'METRICS_UNREACHABLE' : 'METRICS_REFUSED', says, { status })
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What it answers: samples as `/api/v1/query` has them, an answer as it stands, or a redirect. */
export type PrometheusAnswer =
  | readonly PrometheusSample[]
  | { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> }

export interface PrometheusSample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: string
}

export interface FakePrometheus {
  readonly url: string
  readonly asked: readonly { readonly path: string; readonly query: string; readonly headers: IncomingHttpHeaders }[]
  /** Queries that hold this text are answered so from now on; later words come first. All others have no result. */
  answer(part: string, answer: PrometheusAnswer): void
  close(): Promise<void>
}

/** A Prometheus on 127.0.0.1, in the JSON of the real one (3.x) as its HTTP API documents it. */
export async function fakePrometheus(): Promise<FakePrometheus> {
  const answers: [part: string, answer: PrometheusAnswer][] = []
  const asked: FakePrometheus['asked'][number][] = []
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://prometheus')
    const query = searchParams.get('query') ?? ''
    asked.push({ path: pathname, query, headers: request.headers })
    const [, answer = []] = answers.find(([part]) => query.includes(part)) ?? []
    const { status, body, headers } = 'status' in answer ? answer : { ...vector(answer), headers: {} }
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body ?? ''))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answer: (part, answer) => void answers.unshift([part, answer]),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A number stands in quotes, a time does not. */
export const vector = (samples: readonly PrometheusSample[], more: object = {}) => ({
  status: 200,
  body: {
    status: 'success',
    data: {
      resultType: 'vector',
      result: samples.map(({ metric, value }) => ({ metric, value: [Date.now() / 1000, value] })),
    },
    ...more,
  },
})

export const queryFailed = (status: number, errorType: string, error: string) => ({
  status,
  body: { status: 'error', errorType, error },
})

import { randomUUID } from 'node:crypto'
import autocannon, { type Options } from 'autocannon'
import Fastify from 'fastify'
import type { ActionView } from '../core/action.ts'
import { createActions } from '../temporal/actions.ts'
import { type BenchEngine, webhookToken } from './engine.ts'
import type { Figure } from './figures.ts'

const seconds = 8
const connections = 10

/** Requests per second of two routes, beside a bare fastify route that does the same JSON work. */
export async function apiRates(engine: BenchEngine): Promise<Figure[]> {
  const action = await makeAction(engine)
  const webhook = JSON.stringify({
    version: '4',
    status: 'firing',
    receiver: 'steward',
    groupKey: 'g',
    truncatedAlerts: 0,
    alerts: [
      {
        status: 'firing',
        labels: { alertname: 'Bench', host: 'busy' },
        annotations: { summary: 'busy' },
        startsAt: new Date().toISOString(),
        endsAt: '0001-01-01T00:00:00Z',
        generatorURL: '',
        fingerprint: 'f0',
      },
    ],
  })
  const bare = Fastify({ logger: false })
  bare.get('/action', () => action)
  bare.post('/webhook', (request) => ({ opened: (request.body as { alerts: unknown[] }).alerts.length }))
  const bareUrl = await bare.listen({ host: '127.0.0.1', port: 0 })
  try {
    const shown = await rate(`${engine.url}/v1/actions/${action.id}`, { headers: { 'x-auth-token': 'stub-token' } })
    const bareShown = await rate(`${bareUrl}/action`, {})
    const post = { method: 'POST' as const, body: webhook }
    const json = { 'content-type': 'application/json' }
    const taken = await rate(`${engine.url}/v1/signals/alertmanager`, {
      ...post,
      headers: { ...json, authorization: `Bearer ${webhookToken}` },
    })
    const bareTaken = await rate(`${bareUrl}/webhook`, { ...post, headers: json })
    return [
      figure('GET /v1/actions/{id}', shown, bareShown),
      figure('POST /v1/signals/alertmanager, the same alert', taken, bareTaken),
    ]
  } finally {
    await bare.close()
  }
}

const figure = (name: string, ours: number, bare: number): Figure => ({
  name,
  unit: 'requests/s',
  ours: { rate: ours },
  beside: { name: 'bare fastify route', figures: { rate: bare } },
  ratio: { rate: ours / bare },
})

async function rate(url: string, options: Partial<Options>): Promise<number> {
  const result = await autocannon({ ...options, url, connections, duration: seconds })
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${url}: ${result.non2xx} answers were not 2xx, ${result.errors} errors`)
  return result.requests.average
}

async function makeAction({ foundation }: BenchEngine): Promise<ActionView> {
  const now = Date.now()
  const view: ActionView = {
    id: randomUUID(),
    name: 'bench',
    state: 'scheduled',
    projectId: 'p1',
    userId: 'u1',
    roles: ['member'],
    call: { service: 'compute', method: 'POST', path: '/servers/x/action', body: { 'os-stop': null } },
    runAt: new Date(now + 3_600_000).toISOString(),
    createdAt: new Date(now).toISOString(),
  }
  await createActions(foundation.client).start({ view, trustId: 't1', maxLatenessMs: 60_000 })
  return view
}

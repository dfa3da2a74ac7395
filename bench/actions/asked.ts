import { randomUUID } from 'node:crypto'
import got from 'got'
import type { BenchEngine } from '../engine.ts'
import { type Figure, p50p99 } from '../figures.ts'
import { inLanes } from '../incidents/in-lanes.ts'
import { costOfEach, costs } from './costs.ts'

const lists = 100

/** Taking actions in by the API, each with a trust and a look ahead, and then listing them; and what that costs. */
export async function asked(engine: BenchEngine, [created = 2_000]: readonly number[] = []): Promise<Figure[]> {
  const headers = { 'x-auth-token': 'stub-token' }
  const serverId = randomUUID()
  engine.cloud.servers = new Set([serverId])
  const before = await costs(engine)
  const { totalMs, each } = await inLanes(created, 8, () =>
    got.post(`${engine.url}/v1/actions`, {
      headers,
      json: { runIn: 'P1D', action: 'server.stop', with: { serverId } },
      retry: { limit: 0 },
    }),
  )
  const after = await costs(engine)
  const ask = (query: string) => got(`${engine.url}/v1/actions?${query}`, { headers, retry: { limit: 0 } })
  const list = async (query: string) => (await inLanes(lists, 1, () => ask(query))).each
  const { nextPage = '' } = await ask('limit=100').json<{ nextPage?: string }>()
  const all = await list('limit=100')
  const second = await list(`limit=100&page=${nextPage}`)
  const filtered = await list('limit=100&state=failed&state=skipped')
  return [
    {
      name: 'actions taken in, 8 at a time',
      unit: 'actions/s',
      ours: { rate: (created * 1000) / totalMs },
      raw: { ours: each },
    },
    {
      name: 'cost of one action taken in, all processes',
      unit: 'CPU-ms',
      ours: costOfEach(before, after, created),
    },
    {
      name: `memory of Steward for each of ${created} sleeping actions`,
      unit: 'KiB',
      ours: { resident: (after.residentBytes - before.residentBytes) / created / 1024 },
      goal: '0 kept by the service itself',
    },
    { name: `GET /v1/actions, ${created} sleeping`, unit: 'ms', ours: p50p99(all), raw: { ours: all } },
    {
      name: `GET /v1/actions, the second page of ${created}`,
      unit: 'ms',
      ours: p50p99(second),
      raw: { ours: second },
    },
    {
      name: `GET /v1/actions, those that failed, of ${created}`,
      unit: 'ms',
      ours: p50p99(filtered),
      raw: { ours: filtered },
    },
  ]
}

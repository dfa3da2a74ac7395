import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import got from 'got'
import type { BenchEngine } from '../engine.ts'
import { type Figure, p50p99 } from '../figures.ts'
import { inLanes } from '../incidents/in-lanes.ts'

const created = 2_000
const lists = 300

/** Taking actions in by the API, each with a trust and a look ahead, and then listing them; and what that costs. */
export async function asked(engine: BenchEngine): Promise<Figure[]> {
  const headers = { 'x-auth-token': 'stub-token' }
  const before = await costs(engine)
  const { totalMs, each } = await inLanes(created, 8, () =>
    got.post(`${engine.url}/v1/actions`, {
      headers,
      json: { runIn: 'P1D', action: 'server.stop', with: { serverId: randomUUID() } },
      retry: { limit: 0 },
    }),
  )
  const after = await costs(engine)
  const list = async (query: string) =>
    (await inLanes(lists, 1, () => got(`${engine.url}/v1/actions?${query}`, { headers, retry: { limit: 0 } }))).each
  const [all, filtered] = [await list('limit=100'), await list('limit=100&state=failed&state=skipped')]
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
      ours: {
        steward: (after.ourMs - before.ourMs) / created,
        temporal: (after.temporalMs - before.temporalMs) / created,
      },
    },
    {
      name: 'memory of Steward for each sleeping action',
      unit: 'KiB',
      ours: { resident: (after.residentBytes - before.residentBytes) / created / 1024 },
      goal: '0 kept by the service itself',
    },
    { name: `GET /v1/actions, ${created} sleeping`, unit: 'ms', ours: p50p99(all), raw: { ours: all } },
    {
      name: `GET /v1/actions, those that failed, of ${created}`,
      unit: 'ms',
      ours: p50p99(filtered),
      raw: { ours: filtered },
    },
  ]
}

async function costs({ temporalPid }: BenchEngine) {
  globalThis.gc?.()
  const { user, system } = process.cpuUsage()
  const fields = (await readFile(`/proc/${temporalPid}/stat`, 'utf8')).split(' ')
  // ticks of 10 ms
  const temporalMs = (Number(fields[13]) + Number(fields[14])) * 10
  return { ourMs: (user + system) / 1000, temporalMs, residentBytes: process.memoryUsage().rss }
}

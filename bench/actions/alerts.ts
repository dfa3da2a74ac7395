import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { attributes } from '../../core/search-attributes.ts'
import type { BenchEngine } from '../engine.ts'
import { type Figure, p50p99, ratioOf } from '../figures.ts'
import { inLanes } from '../incidents/in-lanes.ts'
import { measureAlert } from '../latency.ts'
import { startOurs } from './together.ts'

const idleRounds = 40
const longestMs = 100_000

/** From an alert to its first OpenStack call while many actions are due, beside the same on the idle engine. */
export async function alerts(engine: BenchEngine, [count = 1000]: readonly number[] = []): Promise<Figure[]> {
  let round = 0
  const next = async () => {
    const { total } = await measureAlert(engine, round++)
    await sleep(300)
    return total
  }
  for (let warm = 0; warm < 5; warm++) await next()
  const idle: number[] = []
  while (idle.length < idleRounds) idle.push(await next())

  const warm = await inLanes(40, 8, () => startOurs(engine, `/servers/${randomUUID()}/action`, Date.now() + 3_600_000))
  const dueMs = Date.now() + 3_000 + 3 * count * (warm.totalMs / 40)
  await inLanes(count, 8, () => startOurs(engine, `/servers/${randomUUID()}/action`, dueMs))
  if (Date.now() > dueMs) throw new Error('they were due before all were taken in: the machine is too busy')
  await sleep(dueMs - Date.now())
  const busy: number[] = []
  const { client } = engine.foundation
  const endMs = Date.now() + longestMs
  do busy.push(await next())
  while (Date.now() < endMs && (await client.workflow.count(`${attributes.state.name} = 'running'`)).count > 0)
  return [
    {
      name: `alert arrives → first OpenStack call of the runbook, while ${count} actions are due`,
      unit: 'ms',
      ours: { ...p50p99(busy), alerts: busy.length },
      beside: { name: 'the same, idle', figures: p50p99(idle) },
      ratio: ratioOf(p50p99(busy), p50p99(idle)),
      goal: 'p99 ≤ 3×',
      raw: { ours: busy, beside: idle },
    },
  ]
}

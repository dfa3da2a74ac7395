import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ActionView } from '../../core/action.ts'
import { createActions } from '../../temporal/actions.ts'
import type { BenchEngine } from '../engine.ts'
import { type Figure, p50p99 } from '../figures.ts'
import { latenessOf, noteArrivals } from './arrivals.ts'

const kinds = [
  { action: 'server.reboot', what: 'calls that must not be repeated', goalMs: 8_000 },
  { action: 'server.lock', what: 'safe calls, each looked at first', goalMs: 3_000 },
]

/** One action on many servers: from its due time to the last call. The wait for their ends is not in it. */
export async function groups(engine: BenchEngine): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const { action, what, goalMs } of kinds)
    for (const count of [1000, 10_000]) {
      const late = await oneGroup(engine, action, count)
      figures.push({
        name: `group of ${count}, ${what}: lateness`,
        unit: 'ms',
        ours: { ...p50p99(late), max: Math.max(...late) },
        ...(count === 1000 && { goal: `max ≤ ${goalMs}` }),
        raw: { ours: late },
      })
    }
  return figures
}

async function oneGroup(engine: BenchEngine, action: string, count: number): Promise<number[]> {
  const { client } = engine.foundation
  const arrivals = noteArrivals(engine, '/action')
  const ids = Array.from({ length: count }, () => randomUUID())
  const dueMs = Date.now() + 3_000
  const view: ActionView = {
    ...{ id: randomUUID(), state: 'scheduled', projectId: 'p1', userId: 'u1', roles: ['member'] },
    ...{ action, with: {}, targets: { ids } },
    ...{ runAt: new Date(dueMs).toISOString(), createdAt: new Date().toISOString() },
  }
  await createActions(client).start({ view, trustId: 't1', maxLatenessMs: 3_600_000 })
  await arrivals.all(count, 300_000)
  await sleep(2_000)
  arrivals.stop()
  // the stub has no server whose end could be seen
  await client.workflow
    .getHandle(`action/${view.id}`)
    .terminate('measured')
    .catch(() => undefined)
  return latenessOf(arrivals, dueMs)
}

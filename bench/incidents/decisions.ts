import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf } from '../../core/errors.ts'
import { GovernorConfig, type LeaseRequest } from '../../core/governor.ts'
import { createGovernor } from '../../temporal/governor.ts'
import { bareQueue } from '../bare/worker.ts'
import { echo, echoes, holder } from '../bare/workflows.ts'
import type { BenchEngine } from '../engine.ts'
import { type Figure, p50p99, ratioOf } from '../figures.ts'
import { inLanes } from './in-lanes.ts'

const held = 1000
const rounds = 200
const lanes = 16

/** Decisions of the governor while it holds a thousand leases, beside an update that a workflow only echoes. */
export async function decisions(engine: BenchEngine): Promise<Figure[]> {
  const { client } = engine.foundation
  const config = GovernorConfig.parse({ mode: 'auto', budgets: { project: { atOnce: 1000, perHour: 100_000 } } })
  const governor = createGovernor(client, config, { workflowId: 'governor-bench' })
  await governor.configure()
  const holding = await client.workflow.start(holder, { taskQueue: bareQueue, workflowId: 'holder-bench' })
  const ids = Array.from({ length: held }, () => randomUUID())
  const startedMs = performance.now()
  await inLanes(held, lanes, (n) =>
    untilTaken(() => governor.request(requestOf(ids[n] ?? '', 'action', { workflowId: 'holder-bench' }))),
  )
  const rate = (held * 1000) / (performance.now() - startedMs)

  const bareHandle = await client.workflow.start(echoes, { taskQueue: bareQueue, workflowId: 'echoes-bench' })
  const ours: number[] = []
  const other: number[] = []
  for (let round = 0; round < rounds; round++) {
    const request = requestOf(randomUUID(), 'person', {})
    ours.push(await timed(() => governor.hold(request)))
    await governor.release(request.id, { userId: 'bench', name: 'the benchmark' })
    other.push(await timed(() => bareHandle.executeUpdate(echo, { args: [round] })))
  }
  const { totalMs } = await inLanes(rounds, 4, async (n) => {
    await bareHandle.executeUpdate(echo, { args: [n] })
  })
  await inLanes(held, lanes, (n) => untilTaken(() => governor.giveBack(ids[n] ?? '')))
  await Promise.all([holding.terminate(), bareHandle.terminate()])
  const bareRate = (rounds * 1000) / totalMs
  return [
    {
      name: `decisions of the governor, ${held} requests at once`,
      unit: 'decisions/s',
      ours: { rate },
      beside: { name: 'bare updates, 4 at a time', figures: { rate: bareRate } },
      ratio: { rate: rate / bareRate },
    },
    {
      name: `one decision of the governor with ${held} leases held`,
      unit: 'ms',
      ours: p50p99(ours),
      beside: { name: 'bare update', figures: p50p99(other) },
      ratio: ratioOf(p50p99(ours), p50p99(other)),
      raw: { ours, beside: other },
    },
  ]
}

/** The engine says "not now" to a workflow that gets too much at once; the activity tries again, and so do we. */
async function untilTaken<T>(once: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await once()
    } catch (error) {
      if (codeOf(error) !== 'ENGINE_UNREACHABLE') throw error
      await sleep(250)
    }
  }
}

async function timed(once: () => Promise<unknown>): Promise<number> {
  const begunMs = performance.now()
  await once()
  return performance.now() - begunMs
}

function requestOf(id: string, requester: 'person' | 'action', holder: LeaseRequest['holder']): LeaseRequest {
  const now = Date.now()
  return {
    id,
    holder,
    requester,
    by: 'bench',
    why: 'bench',
    runbook: requester === 'person' ? 'hold' : 'action',
    targets: [`server/${id}`],
    within: ['project/bench'],
    risk: 'move',
    requestedAt: new Date(now).toISOString(),
    waitUntil: new Date(now + 60_000).toISOString(),
    expectedMs: 600_000,
  }
}

import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { failure } from '../../core/errors.ts'
import type { Verdict } from '../../core/governor.ts'
import { until, untilState, useWorker } from './engine.ts'
import { gaugePolicy, openIncident } from './incident-bench.ts'

const bench = useWorker()

it('leaves within seconds although nobody answers for the governor, and the next worker goes on', async () => {
  const taskQueue = `leaving-${randomUUID()}`
  const governor: { isThere: boolean } = { isThere: false }
  const verdict: Verdict = { requestId: 'r', says: 'observe', at: '', rulings: [], reason: 'it only watches' }
  const cloud = bench.cloud({
    planRelief: { moves: [], skipped: [], before: 0.9, after: 0.7 },
    consultGovernor: () => {
      if (governor.isThere) return verdict
      throw failure('ENGINE_UNREACHABLE', 'Temporal does not answer')
    },
  })
  const stop = await bench.startWorker(taskQueue)
  const handle = await openIncident({ ...bench, client: bench.client, taskQueue }, cloud, gaugePolicy())
  await until(() => cloud.inputs('consultGovernor').length >= 2, true)
  const leftWithin = Promise.race([
    stop().then(() => 'left'),
    new Promise((resolve) => setTimeout(resolve, 15_000, 'still there')),
  ])
  expect(await leftWithin).toBe('left')
  const again = await bench.startWorker(taskQueue)
  governor.isThere = true
  await untilState(handle, 'observing')
  await handle.terminate('seen')
  await again()
})

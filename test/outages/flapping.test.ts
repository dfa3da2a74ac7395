import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, vi } from 'vitest'
import { taskQueues } from '../../core/task-queues.ts'
import { recentFirings } from '../../temporal/incident-desk.ts'
import { createIncidentList } from '../../temporal/incident-list.ts'
import { createIncidents } from '../../temporal/incidents.ts'
import { useWorker } from '../workflows/engine.ts'
import { alertOf, configOf, gaugePolicy } from '../workflows/incident-bench.ts'

const bench = useWorker(taskQueues.remediation, undefined, [taskQueues.runs])
const policy = gaugePolicy()

it('an alert that comes and goes every 20 s for ten minutes, here in one twentieth of that, is soon only watched', {
  timeout: 180_000,
}, async () => {
  const cloud = bench.cloud({
    planRelief: { moves: [], skipped: [], before: 0.5, after: 0.5 },
    recallFirings: (input) => recentFirings(bench.client, input),
  })
  const config = configOf(policy)
  const governor = { ...config.governor, flap: { firings: 3, withinSeconds: 45 } }
  const incidents = createIncidents(bench.client, { ...config, governor })
  for (let turn = 0; turn < 30; turn++) {
    const alert = alertOf(policy, cloud, { key: `start ${turn}`, startsAt: new Date().toISOString() })
    await incidents.report(alert)
    await sleep(500)
    await incidents.report({ ...alert, status: 'resolved' })
    await sleep(500)
  }
  const all = () => createIncidentList(bench.client).list(100, { host: cloud.host })
  const open = async () => (await all()).filter(({ endedAt }) => endedAt === undefined)
  await vi.waitFor(async () => expect(await open()).toEqual([]), { timeout: 90_000, interval: 1000 })
  const [last, ...earlier] = await all()
  expect(last).toMatchObject({ state: 'closed', runs: [], reason: { code: 'FLAPPING' } })
  // twice; on a busy machine the engine's list of incidents may be a turn behind
  expect(cloud.inputs('requestLease').length).toBeLessThanOrEqual(3)
  expect(earlier.length).toBeLessThanOrEqual(3)
  expect((last?.signals ?? 0) + earlier.reduce((sum, { signals }) => sum + signals, 0)).toBe(60)
})

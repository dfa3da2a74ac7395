import { setTimeout as sleep } from 'node:timers/promises'
import got from 'got'
import { bareQueue } from '../bare/worker.ts'
import { bare } from '../bare/workflows.ts'
import { type BenchEngine, webhookToken } from '../engine.ts'
import type { Figure } from '../figures.ts'
import { inLanes } from './in-lanes.ts'

const alertsInStorm = 1000
const sustained = 300
/** As many as the intake works on at a time. */
const lanes = 16

/**
 * How many incidents a second are opened and come to an end, in a stream and in a storm, beside as many bare workflows
 * with one activity on the same engine. The stub cloud knows none of the hosts, so every incident plans and asks people.
 */
export async function storms(engine: BenchEngine): Promise<Figure[]> {
  const bareStream = await bareWorkflows(engine, 'stream', sustained)
  const stream = await inLanes(sustained, lanes, async (n) => {
    await deliver(engine, [alertOn(`stream-${n}`)])
    await escalated(engine, `stream-${n}`)
  })
  await settle()
  const bareStorm = await bareWorkflows(engine, 'storm', alertsInStorm)
  await settle()
  const startedMs = performance.now()
  await deliver(
    engine,
    Array.from({ length: alertsInStorm }, (_, n) => alertOn(`storm-${n}`)),
  )
  const takenMs = performance.now() - startedMs
  await inLanes(alertsInStorm, lanes, (n) => escalated(engine, `storm-${n}`))
  const settledMs = performance.now() - startedMs
  return [
    compare('incidents to their end, a steady stream', sustained / stream.totalMs, sustained / bareStream.totalMs),
    compare(
      `storm of ${alertsInStorm} alerts, taken in durably`,
      alertsInStorm / takenMs,
      alertsInStorm / bareStorm.startedMs,
    ),
    compare(
      `storm of ${alertsInStorm} alerts, all incidents to their end`,
      alertsInStorm / settledMs,
      alertsInStorm / bareStorm.totalMs,
    ),
  ]
}

const settle = () => sleep(3_000)

const compare = (name: string, ours: number, other: number): Figure => ({
  name,
  unit: 'incidents/s',
  ours: { rate: ours * 1000 },
  beside: { name: 'bare workflows, one activity', figures: { rate: other * 1000 } },
  ratio: { rate: ours / other },
})

async function bareWorkflows({ foundation }: BenchEngine, kind: string, count: number) {
  const beganMs = performance.now()
  if (kind === 'stream') {
    const { totalMs } = await inLanes(count, lanes, (n) =>
      foundation.client.workflow.execute(bare, { taskQueue: bareQueue, workflowId: `bare-${kind}-${n}`, args: [n] }),
    )
    return { startedMs: totalMs, totalMs }
  }
  const { totalMs: startedMs } = await inLanes(count, lanes, (n) =>
    foundation.client.workflow.start(bare, { taskQueue: bareQueue, workflowId: `bare-${kind}-${n}`, args: [n] }),
  )
  await inLanes(count, lanes, (n) => foundation.client.workflow.getHandle(`bare-${kind}-${n}`).result())
  return { startedMs, totalMs: performance.now() - beganMs }
}

const alertOn = (host: string) => ({
  status: 'firing',
  labels: { alertname: 'Bench', host },
  annotations: { summary: `${host} is busy` },
  startsAt: new Date().toISOString(),
  endsAt: '0001-01-01T00:00:00Z',
  generatorURL: '',
  fingerprint: `f-${host}`,
})

async function deliver({ url }: BenchEngine, alerts: object[]): Promise<void> {
  const answer = await got
    .post(`${url}/v1/signals/alertmanager`, {
      json: { version: '4', status: 'firing', receiver: 'x', groupKey: 'x', truncatedAlerts: 0, alerts },
      headers: { authorization: `Bearer ${webhookToken}` },
      retry: { limit: 0 },
    })
    .json<{ opened: number }>()
  if (answer.opened !== alerts.length) throw new Error(`${alerts.length} alerts opened ${answer.opened} incidents`)
}

/** Until people are needed: nobody knows the host. It may stay open and watch its signal after that. */
async function escalated({ foundation }: BenchEngine, host: string): Promise<void> {
  const handle = foundation.client.workflow.getHandle(`incident/burst/${host}`)
  for (const endMs = Date.now() + 120_000; Date.now() < endMs; await sleep(50)) {
    const { memo, status } = await handle.describe()
    if (status.name !== 'RUNNING' || (memo?.view as { state?: string } | undefined)?.state === 'escalated') return
  }
  throw new Error(`the incident on ${host} did not come to an end`)
}

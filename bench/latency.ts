import { setTimeout as sleep } from 'node:timers/promises'
import got from 'got'
import { bareQueue, startBareWorker } from './bare/worker.ts'
import { bare } from './bare/workflows.ts'
import { type BenchEngine, webhookToken } from './engine.ts'
import { type Figure, p50p99, ratioOf } from './figures.ts'

const rounds = 60
const warmUp = 10

/**
 * From the arrival of an alert at the API to the first OpenStack call of its runbook, beside a bare workflow with one
 * activity from start to that activity; alternating, on the same engine, with the same encryption.
 */
export async function latency(engine: BenchEngine): Promise<Figure[]> {
  const bareRun = await startBare(engine)
  const ours: number[] = []
  const fromAccepted: number[] = []
  const others: number[] = []
  try {
    for (let round = 0; round < warmUp + rounds; round++) {
      await settle()
      const other = await bareRun.measure(round)
      await settle()
      const { total, afterAccepted } = await measureAlert(engine, round)
      if (round < warmUp) continue
      others.push(other)
      ours.push(total)
      fromAccepted.push(afterAccepted)
    }
  } finally {
    await bareRun.stop()
  }
  const figures = p50p99(ours)
  const beside = p50p99(others)
  return [
    {
      name: 'alert arrives → first OpenStack call of the runbook',
      unit: 'ms',
      ours: figures,
      beside: { name: 'bare workflow, one activity', figures: beside },
      ratio: ratioOf(figures, beside),
      raw: { ours, beside: others },
    },
    {
      name: 'alert accepted (200 sent) → first OpenStack call of the runbook',
      unit: 'ms',
      ours: p50p99(fromAccepted),
      beside: { name: 'bare workflow, one activity', figures: beside },
      ratio: ratioOf(p50p99(fromAccepted), beside),
      goal: 'ratio ≤ 1.5',
      raw: { ours: fromAccepted },
    },
  ]
}

/** The engine goes on writing for a while after a workflow has ended; an alert at night finds it idle. */
const settle = () => sleep(400)

/** One alert on a host of its own. Calls of actions that are due meanwhile are none of its. */
export async function measureAlert({ cloud, url, foundation }: BenchEngine, round: number) {
  const alert = {
    status: 'firing',
    labels: { alertname: 'Bench', host: `bench-${round}` },
    annotations: {},
    startsAt: new Date().toISOString(),
    endsAt: '0001-01-01T00:00:00Z',
    generatorURL: '',
    fingerprint: `f${round}`,
  }
  const called = new Promise<number>((resolve, reject) => {
    cloud.onCall = (path, atMs) => {
      if (!path.endsWith('/action')) resolve(atMs)
    }
    setTimeout(() => reject(new Error('no call came within 20 s of the alert')), 20_000).unref()
  })
  const sentMs = performance.now()
  const accepted = got
    .post(`${url}/v1/signals/alertmanager`, {
      json: { version: '4', status: 'firing', receiver: 'x', groupKey: 'x', truncatedAlerts: 0, alerts: [alert] },
      headers: { authorization: `Bearer ${webhookToken}` },
      retry: { limit: 0 },
    })
    .then(() => performance.now())
  const [calledMs, acceptedMs] = await Promise.all([called, accepted])
  cloud.onCall = () => undefined
  // the incident asks people (the stub has no such host); nothing of it may run into the next round
  const handle = foundation.client.workflow.getHandle(`incident/burst/bench-${round}`)
  while (((await handle.describe()).memo?.view as { state?: string } | undefined)?.state !== 'escalated')
    await sleep(50)
  await handle.terminate('measured')
  return { total: calledMs - sentMs, afterAccepted: Math.max(0, calledMs - acceptedMs) }
}

async function startBare(engine: BenchEngine) {
  const { client } = engine.foundation
  const waiting = new Map<number, (atMs: number) => void>()
  const worker = await startBareWorker(engine, async (id) => {
    waiting.get(id)?.(performance.now())
  })
  return {
    async measure(id: number): Promise<number> {
      const touched = new Promise<number>((resolve) => waiting.set(id, resolve))
      const startMs = performance.now()
      const handle = await client.workflow.start(bare, { taskQueue: bareQueue, workflowId: `bare-${id}`, args: [id] })
      const touchedMs = await touched
      await handle.result()
      return touchedMs - startMs
    },
    stop: worker.stop,
  }
}

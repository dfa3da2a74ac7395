import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import got from 'got'
import type { ActionView } from '../../core/action.ts'
import { createActions } from '../../temporal/actions.ts'
import type { BenchEngine } from '../engine.ts'
import { type Figure, p50p99 } from '../figures.ts'
import { inLanes } from './in-lanes.ts'

/** All of them together stay below what a project may have done in an hour. */
const rounds = 8
/** A stream of due calls, all through the round. */
const actionsPerSecond = 20
const roundMs = 6_000
const pressAfterMs = 2_500
const scheduledAheadMs = 6_000
/** What was held up by the button is given up after that, and not carried into the next round. */
const maxLatenessMs = 5_000

/** From the answer to `POST /v1/stop` to the arrival of the last call that was begun after all, while many fall due. */
export async function stopButton(engine: BenchEngine): Promise<Figure[]> {
  const afterMs: number[] = []
  const callsAfter: number[] = []
  for (let round = 0; round < rounds; round++) {
    const arrivals: number[] = []
    engine.cloud.onCall = (path, atMs) => {
      if (path.endsWith('/action')) arrivals.push(atMs)
    }
    const begunMs = Date.now() + scheduledAheadMs
    await inLanes((roundMs / 1000) * actionsPerSecond, 8, (n) =>
      schedule(engine, begunMs + (n * 1000) / actionsPerSecond),
    )
    await sleep(Math.max(0, begunMs + pressAfterMs - Date.now()))
    await press(engine)
    const answeredMs = performance.now()
    if (!arrivals.some((atMs) => atMs < answeredMs))
      throw new Error('nothing was under way when the button was pressed')
    await sleep(Math.max(0, begunMs + roundMs - Date.now()))
    const late = arrivals.filter((atMs) => atMs > answeredMs)
    callsAfter.push(late.length)
    afterMs.push(Math.max(0, ...late.map((atMs) => atMs - answeredMs)))
    // the one token of the stub is a trust's, and a trust must not resume
    await engine.foundation.stop.resume({ by: 'bench', userId: 'u1', why: 'bench' })
    await sleep(maxLatenessMs)
  }
  engine.cloud.onCall = () => undefined
  return [
    {
      name: `stop button acknowledged → last call begun, ${actionsPerSecond} due a second`,
      unit: 'ms',
      ours: { ...p50p99(afterMs), max: Math.max(...afterMs) },
      goal: '≤ 5,000',
      raw: { ours: afterMs, callsAfter },
    },
  ]
}

async function press({ url }: BenchEngine): Promise<void> {
  const { statusCode, body } = await got.post(`${url}/v1/stop`, {
    json: { why: 'bench' },
    headers: { 'x-auth-token': 'stub-token' },
    throwHttpErrors: false,
    retry: { limit: 0 },
  })
  if (statusCode !== 200) throw new Error(`the stop button answered ${statusCode}: ${body}`)
}

async function schedule({ foundation }: BenchEngine, dueMs: number): Promise<void> {
  const view: ActionView = {
    id: randomUUID(),
    state: 'scheduled',
    projectId: 'p1',
    userId: 'u1',
    roles: ['member'],
    call: { service: 'compute', method: 'POST', path: `/servers/${randomUUID()}/action`, body: { 'os-stop': null } },
    runAt: new Date(dueMs).toISOString(),
    createdAt: new Date().toISOString(),
  }
  await createActions(foundation.client).start({ view, trustId: 't1', maxLatenessMs })
}

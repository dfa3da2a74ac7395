import { describe, expect, it } from 'vitest'
import { observe } from '../../workflows/incident/incident.ts'
import { useWorker } from './engine.ts'
import {
  alertOf,
  binaryPolicy,
  brakes,
  followTo,
  gaugePolicy,
  openIncident,
  order,
  service,
  texts,
} from './incident-bench.ts'
import type { Script } from './scripted.ts'

const bench = useWorker()
const noMove = { moves: [], skipped: [], before: 0.5, after: 0.5 }
const flap = { firings: 3, withinSeconds: 2 }

async function incidentOf(script: Script, withinSeconds = 2) {
  const cloud = bench.cloud({ planRelief: noMove, ...script })
  const policy = gaugePolicy()
  const handle = await openIncident(
    bench,
    cloud,
    policy,
    {},
    { governor: { ...brakes, flap: { ...flap, withinSeconds } } },
  )
  const say = (status: 'firing' | 'resolved', more = {}) =>
    handle.signal(observe, alertOf(policy, cloud, { status, ...more }))
  return { cloud, policy, handle, say }
}

describe.concurrent('an alert that comes and goes', () => {
  it('is watched and not acted upon, and closes when it has been quiet for long enough', async () => {
    const { cloud, handle, say } = await incidentOf({ recallFirings: { firings: 3 } })
    const sentence = 'flapping: it fired 3 times within 2 s, 3 are too many'
    expect(await followTo(handle, 'flapping')).toMatchObject({
      reason: { code: 'FLAPPING', detail: sentence },
      runs: [],
    })
    expect(cloud.inputs('recallFirings')).toEqual([
      { policy: 'host-hot', entity: { host: cloud.host }, withinSeconds: 2 },
    ])
    await say('resolved')
    await say('firing', { key: 'again' })
    await say('resolved', { key: 'again' })
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'closed', signals: 4, reason: { code: 'FLAPPING' } })
    expect(view.reason?.detail).toBe(`${sentence}; quiet for 2 s`)
    expect(Date.parse(view.endedAt ?? '') - Date.parse(view.recoveredAt ?? '')).toBeGreaterThanOrEqual(2000)
    expect(cloud.names()).toEqual([])
  })

  it('is seen to do so also when all of its firings joined one incident', async () => {
    const cloud = bench.cloud({ lookAtService: service('down') })
    const policy = binaryPolicy({ confirmAfterSeconds: 1 })
    const handle = await openIncident(
      bench,
      cloud,
      policy,
      {},
      { governor: { ...brakes, flap: { ...flap, withinSeconds: 60 } } },
    )
    for (const key of ['second', 'third', 'third']) await handle.signal(observe, alertOf(policy, cloud, { key }))
    expect(await followTo(handle, 'flapping')).toMatchObject({
      reason: { code: 'FLAPPING', detail: 'flapping: it fired 3 times within 60 s, 3 are too many' },
    })
    expect(cloud.names()).toEqual(['lookAtService'])
  })

  it('is acted upon when it has fired less often than that', async () => {
    const { cloud, handle } = await incidentOf({ recallFirings: { firings: 2 } })
    await followTo(handle, 'verifying')
    expect(cloud.names()).toEqual(['planRelief'])
  })

  it('is acted upon when a person says so: what was before does not count any more', async () => {
    const { cloud, handle } = await incidentOf({ recallFirings: [{ firings: 5 }, { firings: 1 }] }, 900)
    await followTo(handle, 'flapping')
    await order(handle, 'hand-back', 'olga', { why: 'it is real' })
    const view = await followTo(handle, 'verifying')
    expect(texts(view)).toContain('olga has handed it back: it is real')
    const [before = 0, after = 0] = cloud.inputs('recallFirings').map((input) => input.withinSeconds)
    expect(before).toBe(900)
    expect(after).toBeLessThan(100)
  })
})

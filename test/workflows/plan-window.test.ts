import { describe, expect, it } from 'vitest'
import { whileBeating } from '../../activities/beating.ts'
import type { Move } from '../../core/plan.ts'
import { until, useWorker } from './engine.ts'
import type { ModelCloud } from './plan-bench.ts'
import { askFor, modelCloud, modelOf, planIn } from './plan-bench.ts'
import { gate, type Script, tellHolder, verdict } from './scripted.ts'

const bench = useWorker()

/** A plan of two waves that nobody is asked about, and whose waves begin within so many seconds. */
async function plan(seconds: number, script: (world: ModelCloud) => Script = () => ({})) {
  const first = bench.cloud({})
  const world = modelCloud(bench, modelOf(first))
  const cloud = bench.cloud({ ...world, ...script(world) }, first.host)
  const closesMs = Date.now() + seconds * 1000
  const handle = await askFor(bench, cloud, { approve: 'auto', beginBy: new Date(closesMs).toISOString() })
  return { cloud, world, handle, untilClosed: () => until(() => Date.now() > closesMs + 100, true) }
}

describe.concurrent('a plan with a window', () => {
  it('is carried out whole when its waves begin in time', async () => {
    const { cloud, handle } = await plan(600)
    expect(await handle.result()).toMatchObject({ state: 'done', answers: [], waves: [{ moved: 1 }, { moved: 1 }] })
    expect(cloud.inputs('requestLease')[0]?.request).not.toHaveProperty('approval')
  })

  it('finishes the wave that is at work when it closes, and begins no other', async () => {
    const moving = gate()
    const { cloud, world, handle, untilClosed } = await plan(20, ({ liveMigrate }) => ({
      liveMigrate: (move) =>
        whileBeating(async () => {
          await moving.opened
          return (liveMigrate as (given: Move) => never)(move)
        }),
    }))
    await until(() => cloud.inputs('liveMigrate').length, 1)
    await untilClosed()
    moving.open()
    const { state, reason, waves } = await handle.result()
    expect([state, reason]).toEqual([
      'stopped',
      { code: 'WINDOW_CLOSED', detail: expect.stringMatching(/^window closed at .*: wave 2 of 2: not begun$/) },
    ])
    expect(waves.map((wave) => [wave.state, wave.moved])).toEqual([
      ['done', 1],
      ['waiting', 0],
    ])
    expect([cloud.inputs('liveMigrate').length, world.disabled.size]).toEqual([1, 0])
  })

  it('begins no wave whose lease came after it had closed', async () => {
    const { cloud, world, handle, untilClosed } = await plan(15, () => ({
      requestLease: ({ request }) => verdict(request, { says: 'wait', reason: 'the host is held' }),
    }))
    await until(() => cloud.inputs('requestLease').length, 1)
    const [{ request } = { request: undefined }] = cloud.inputs('requestLease')
    expect(Date.parse(request?.waitUntil ?? '')).toBeLessThan(Date.now() + 16_000)
    await untilClosed()
    if (request) await tellHolder(bench.client, request)
    expect(await handle.result()).toMatchObject({ state: 'stopped', reason: { code: 'WINDOW_CLOSED' } })
    expect([cloud.inputs('liveMigrate'), cloud.inputs('disableHost'), world.disabled.size]).toEqual([[], [], 0])
  })

  it('that closes before anybody has answered expires', async () => {
    const first = bench.cloud({})
    const world = modelCloud(bench, modelOf(first))
    bench.cloud({ ...world }, first.host)
    const beginBy = new Date(Date.now() + 12_000).toISOString()
    const handle = await askFor(bench, first, { approve: 'ask', beginBy })
    expect((await planIn(handle, 'proposed')).answerBy).toBe(beginBy)
    expect(await handle.result()).toMatchObject({ state: 'expired' })
  })
})

import { describe, expect, it } from 'vitest'
import type { ActionView } from '../../core/action.ts'
import { failure } from '../../core/errors.ts'
import type { TargetOutcome } from '../../core/group.ts'
import { type ActionOptions, actionOf, startAction } from './action-bench.ts'
import { listedState, useWorker, viewOf } from './engine.ts'
import type { Script } from './scripted.ts'

const bench = useWorker()
const serverId = (n: number) => `5c7d0f3e-8a1b-4c2d-9e3f-${String(n).padStart(12, '0')}`
const servers = (count: number) => Array.from({ length: count }, (_, n) => serverId(n))
type Asked = { ids: readonly string[] }
/** All that is asked for comes to the same. */
const all =
  (more: Omit<Partial<TargetOutcome>, 'id'> = {}) =>
  ({ ids }: Asked): TargetOutcome[] =>
    ids.map((id) => ({ id, outcome: 'done', ...more }))

async function onMany(script: Script, targets: ActionView['targets'], options: ActionOptions = {}) {
  const cloud = bench.cloud({ deleteTrust: undefined, ...script })
  const { maxLatenessMs = 60_000 } = options
  const { call: _none, ...view } = actionOf(cloud.trust('a'), options).view
  const work = { action: 'server.stop', with: {}, targets }
  const handle = await startAction(bench, { trustId: cloud.trust('a'), maxLatenessMs, view: { ...view, ...work } })
  const ended = await handle.result()
  expect(await viewOf(handle)).toEqual(ended)
  expect(await listedState(handle)).toBe(ended.state)
  return { view: ended, cloud, asked: cloud.inputs('performMany').map(({ ids }) => ids) }
}

describe.concurrent('an action on many targets', () => {
  it('is done on each once, in batches, and is over when all are', async () => {
    const since = new Date().toISOString()
    const { view, cloud, asked } = await onMany(
      {
        performMany: all({ goesOnSince: since }),
        awaitMany: ({ pending }) => pending.map(({ id }) => ({ id, outcome: 'done' })),
      },
      { ids: servers(250) },
    )
    expect(asked.map(({ length }) => length)).toEqual([100, 100, 50])
    expect(asked.flat()).toEqual(servers(250))
    expect(cloud.inputs('awaitMany')).toMatchObject([{ action: 'server.stop', key: 'serverId' }])
    expect(cloud.inputs('awaitMany')[0]?.pending).toHaveLength(250)
    expect(view).toMatchObject({
      state: 'done',
      group: { total: 250, done: 250, failed: 0, unknown: 0 },
      trustDeleted: true,
    })
  })

  it('is done on those that are found when it is due', async () => {
    const select = { tags: ['night-off'] }
    const { cloud, view, asked } = await onMany({ findTargets: { ids: servers(3) }, performMany: all() }, { select })
    expect(cloud.inputs('findTargets')).toEqual([{ select, trustId: cloud.trust('a') }])
    expect(asked).toEqual([servers(3)])
    expect(view.state).toBe('done')
  })

  it('does nothing when nothing is found, and says so', async () => {
    const { view, asked } = await onMany({ findTargets: { ids: [] } }, { select: { tags: ['night-off'] } })
    expect(asked).toEqual([])
    expect(view).toMatchObject({ state: 'skipped', reason: { code: 'TARGETS_MISSING' }, trustDeleted: true })
  })

  it('has failed when some of them have, and says which', async () => {
    const [good, bad] = servers(2)
    const { view } = await onMany(
      {
        performMany: [
          [
            { id: good ?? '', outcome: 'done' },
            { id: bad ?? '', outcome: 'failed', detail: 'CLOUD_REFUSED: it is locked' },
          ],
        ],
      },
      { ids: servers(2) },
    )
    expect(view).toMatchObject({
      ...{ state: 'failed', reason: { code: 'GROUP_INCOMPLETE', detail: '1 of 2 done, 1 failed' } },
      group: { shown: [{ id: bad, outcome: 'failed', detail: 'CLOUD_REFUSED: it is locked' }, { id: good }] },
    })
  })

  it('is tried again only on those that nothing was sent to', async () => {
    const [first, second] = servers(2)
    const { view, asked } = await onMany(
      {
        performMany: [
          [
            { id: first ?? '', outcome: 'done' },
            { id: second ?? '', outcome: 'again', detail: 'CLOUD_BUSY: 503' },
          ],
          [{ id: second ?? '', outcome: 'done' }],
        ],
      },
      { ids: servers(2) },
    )
    expect(asked).toEqual([[first, second], [second]])
    expect(view).toMatchObject({ state: 'done', group: { done: 2 } })
  })

  it('is given up on those it could not reach in time', async () => {
    const { view } = await onMany(
      { performMany: all({ outcome: 'again', detail: 'CLOUD_BUSY: 503' }) },
      { ids: servers(1) },
      { maxLatenessMs: 2_500 },
    )
    expect(view).toMatchObject({ state: 'failed', group: { failed: 1, shown: [{ detail: 'CLOUD_BUSY: 503' }] } })
  })

  it('is for people to look at where nobody can tell whether it took effect', async () => {
    const { view } = await onMany({ performMany: all({ outcome: 'unknown' }) }, { ids: servers(2) })
    expect(view).toMatchObject({
      ...{ state: 'outcome-unknown', reason: { detail: '0 of 2 done, 2 nobody can tell of' } },
    })
  })

  it('waits on its lease, and is tried again when it did not get it', async () => {
    const busy = failure('STOPPED', 'olga pressed the stop button')
    const { view, asked } = await onMany(
      { performMany: [busy, all()] as never, reconcileMany: [] },
      { ids: servers(1) },
    )
    expect(asked).toHaveLength(2)
    expect(view.state).toBe('done')
  })
})

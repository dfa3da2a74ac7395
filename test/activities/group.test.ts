import { describe, expect, it } from 'vitest'
import { createGroupActivities } from '../../activities/group.ts'
import { codeOf } from '../../core/errors.ts'
import type { FakeCloud } from '../../simulator/cloud.ts'
import { rejection } from '../openstack/server.ts'
import { action, deferred } from './deferred.ts'
import { passing, released } from './rig.ts'

/** Servers of alice's project, besides the one there is. */
async function project(count = 0) {
  const rig = await deferred()
  const { cloud, server, sessions, trustId } = rig
  const more = Array.from({ length: count }, () => cloud.addServer({ host: 'compute1', projectId: server.projectId }))
  const activities = createGroupActivities(sessions, passing(), released)
  const group = { action: 'server.stop', input: {}, key: 'serverId', trustId }
  const all = [server, ...more]
  return {
    ...{ ...rig, activities, group },
    all,
    ids: all.map(({ id }) => id),
    find: (select: object) => rig.run(() => activities.findTargets({ select, trustId })),
    perform: (ids: readonly string[], other: object = {}, info: Parameters<typeof rig.run>[1] = {}) =>
      rig.run(() => activities.performMany({ ...group, ...other, ids }), info),
    reconcile: (ids: readonly string[]) =>
      rig.run(() => activities.reconcileMany({ ...group, ids, sentAfter: new Date(Date.now() - 1000).toISOString() })),
    end: (pending: Parameters<typeof activities.awaitMany>[0]['pending']) =>
      rig.run(() => activities.awaitMany({ ...group, pending })),
  }
}

const readsOf = ({ received }: FakeCloud) =>
  received.filter(({ method, path }) => method === 'GET' && path.startsWith('/v2.1/servers')).map(({ path }) => path)

describe('an action on many servers', () => {
  it('is made once on each', async () => {
    const { cloud, ids, perform } = await project(60)
    const outcomes = await perform(ids)
    expect(new Set(outcomes.map(({ id }) => id))).toEqual(new Set(ids))
    expect(outcomes).toHaveLength(ids.length)
    expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(['done']))
    expect(cloud.effects).toHaveLength(ids.length)
    expect(new Set(cloud.effects.map(({ target }) => target))).toEqual(new Set(ids))
  })

  it('tells of each what became of it, whatever became of the others', async () => {
    const { cloud, all, ids, perform } = await project(2)
    const [, stopped, busy] = all
    Object.assign(stopped!, { status: 'SHUTOFF', vmState: 'stopped' })
    busy!.taskState = 'image_snapshot'
    const outcomes = new Map(
      (await perform([...ids, '5c7d0f3e-8a1b-4c2d-9e3f-0000000000ff'])).map((one) => [one.id, one]),
    )
    expect(outcomes.get(ids[0] ?? '')).toMatchObject({ outcome: 'done', goesOnSince: expect.any(String) })
    expect(outcomes.get(ids[1] ?? '')).toMatchObject({ outcome: 'done', detail: 'nothing to do: it was so already' })
    expect(outcomes.get(ids[2] ?? '')).toMatchObject({
      outcome: 'again',
      detail: expect.stringMatching(/^CLOUD_BUSY: /),
    })
    expect(outcomes.get('5c7d0f3e-8a1b-4c2d-9e3f-0000000000ff')).toMatchObject({ outcome: 'failed' })
    expect(cloud.effects).toHaveLength(1)
  })

  it('looks at many by the list of their project, and by itself at what is not on it', async () => {
    const { cloud, all, ids, perform } = await project(30)
    const gone = '5c7d0f3e-8a1b-4c2d-9e3f-0000000000ff'
    for (const server of all.slice(0, 5)) Object.assign(server, { status: 'SHUTOFF', vmState: 'stopped' })
    const outcomes = await perform([...ids, gone])
    expect(outcomes.filter(({ detail }) => detail === 'nothing to do: it was so already')).toHaveLength(5)
    expect(outcomes.find(({ id }) => id === gone)).toMatchObject({ outcome: 'failed' })
    expect(cloud.effects).toHaveLength(26)
    expect(readsOf(cloud)).toEqual(['/v2.1/servers/detail', `/v2.1/servers/${gone}`])
  })

  it('looks at each when there is no list, or few of them', async () => {
    const { cloud, ids, perform } = await project(11)
    cloud.fail({ service: 'compute', path: /\/servers\/detail$/, times: 1 }, { status: 503 })
    expect(new Set((await perform(ids)).map(({ outcome }) => outcome))).toEqual(new Set(['done']))
    expect(readsOf(cloud)).toHaveLength(1 + ids.length)
    const few = await project(3)
    await few.perform(few.ids)
    expect(readsOf(few.cloud)).toHaveLength(few.ids.length)
  })

  it('sees what another action did a moment ago', async () => {
    const { all, ids, perform } = await project(11)
    await perform(ids)
    for (const server of all) Object.assign(server, { status: 'SHUTOFF', vmState: 'stopped', taskState: null })
    const other = { workflowExecution: { workflowId: 'another', runId: '7c7d0f3e-8a1b-4c2d-9e3f-0000000000aa' } }
    const outcomes = await perform(ids, { action: 'server.start' }, other)
    expect(outcomes.map(({ detail }) => detail).filter(Boolean)).toEqual([])
  })

  it('looks up a call whose answer was lost, and makes it no second time', async () => {
    const { cloud, ids, perform } = await project()
    cloud.fail(action, 'reset')
    expect(await perform(ids)).toMatchObject([{ outcome: 'again', detail: 'its answer was lost' }])
    expect(cloud.received.filter(({ path }) => path.endsWith('/action'))).toHaveLength(1)
  })

  it('begins no further call once its worker is to stop, and says of the rest that nothing was sent', async () => {
    const { cloud, ids, begin, group, activities } = await project(80)
    const { ended, cancel } = begin(() => activities.performMany({ ...group, ids }))
    cancel()
    const outcomes = await ended
    const done = outcomes.filter(({ outcome }) => outcome === 'done')
    expect(outcomes).toHaveLength(ids.length)
    expect(done.length).toBeLessThanOrEqual(40)
    expect(cloud.effects).toHaveLength(done.length)
    expect(new Set(outcomes.map(({ outcome }) => outcome))).toContain('again')
  })

  it('heartbeats what is through, for the worker after this one', async () => {
    const { ids, perform, heartbeats, reconcile } = await project(1)
    await perform(ids)
    expect(heartbeats.every((details) => Array.isArray(details))).toBe(true)
    expect(await reconcile(ids)).toMatchObject([{ outcome: 'done' }, { outcome: 'done' }])
  })
})

describe('the end of an action on many servers', () => {
  it('is seen of each', async () => {
    const { all, ids, perform, end } = await project(2)
    const pending = await perform(ids)
    const broken = all[2]
    Object.assign(broken!, { status: 'ERROR', vmState: 'error', taskState: null, pending: undefined })
    const ended = new Map((await end(pending)).map(({ id, outcome }) => [id, outcome]))
    expect(ids.map((id) => ended.get(id))).toEqual(['done', 'done', 'failed'])
  })
})

describe('the servers that are meant', () => {
  it('are those of the project that a selector finds, on all pages', async () => {
    const { cloud, all, find } = await project(4)
    cloud.world.pageSize = 2
    for (const server of all.slice(2)) Object.assign(server, { tags: ['night-off'] })
    cloud.addServer({ host: 'compute2', tags: ['night-off'], projectId: 'another' })
    const found = await find({ tags: ['night-off'] })
    expect(new Set(found.ids)).toEqual(new Set(all.slice(2).map(({ id }) => id)))
    expect(found.ids).toHaveLength(3)
    expect((await find({ tags: ['nobody has this'] })).ids).toEqual([])
  })

  it('are not guessed while Nova does not answer', async () => {
    const { cloud, find } = await project()
    cloud.fail({ service: 'compute', times: Number.POSITIVE_INFINITY }, { status: 503 })
    expect(codeOf(await rejection(find({ tags: ['x'] })))).toBe('CLOUD_BUSY')
  })
})

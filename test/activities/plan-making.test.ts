import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { ReadUse } from '../../activities/measured-use.ts'
import { createPlanMaking } from '../../activities/plan-making.ts'
import { planInThread } from '../../activities/planning.ts'
import type { PlanWish } from '../../core/activities.ts'
import { codeOf } from '../../core/errors.ts'
import type { PlanDocument } from '../../core/plan-document.ts'
import type { PastMove } from '../../policies/planner/rest.ts'
import { rejection } from '../openstack/server.ts'
import { type RigOptions, setUp } from './rig.ts'

async function planning(options: RigOptions = {}, made: PastMove[] = [], readUse?: ReadUse) {
  const rig = await setUp(options)
  const kept: [workflowId: string, document: PlanDocument][] = []
  const keep = async (workflowId: string, document: PlanDocument) => {
    kept.push([workflowId, document])
    return 'pack-1'
  }
  const plans = { made: async () => made }
  const { makePlan } = createPlanMaking({ ...rig, plans, documents: { keep }, planning: planInThread, readUse })
  return {
    ...rig,
    kept,
    make: (wish: Pick<PlanWish, 'goal' | 'options'>, more: Partial<PlanWish> = {}) =>
      rig.run(() => makePlan({ ...wish, stay: [], ownReason: 'steward plan/1', ...more })),
  }
}

describe('making a plan', () => {
  it('looks at the whole cloud with the standing delegation, and leaves the document with its workflow', async () => {
    const { cloud, kept, make, requestId } = await planning()
    for (const host of ['compute1', 'compute2', 'compute3']) cloud.addServer({ host })
    const digest = await make({ goal: 'consolidate', options: {} })
    expect(digest).toMatchObject({ pack: 'pack-1', moves: 2, hosts: 3, released: 2, waves: [{ wave: 1, moves: 2 }] })
    expect(digest.efficacy).toMatchObject({ hostsBefore: 3, hostsAfter: 1 })
    expect(kept).toEqual([['test', expect.objectContaining({ id: digest.id, format: 'steward-plan/1' })]])
    const asked = cloud.received.filter(({ service }) => service !== 'identity')
    expect(new Set(asked.map(({ method }) => method))).toEqual(new Set(['GET']))
    expect(new Set(asked.map(({ headers }) => headers['x-openstack-request-id']))).toEqual(new Set([requestId]))
    expect(cloud.effects).toEqual([])
  })

  it('does as it is asked', async () => {
    const { cloud, kept, make } = await planning()
    for (let i = 0; i < 3; i++) cloud.addServer({ host: 'compute1' })
    await make({ goal: 'drain', options: { drain: ['compute1'], outgoingPerHost: 3, validForMs: 3_600_000 } })
    const [[, document] = []] = kept
    expect(document?.options).toMatchObject({ drain: ['compute1'], outgoingPerHost: 3 })
    expect(document?.waves).toHaveLength(1)
    const { takenAt = '', expiresAt = '' } = document?.validity ?? {}
    expect(Date.parse(expiresAt) - Date.parse(takenAt)).toBe(3_600_000)
  })

  it.each([
    ['a host that is not there', { drain: ['compute9'] }, 'INPUT_INVALID', 'host compute9 is not in the model'],
    ['all hosts', { drain: ['compute1', 'compute2', 'compute3'] }, 'PLAN_IMPOSSIBLE', 'fits on no'],
  ])('to empty %s says why it cannot be done, and leaves nothing', async (_what, options, code, message) => {
    const { cloud, kept, make } = await planning()
    cloud.addServer({ host: 'compute1' })
    const error = await rejection(make({ goal: 'drain', options }))
    expect([codeOf(error), error.message]).toEqual([code, expect.stringContaining(message)])
    expect(kept).toEqual([])
  })

  it('plans the way back from the moves that were made', async () => {
    const made: PastMove[] = []
    const { cloud, kept, make } = await planning({}, made)
    const atMs = Date.now()
    const [home, gone] = [cloud.addServer({ host: 'compute3' }), 'a server that was deleted']
    made.push({ serverId: home.id, from: 'compute1', to: 'compute2', atMs })
    made.push({ serverId: home.id, from: 'compute2', to: 'compute3', atMs })
    made.push({ serverId: gone, from: 'x', to: 'compute3', atMs })
    Object.assign(cloud.service('nova-compute', 'compute1'), { status: 'disabled', disabledReason: 'steward plan/1' })
    expect(await make({ goal: 'undo', options: {} }, { undoes: '1' })).toMatchObject({ moves: 1 })
    const [[, document] = []] = kept
    expect(document).toMatchObject({
      ...{ goal: 'undo', skipped: [{ serverId: gone, reason: 'is gone' }] },
      waves: [{ moves: [{ serverId: home.id, from: 'compute3', to: 'compute1', reason: 'goes back from compute3' }] }],
    })
    // nobody goes back to a host that somebody else has closed
    const error = await rejection(make({ goal: 'undo', options: {} }, { undoes: '1', ownReason: 'another' }))
    expect([codeOf(error), error.message]).toEqual([
      'PLAN_IMPOSSIBLE',
      expect.stringMatching(/^compute1: down, asleep or closed by somebody else; wake-host/),
    ])
  })

  it('leaves servers alone for a day that were moved, by whomever, unless their host is emptied', async () => {
    const { cloud, kept, make } = await planning()
    const [, moved] = ['compute1', 'compute2', 'compute3'].map((host) => cloud.addServer({ host }))
    cloud.addMigration({
      serverId: moved?.id ?? '',
      from: 'compute1',
      to: 'compute2',
      changedMs: Date.now() - 3_600_000,
    })
    await make({ goal: 'consolidate', options: {} })
    await make({ goal: 'drain', options: { drain: ['compute2'] } })
    const movesOf = (document?: PlanDocument) => document?.waves.flatMap((wave) => wave.moves.map((m) => m.serverId))
    const [[, consolidated] = [], [, drained] = []] = kept
    expect(movesOf(consolidated)).not.toContain(moved?.id)
    expect(JSON.stringify(consolidated?.faults)).toContain('was moved 1.0 h ago')
    expect(movesOf(drained)).toEqual([moved?.id])
  })

  it('is refused on a picture with gaps, and without a delegation', async () => {
    const { cloud, make } = await planning()
    cloud.addServer({ host: 'gone' })
    expect(codeOf(await rejection(make({ goal: 'balance', options: {} })))).toBe('SNAPSHOT_INCOMPLETE')
    const alone = await planning({ trustId: undefined })
    expect(codeOf(await rejection(alone.make({ goal: 'balance', options: {} })))).toBe('DELEGATION_MISSING')
  })

  it('knows what servers really use, where that is measured; elsewhere it says that it does not', async () => {
    const usage = new Map<string, { cpuPercentOfOwn: number }>()
    const { cloud, kept, make } = await planning({}, [], async () => ({ usage, notCounted: new Map() }))
    const [idle, busy] = ['compute1', 'compute2'].map((host) => cloud.addServer({ host }))
    cloud.addServer({ host: 'compute3', status: 'SHUTOFF' })
    usage.set(idle?.id ?? '', { cpuPercentOfOwn: 0 })
    usage.set(busy?.id ?? '', { cpuPercentOfOwn: 100 })
    await make({ goal: 'consolidate', options: {} })
    const [[, document] = []] = kept
    expect(JSON.stringify(document?.notes ?? [])).not.toContain('not measured')
    const blind = await planning()
    blind.cloud.addServer({ host: 'compute1' })
    await blind.make({ goal: 'consolidate', options: {} })
    expect(JSON.stringify(blind.kept[0]?.[1].notes)).toContain('was not measured: plans see what is given away')
  })

  it('says of how many servers it knows no day, where days are asked for', async () => {
    const usage = new Map<string, { cpuPercentOfOwn: number }>()
    const ofDay = new Map<string, number>()
    const { cloud, kept, make } = await planning({}, [], async () => ({ usage, notCounted: new Map(), ofDay }))
    const [old, fresh] = ['compute1', 'compute2'].map((host) => cloud.addServer({ host })?.id ?? '')
    cloud.addServer({ host: 'compute3', status: 'SHUTOFF' })
    for (const id of [old, fresh]) usage.set(id ?? '', { cpuPercentOfOwn: 10 })
    ofDay.set(old ?? '', 80)
    await make({ goal: 'consolidate', options: {} })
    const [, first] = kept[0] ?? []
    expect(first?.notes).toContainEqual({
      where: 'usage',
      says: 'over a day is not known of 1 of 2 servers that run: what they use now counts for it',
    })
    const [grown, same] = first?.hosts.map(({ before }) => (before.cpuPercentOfDay ?? 0) / before.cpuPercent) ?? []
    expect([grown, same]).toEqual([8, 1])
    ofDay.set(fresh ?? '', 20)
    await make({ goal: 'consolidate', options: {} })
    expect(JSON.stringify(kept[1]?.[1].notes)).not.toContain('over a day is not known')
  })

  it('is refused when the use of a server that runs is not known, and names it', async () => {
    const notCounted = new Map<string, string>()
    const { cloud, kept, make } = await planning({}, [], async () => ({ usage: new Map(), notCounted }))
    const [late, unseen] = ['compute1', 'compute2'].map((host) => cloud.addServer({ host }))
    notCounted.set(late?.id ?? '', 'its use was measured 900 s ago, more than 300 s')
    const error = await rejection(make({ goal: 'balance', options: {} }))
    expect(codeOf(error)).toBe('SNAPSHOT_INCOMPLETE')
    expect(error.message).toContain(`${late?.id}: its use was measured 900 s ago, more than 300 s`)
    expect(error.message).toContain(`${unseen?.id}: its use was not measured`)
    expect(kept).toEqual([])
  })

  it('is in the build with the thread that nothing imports', () => {
    const { include } = JSON.parse(readFileSync('tsconfig.build.json', 'utf8'))
    expect(include).toContain('activities/planning-thread.ts')
  })

  it('ends at once when it is cancelled', async () => {
    const rig = await planning()
    rig.cloud.addServer({ host: 'compute1' })
    const cancelled = new AbortController()
    const { makePlan } = createPlanMaking({
      ...rig,
      plans: { made: async () => [] },
      documents: { keep: async () => 'never' },
      planning: (order, signal) => {
        const planned = planInThread(order, AbortSignal.any([signal, cancelled.signal]))
        cancelled.abort(new Error('enough'))
        return planned
      },
    })
    const error = await rejection(
      rig.run(() => makePlan({ goal: 'consolidate', options: {}, stay: [], ownReason: 'x' })),
    )
    expect(error.message).toBe('enough')
  })
})

import { describe, expect, it } from 'vitest'
import type { PlanView } from '../../core/cloud-plan.ts'
import { failure } from '../../core/errors.ts'
import type { Move } from '../../core/plan.ts'
import { createPlans } from '../../temporal/plans.ts'
import { host as hostNamed, cloud as modelWith, server } from '../policies/planner/clouds.ts'
import { until, useWorker, viewOf } from './engine.ts'
import { leaseIs } from './incident-bench.ts'
import { askFor, planIn, tell, wasTold } from './plan-bench.ts'
import { heldUntil, planStage, refusal, texts } from './plan-stage.ts'
import { gate } from './scripted.ts'

const bench = useWorker()
const movedBy = (inputs: readonly Move[]) => inputs.map(({ serverId }) => serverId)
const { approved, approvedWide } = planStage(bench)

describe.concurrent('a plan that cannot go on', () => {
  it('because the cloud has changed before its second wave is stale, and says what has changed', async () => {
    const { cloud, world, handle } = await approved({
      script: (world) => ({
        verifyMoves() {
          world.model = {
            ...world.model,
            servers: world.model.servers.map((one) => (one.host === cloud.host ? { ...one, pinned: 'locked' } : one)),
          }
          return { astray: [] }
        },
      }),
    })
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'stale', reason: { code: 'PLAN_STALE' } })
    expect(view.reason?.detail).toMatch(/^wave 2 of 2: hosts or servers .*: server s-\d has to stay: locked$/)
    expect(view.waves.map(({ state, moved }) => [state, moved])).toEqual([
      ['done', 1],
      ['ended', 0],
    ])
    expect([cloud.inputs('liveMigrate').length, world.disabled.size]).toEqual([1, 0])
  })

  it('because no whole picture of the cloud can be had looks again, and then says what is missing', async () => {
    const gap = failure('SNAPSHOT_INCOMPLETE', 'server s-9 is listed twice: the list changed while it was read')
    let looks = 0
    const passing = await approved({
      script: ({ checkWave }) => ({
        checkWave: (asked) => {
          if (++looks === 1) throw gap
          return (checkWave as (given: typeof asked) => never)(asked)
        },
      }),
    })
    expect(await passing.handle.result()).toMatchObject({ state: 'done' })
    const { cloud, handle, world } = await approved({ script: () => ({ checkWave: gap }) })
    expect(await handle.result()).toMatchObject({ state: 'failed', reason: { code: 'SNAPSHOT_INCOMPLETE' } })
    expect([cloud.inputs('checkWave').length, cloud.inputs('liveMigrate'), world.disabled.size]).toEqual([3, [], 0])
  })

  it('because a server is not where it should be after a wave is stale, too', async () => {
    const { handle } = await approved({ script: () => ({ verifyMoves: { astray: ['server s-1 is on x'] } }) })
    expect(await handle.result()).toMatchObject({
      state: 'stale',
      reason: { detail: 'wave 1 of 2: after wave 1: server s-1 is on x' },
    })
  })

  it('because the governor says no is stopped before anything is touched', async () => {
    const no = { says: 'refused', code: 'TARGET_PROTECTED', reason: 'the host is protected' } as const
    const { cloud, handle } = await approved({ script: () => ({ requestLease: leaseIs(no) }) })
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'stopped', reason: { code: 'TARGET_PROTECTED' } })
    expect(cloud.names()).toEqual(['makePlan', 'readWave', 'findDisabled'])
  })

  it('because something more urgent wants its host gives way, and goes on where it was', async () => {
    const { cloud, handle, world } = await approvedWide(({ liveMigrate }) => ({
      async liveMigrate(move) {
        if (cloud.inputs('liveMigrate').length === 1) {
          const run = bench.client.workflow.getHandle(`run/plan/${cloud.host}`)
          await run.signal('comeToAnEnd', { why: 'an alert wants the host' })
        }
        return (liveMigrate as (given: Move) => never)(move)
      },
    }))
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'done', waves: [{ moved: 6 }] })
    expect(texts(view)).toContain('wave 1 gave way: ended at a safe point: an alert wants the host')
    const moved = movedBy(cloud.inputs('liveMigrate'))
    expect([moved.length, new Set(moved).size]).toEqual([6, 6])
    expect(cloud.inputs('requestLease')).toHaveLength(2)
    expect(world.disabled.size).toBe(1)
  })

  it('around a server whose move failed proposes another plan, which needs a yes of its own, once', async () => {
    const { cloud, handle, planId } = await approved({
      plan: { goal: 'consolidate', options: {} },
      model: (name) =>
        modelWith(
          [hostNamed(name), hostNamed(`${name}-b`), hostNamed(`${name}-c`)],
          [server('s-1', name, 2), server('s-2', `${name}-b`, 2), server('s-3', `${name}-c`, 8)],
        ),
      script: ({ liveMigrate }) => ({
        liveMigrate: (move) => {
          if (cloud.inputs('liveMigrate').length === 1) throw failure('MIGRATION_FAILED', 'no valid host was found')
          return (liveMigrate as (given: Move) => never)(move)
        },
      }),
    })
    await until(async () => (await viewOf<PlanView>(handle)).digest?.id !== planId, true)
    const again = await planIn(handle, 'proposed')
    const next = again.digest?.id ?? ''
    expect(again.digest?.moves).toBe(2)
    expect(cloud.inputs('makePlan')[1]?.stay).toHaveLength(1)
    expect(await refusal(tell(handle, 'approve', 'paul', { planId }))).toBe('APPROVAL_STALE')
    await tell(handle, 'approve', 'paul', { planId: next })
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'done', earlier: [{ waves: [{ moved: 0 }] }] })
    expect(movedBy(cloud.inputs('liveMigrate'))[0]).not.toBe(movedBy(cloud.inputs('liveMigrate'))[1])
  })

  it('after a second failure has failed, with what was done', async () => {
    const { handle, planId } = await approved({
      plan: { goal: 'consolidate', options: {} },
      model: (name) =>
        modelWith(
          [hostNamed(name), hostNamed(`${name}-b`), hostNamed(`${name}-c`)],
          [server('s-1', name, 2), server('s-2', `${name}-b`, 2), server('s-3', `${name}-c`, 8)],
        ),
      script: () => ({ liveMigrate: failure('MIGRATION_FAILED', 'no valid host was found') }),
    })
    await until(async () => (await viewOf<PlanView>(handle)).digest?.id !== planId, true)
    await tell(handle, 'approve', 'paul', { planId: (await planIn(handle, 'proposed')).digest?.id ?? '' })
    expect(await handle.result()).toMatchObject({
      state: 'failed',
      reason: { code: 'MIGRATION_FAILED', detail: 'wave 1 of 1: no valid host was found' },
      disabled: [],
    })
  })
})

describe.concurrent('the way back', () => {
  const undo = async ({ host }: { host: string }) => {
    const more = { goal: 'undo', options: {}, undoes: host } as const
    const handle = await askFor(bench, { host: `${host}-undo` }, more)
    return { handle, view: await planIn(handle, 'proposed') }
  }

  it('from a plan that was carried out brings every server home, once it is approved, and opens its host', async () => {
    const { cloud, world, handle, on } = await approved()
    const homes = [...on(cloud.host)]
    expect((await handle.result()).disabled).toEqual([cloud.host])
    const back = await undo(cloud)
    expect(back.view).toMatchObject({ digest: { moves: 2 }, waves: [{ moves: 1 }, { moves: 1 }] })
    expect(cloud.inputs('makePlan')[1]).toMatchObject({ undoes: cloud.host, ownReason: `steward plan/${cloud.host}` })
    expect(on(cloud.host)).toEqual([])
    await tell(back.handle, 'approve', 'paul', { planId: back.view.digest?.id ?? '' })
    expect(await back.handle.result()).toMatchObject({ state: 'done', disabled: [] })
    expect([new Set(on(cloud.host)), world.disabled.size]).toEqual([new Set(homes), 0])
    const attempts = cloud.inputs('requestLease').map(({ request }) => request.incidentRunId)
    expect(new Set(attempts)).toEqual(new Set([cloud.host]))
  })

  it('from one that was stopped takes back what was moved, and nothing else', async () => {
    const moving = gate()
    const { cloud, handle } = await approvedWide(({ liveMigrate }) => heldUntil(moving.opened, liveMigrate))
    await until(() => cloud.inputs('liveMigrate').length, 1)
    await tell(handle, 'stop', 'ana', {})
    await until(() => wasTold(bench, cloud, 'comeToAnEnd'), true)
    moving.open()
    await handle.result()
    const { view } = await undo(cloud)
    expect(view.digest?.moves).toBe(1)
    const desk = createPlans(bench.client)
    const { moves } = await desk.detail(`${cloud.host}-undo`)
    const [{ serverId, to } = { serverId: '', to: '' }] = cloud.inputs('liveMigrate')
    expect(moves).toEqual([expect.objectContaining({ serverId, from: to, to: cloud.host })])
  })
})

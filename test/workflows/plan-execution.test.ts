import { describe, expect, it } from 'vitest'
import type { PlanView } from '../../core/cloud-plan.ts'
import { codeOf, failure } from '../../core/errors.ts'
import type { Move } from '../../core/plan.ts'
import { createPlans } from '../../temporal/plans.ts'
import { host as hostNamed, cloud as modelWith, server } from '../policies/planner/clouds.ts'
import { until, untilState, useWorker, viewOf } from './engine.ts'
import { leaseIs } from './incident-bench.ts'
import { askFor, brakesOf, type ModelCloud, modelCloud, modelOf, planIn, tell, wasTold } from './plan-bench.ts'
import { gate, type Script } from './scripted.ts'

const bench = useWorker()
const texts = ({ timeline }: PlanView) => timeline.map(({ text }) => text)
const refusal = (attempt: Promise<unknown>) => attempt.then(() => 'accepted', codeOf)

interface Setting {
  /** Of the cloud in place of what it does by itself. */
  script?: (world: ModelCloud) => Script
  model?: (host: string) => ModelCloud['model']
  plan?: Partial<PlanView>
  brakes?: ReturnType<typeof brakesOf>
}

/** A plan to empty the host of the test, proposed. */
async function proposed({ script = () => ({}), model, plan, brakes }: Setting = {}) {
  const cloud = bench.cloud({})
  const world = modelCloud(bench, model?.(cloud.host) ?? modelOf(cloud))
  const acting = bench.cloud({ ...world, ...script(world) }, cloud.host)
  const handle = await askFor(bench, cloud, plan, brakes)
  const view = await planIn(handle, 'proposed')
  const on = (host: string) => world.model.servers.filter((one) => one.host === host).map(({ id }) => id)
  return { cloud: acting, world, handle, view, on, planId: view.digest?.id ?? '' }
}

/** The same, with the yes of paul. */
async function approved(setting: Setting = {}) {
  const plan = await proposed(setting)
  await tell(plan.handle, 'approve', 'paul', { planId: plan.planId })
  return plan
}

const movedBy = (inputs: readonly Move[]) => inputs.map(({ serverId }) => serverId)

describe.concurrent('a plan that is approved', () => {
  it('is carried out wave by wave, each looked at anew before and after it, and leaves its host disabled', async () => {
    const { cloud, world, handle, on } = await approved()
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'done', reason: { detail: '2 move(s) in 2 wave(s) made, and seen' } })
    expect(view.waves.map(({ state, moved }) => [state, moved])).toEqual([
      ['done', 1],
      ['done', 1],
    ])
    const wave = ['readWave', 'checkWave', 'disableHost', 'liveMigrate', 'verifyMoves']
    expect(cloud.names()).toEqual(['makePlan', ...wave, ...wave])
    expect([on(cloud.host), world.disabled]).toEqual([[], new Map([[cloud.host, `steward plan/${cloud.host}`]])])
    expect(view.disabled).toEqual([cloud.host])
  })

  it('asks for the hosts and servers of each wave, in the name of the plan, with the yes that was given', async () => {
    const { cloud, handle, planId } = await approved({ plan: { why: 'new disks' } })
    await handle.result()
    const requests = cloud.inputs('requestLease').map(({ request }) => request)
    expect(requests).toHaveLength(2)
    expect(requests[0]).toMatchObject({
      ...{ requester: 'plan', by: `plan/${cloud.host}`, runbook: 'carry-out-plan', incidentRunId: cloud.host },
      ...{ risk: 'move', why: 'drain, asked for by olga: new disks' },
      approval: { by: 'paul', planId, begunAt: expect.any(String) },
    })
    for (const { targets, within } of requests) {
      expect(targets).toEqual([`host/${cloud.host}`, expect.stringMatching(/^server\/s-\d$/)])
      expect(within).toEqual([expect.stringMatching(`^host/${cloud.host}-`), 'zone/az1', 'zone/nova'])
    }
    expect(cloud.inputs('giveBackLease')).toHaveLength(2)
    expect(cloud.inputs('reportOutcome').map(({ outcome }) => [outcome.runbook, outcome.helped])).toEqual([
      ['carry-out-plan', true],
      ['carry-out-plan', true],
    ])
  })

  it('is not carried out before as many persons have said yes to exactly this document as it needs', async () => {
    const { cloud, handle, planId } = await proposed({ brakes: brakesOf({ twoPersonsFromHosts: 2 }) })
    const yes = (by: string, to = planId) => refusal(tell(handle, 'approve', by, { planId: to }))
    expect(await yes('paul', '0'.repeat(32))).toBe('APPROVAL_STALE')
    expect(await yes('olga')).toBe('APPROVAL_OWN')
    expect(await yes('paul')).toBe('accepted')
    expect(await yes('paul')).toBe('APPROVAL_OWN')
    expect(await viewOf<PlanView>(handle)).toMatchObject({ state: 'proposed', needs: 2, answers: [{ by: 'paul' }] })
    expect(cloud.names()).toEqual(['makePlan'])
    expect(await yes('ana')).toBe('accepted')
    expect(await handle.result()).toMatchObject({ state: 'done', answers: [{ by: 'paul' }, { by: 'ana' }] })
    expect(cloud.inputs('requestLease')[0]?.request.approval?.by).toBe('paul, ana')
  })

  it('by whoever asked for it is, where the operators allow that', async () => {
    const { handle, planId } = await proposed({ brakes: brakesOf({ ownPlans: true }) })
    await tell(handle, 'approve', 'olga', { planId })
    expect(await handle.result()).toMatchObject({ state: 'done' })
  })

  it('cannot be discarded any more, nor approved or stopped once it has ended', async () => {
    const moving = gate()
    const { handle, planId } = await approved({ script: ({ liveMigrate }) => heldUntil(moving.opened, liveMigrate) })
    await untilState(handle, 'executing')
    expect(await refusal(tell(handle, 'discard', 'paul', {}))).toBe('PLAN_CLOSED')
    expect(await refusal(tell(handle, 'approve', 'ana', { planId }))).toBe('PLAN_CLOSED')
    moving.open()
    await handle.result()
    const desk = createPlans(bench.client)
    const by = { userId: 'id-of-ana', name: 'ana' }
    expect(await refusal(desk.command(handle.workflowId.slice(5), { does: 'stop', by }))).toBe('PLAN_CLOSED')
  })
})

/** The same, once something has happened. */
function heldUntil(opened: Promise<void>, answer: Script['liveMigrate']): Script {
  return {
    async liveMigrate(move) {
      await opened
      return (answer as (given: Move) => never)(move)
    },
  }
}

/** Six servers on the host of the test, all of which leave in one wave. */
const wide = (name: string) =>
  modelWith(
    [hostNamed(name), hostNamed(`${name}-b`), hostNamed(`${name}-c`)],
    ['1', '2', '3', '4', '5', '6'].map((n) => server(`s-${n}`, name, 1)),
  )
const inOneWave = (name = ''): Partial<PlanView> => ({ options: { drain: [name], outgoingPerHost: 6, movesAtOnce: 3 } })

/** With the host of the test, which is only known once its world is there. */
async function approvedWide(script: NonNullable<Setting['script']>) {
  const cloud = bench.cloud({})
  const world = modelCloud(bench, wide(cloud.host))
  const acting = bench.cloud({ ...world, ...script(world) }, cloud.host)
  const handle = await askFor(bench, cloud, inOneWave(cloud.host))
  const view = await planIn(handle, 'proposed')
  await tell(handle, 'approve', 'paul', { planId: view.digest?.id ?? '' })
  return { cloud: acting, world, handle }
}

describe.concurrent('the moves of a wave', () => {
  it('begin with one alone; then no more at the same time than allowed', async () => {
    const first = gate()
    const crowd = gate()
    let under = 0
    let most = 0
    const { cloud, handle } = await approvedWide(({ liveMigrate }) => ({
      async liveMigrate(move) {
        most = Math.max(most, ++under)
        if (under === 3) crowd.open()
        await (cloud.inputs('liveMigrate').length === 1 ? first : crowd).opened
        under--
        return (liveMigrate as (given: Move) => never)(move)
      },
    }))
    await until(() => cloud.inputs('liveMigrate').length, 1)
    const desk = createPlans(bench.client)
    const states = async () => (await desk.detail(cloud.host)).moves.map(({ state }) => state)
    await until(states, ['moving', 'waiting', 'waiting', 'waiting', 'waiting', 'waiting'])
    first.open()
    expect(await handle.result()).toMatchObject({ state: 'done', waves: [{ moves: 6, moved: 6 }] })
    expect(most).toBe(3)
    expect(new Set(await states())).toEqual(new Set(['moved']))
  })

  it('end with the first that fails: those under way are waited for, and it is planned anew around its server', async () => {
    const others = gate()
    const { cloud, world, handle } = await approvedWide(({ liveMigrate }) => ({
      async liveMigrate(move) {
        if (cloud.inputs('liveMigrate').length === 2) {
          others.open()
          throw failure('MIGRATION_FAILED', `the live migration of ${move.serverId} ended as error`)
        }
        if (cloud.inputs('liveMigrate').length > 2) await others.opened
        return (liveMigrate as (given: Move) => never)(move)
      },
    }))
    // the host cannot be emptied around a server that stays there
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'failed', reason: { code: 'PLAN_IMPOSSIBLE' } })
    expect(view.reason?.detail).toMatch(
      /^the live migration of s-\d ended as error; around it: the hosts cannot be drained: 1 of \d servers have to stay/,
    )
    expect(cloud.inputs('makePlan')[1]?.stay).toEqual([
      { serverId: cloud.inputs('liveMigrate')[1]?.serverId, reason: expect.stringContaining('ended as error') },
    ])
    const { waves, earlier } = view
    expect(earlier).toEqual([])
    expect(waves[0]?.states?.filter((state) => state === 'failed')).toHaveLength(1)
    expect(waves[0]?.moved).toBe(cloud.inputs('liveMigrate').length - 1)
    expect(cloud.inputs('liveMigrate').length).toBeLessThanOrEqual(4)
    expect(cloud.inputs('reportOutcome').map(({ outcome }) => outcome.helped)).toEqual([false])
    // nobody is left with a closed host
    expect([world.disabled.size, view.disabled]).toEqual([0, []])
  })

  it('stop at the next one when a person says so; those under way are finished, and the host is open again', async () => {
    const moving = gate()
    const { cloud, world, handle } = await approvedWide(({ liveMigrate }) => heldUntil(moving.opened, liveMigrate))
    await until(() => cloud.inputs('liveMigrate').length, 1)
    expect(await tell(handle, 'stop', 'ana', { why: 'a customer called' })).toMatchObject({ state: 'executing' })
    expect(await tell(handle, 'stop', 'ana', { why: 'a customer called' })).toMatchObject({ state: 'executing' })
    await until(() => wasTold(bench, cloud, 'comeToAnEnd'), true)
    moving.open()
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'stopped', reason: { detail: 'stopped by ana: a customer called' } })
    expect(view.waves[0]).toMatchObject({ state: 'ended', moved: 1 })
    expect(view.waves[0]?.states).toEqual(['moved', 'waiting', 'waiting', 'waiting', 'waiting', 'waiting'])
    expect([cloud.inputs('liveMigrate').length, world.disabled.size]).toEqual([1, 0])
    expect(texts(view).at(-1)).toBe(`enabled again: ${cloud.host}`)
  })

  it('meet the stop button: nothing more is begun, and the host is opened once it is released', async () => {
    const stopped = failure('STOPPED', 'olga pressed the stop button')
    const refusals: Error[] = [stopped]
    const { cloud, world, handle } = await approvedWide(({ liveMigrate, enableHost }) => ({
      liveMigrate: (move) => {
        if (cloud.inputs('liveMigrate').length > 1) throw stopped
        return (liveMigrate as (given: Move) => never)(move)
      },
      enableHost: (given) => {
        for (const refusal of refusals) throw refusal
        return (enableHost as (asked: typeof given) => never)(given)
      },
    }))
    const view = await planIn(handle, 'stopped')
    expect(view).toMatchObject({ reason: { code: 'STOPPED' }, waves: [{ moved: 1 }] })
    expect(view.waves[0]?.states).not.toContain('failed')
    await until(() => cloud.inputs('enableHost').length > 0, true)
    expect(world.disabled.size).toBe(1)
    refusals.pop()
    expect(await handle.result()).toMatchObject({ state: 'stopped', disabled: [] })
    expect(world.disabled.size).toBe(0)
  })

  it('are finished when the plan is cancelled in Temporal, and no further one is begun', async () => {
    const moving = gate()
    const { cloud, world, handle } = await approvedWide(({ liveMigrate }) => heldUntil(moving.opened, liveMigrate))
    await until(() => cloud.inputs('liveMigrate').length, 1)
    await handle.cancel()
    await until(() => wasTold(bench, cloud, 'cancel'), true)
    moving.open()
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'stopped', waves: [{ state: 'ended', moved: 1 }] })
    expect(view.reason?.detail).toContain('cancelled by a person in Temporal')
    expect([cloud.inputs('liveMigrate').length, world.disabled.size]).toEqual([1, 0])
  })
})

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
    const { cloud, handle } = await approved({ script: () => ({ requestLease: leaseIs(bench, no) }) })
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
    // and no other plan moves that server within a day
    const made = { serverId, from: cloud.host, to, atMs: expect.any(Number) }
    await until(async () => (await desk.madeSince(Date.now() - 600_000)).some((one) => one.serverId === serverId), true)
    expect(await desk.madeSince(Date.now() - 600_000)).toContainEqual(made)
  })
})

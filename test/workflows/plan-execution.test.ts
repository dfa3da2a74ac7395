import { describe, expect, it } from 'vitest'
import type { PlanView } from '../../core/cloud-plan.ts'
import { failure } from '../../core/errors.ts'
import type { Move } from '../../core/plan.ts'
import { createPlans } from '../../temporal/plans.ts'
import { until, untilState, useWorker, viewOf } from './engine.ts'
import { brakesOf, planIn, tell, wasTold } from './plan-bench.ts'
import { heldUntil, planStage, refusal, texts } from './plan-stage.ts'
import { gate } from './scripted.ts'

const bench = useWorker()
const { proposed, approved, approvedWide } = planStage(bench)

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

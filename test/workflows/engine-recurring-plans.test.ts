import { randomUUID } from 'node:crypto'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { createComputeHosts } from '../../activities/compute-hosts.ts'
import { createMigrationActivities } from '../../activities/migration.ts'
import { createPause } from '../../activities/pause.ts'
import { createPlanMaking } from '../../activities/plan-making.ts'
import { createPlanWaves } from '../../activities/plan-waves.ts'
import { planInThread } from '../../activities/planning.ts'
import { createRecurringPlanActivities } from '../../activities/recurring-plans.ts'
import { createSignals } from '../../activities/signal.ts'
import type { PlanState, PlanView } from '../../core/cloud-plan.ts'
import { codeOf } from '../../core/errors.ts'
import { PlanSignal, type RecurringPlanView } from '../../core/recurring-plan.ts'
import { fakeCloud } from '../../simulator/cloud.ts'
import { createPlanDocuments } from '../../temporal/plan-documents.ts'
import { createPlans } from '../../temporal/plans.ts'
import { createRig, released } from '../activities/rig.ts'
import { type RealActivities, until, useWorker } from './engine.ts'
import { governed, governorPlace, holdOf, wideOpen } from './governor-bench.ts'
import { person } from './people.ts'
import { recurringPlanDesk } from './recurring-plan-bench.ts'

const cloud = await fakeCloud()
const trustId = cloud.addTrust('olga', 'admin', ['admin'])
const { sessions } = createRig(cloud, { trustId, timeoutMs: 20_000 })
const pause = createPause(new AbortController().signal)
/** What the Prometheus of this file says. */
let signal = 0.5
const config = wideOpen({ mode: 'auto' })
const { activities, governor } = governed(config)

/** What a worker has, at a cloud that behaves like a real one; only the hosts that the governor counts are made up. */
const real: RealActivities = (client, queue) => {
  const documents = createPlanDocuments(client)
  const all = createPlans(client, queue)
  return {
    ...activities(client, queue),
    ...createPlanMaking({ sessions, documents, plans: all, planning: planInThread }),
    ...createRecurringPlanActivities({ plans: all, config }),
    ...createSignals({ number: async () => signal }),
    ...createPlanWaves({ sessions, documents }),
    ...createComputeHosts(sessions, released),
    ...createMigrationActivities({ sessions, pause, brake: released, pollMs: 20 }),
  }
}
const taskQueue = `test-${randomUUID()}`
const bench = useWorker(taskQueue, real, [governorPlace(taskQueue).taskQueue])
afterAll(() => cloud.close())

beforeEach(() => {
  cloud.world.servers.splice(0)
  cloud.world.allocations.clear()
  for (const service of cloud.world.services) Object.assign(service, { status: 'enabled', disabledReason: null })
})

const on = (host: string) => cloud.world.servers.filter((one) => one.host === host).length
const closed = () => cloud.world.services.flatMap(({ disabledReason }) => disabledReason ?? [])
const plans = () => createPlans(bench.client)
const desk = () => recurringPlanDesk(bench)
const by = person('ana')
const seconds = (count: number) => count / 60

/** Waits for the plan of its next time, in this state. */
async function planOf(id: string, state: PlanState): Promise<PlanView> {
  let planId: string | undefined
  const look = async () => {
    planId = (await desk().show(id)).running?.planId ?? planId
    return planId && (await plans().show(planId)).state
  }
  await until(look, state)
  return plans().show(planId ?? '')
}

async function ended(id: string): Promise<RecurringPlanView['past'][number]> {
  await until(async () => (await desk().show(id)).past.length, 1)
  const [past] = (await desk().show(id)).past
  if (!past) throw new Error('it has no past')
  return past
}

describe('a recurring plan that asks', () => {
  it('proposes a plan at its time, which is carried out once somebody has said yes', async () => {
    for (let i = 0; i < 2; i++) cloud.addServer({ host: 'compute1' })
    const id = await desk().begin({ count: 1 }, { name: 'weekend' })
    const plan = await planOf(id, 'proposed')
    const at = plan.recurs?.at ?? ''
    expect(plan).toMatchObject({
      ...{ goal: 'drain', by: 'olga', why: 'weekend', approve: 'ask', recurs: { id } },
      beginBy: new Date(Date.parse(at) + 600_000).toISOString(),
      options: { drain: ['compute1'], validForMs: 600_000 },
    })
    expect([on('compute1'), closed()]).toEqual([2, []])
    await plans().command(plan.id, { does: 'approve', by, planId: plan.digest?.id ?? '' })
    expect(await ended(id)).toMatchObject({
      at,
      planId: plan.id,
      outcome: 'done',
      detail: expect.stringMatching(/^2 m/),
    })
    expect(on('compute1')).toBe(0)
    expect(await desk().show(id)).toMatchObject({ state: 'ended', counted: 1, reason: 'there is no further time' })
  })

  it('makes no plan while the last one still runs, and none when it is paused or deleted', async () => {
    cloud.addServer({ host: 'compute1' })
    const id = await desk().begin({ interval: 'PT2S' })
    const { id: planId } = await planOf(id, 'proposed')
    await until(async () => (await desk().show(id)).past.some(({ outcome }) => outcome === 'skipped'), true)
    expect((await desk().show(id)).past[0]?.detail).toMatch(/^the plan of .* still runs$/)
    await desk().command(id, { does: 'pause', by })
    expect(await desk().show(id)).toMatchObject({ state: 'paused', reason: 'paused by ana', running: { planId } })
    await plans().command(planId, { does: 'discard', by })
    await until(
      async () => (await desk().show(id)).past.at(-1),
      expect.objectContaining({ planId, outcome: 'discarded' }),
    )
    const { counted } = await desk().show(id)
    await desk().command(id, { does: 'resume', by })
    const next = await planOf(id, 'proposed')
    expect([next.id === planId, (await desk().show(id)).counted > counted]).toEqual([false, true])
    expect(await desk().command(id, { does: 'delete', by })).toMatchObject({ state: 'deleted' })
    expect((await plans().show(next.id)).state).toBe('proposed')
    await expect(desk().command(id, { does: 'resume', by })).rejects.toMatchObject({ type: 'PLAN_CLOSED' })
    await plans().command(next.id, { does: 'discard', by })
  })

  it('knows that a plan was ended in Temporal, and makes the next one', async () => {
    cloud.addServer({ host: 'compute1' })
    const id = await desk().begin({ interval: 'PT5S', count: 30 })
    const first = await planOf(id, 'proposed')
    await bench.client.workflow.getHandle(`plan/${first.id}`).terminate('by hand')
    // times that pass until it is noticed are left out, because it is taken to run
    const outcomes = async () => (await desk().show(id)).past.map(({ planId, detail }) => planId === first.id && detail)
    await until(async () => (await outcomes()).includes('its workflow was ended in Temporal'), true)
    await until(async () => (await desk().show(id)).running?.planId !== undefined, true)
    const second = await planOf(id, 'proposed')
    expect(second.id).not.toBe(first.id)
    await desk().command(id, { does: 'delete', by })
    await plans().command(second.id, { does: 'discard', by })
  })
})

describe('a recurring plan that asks nobody', () => {
  it('is carried out by itself where the governor lets machines act', async () => {
    for (let i = 0; i < 2; i++) cloud.addServer({ host: 'compute1' })
    const id = await desk().begin({ count: 1 }, { approve: 'auto' })
    const { planId = '', outcome } = await ended(id)
    expect([outcome, on('compute1')]).toEqual(['done', 0])
    const { timeline, answers } = await plans().show(planId)
    expect(timeline[0]?.text).toMatch(/which olga lets be carried out without being asked$/)
    expect(answers).toEqual([])
  })

  it('asks where the governor wants a yes, and where two persons have to look', async () => {
    cloud.addServer({ host: 'compute1' })
    const gov = governor(bench.client, bench.taskQueue)
    await gov.setMode({ scope: 'runbook/carry-out-plan', mode: 'ask', by: 'olga' })
    const careful = await planOf(await desk().begin({ count: 1 }, { approve: 'auto' }), 'proposed')
    await gov.clearMode('runbook/carry-out-plan', 'olga')
    expect(careful.timeline.at(-1)?.text).toMatch(/^the governor wants a person's yes: /)
    expect([on('compute1'), careful.waves.map(({ state }) => state)]).toEqual([1, ['waiting']])
    await plans().command(careful.id, { does: 'approve', by, planId: careful.digest?.id ?? '' })
    await until(async () => (await plans().show(careful.id)).state, 'done')
    expect(on('compute1')).toBe(0)

    cloud.addServer({ host: 'compute1' })
    for (const service of cloud.world.services) Object.assign(service, { status: 'enabled', disabledReason: null })
    Object.assign(config.approval, { twoPersonsFromHosts: 2 })
    const large = await planOf(await desk().begin({ count: 1 }, { approve: 'auto' }), 'proposed')
    Object.assign(config.approval, { twoPersonsFromHosts: 6 })
    expect([large.needs, on('compute1')]).toEqual([2, 1])
    await plans().command(large.id, { does: 'discard', by })
  })

  it('begins no wave after its window, not even one that waited for its lease, and opens its hosts again', async () => {
    for (let i = 0; i < 2; i++) cloud.addServer({ host: 'compute1' })
    const gov = governor(bench.client, bench.taskQueue)
    const hold = holdOf('host/compute1')
    await gov.hold(hold)
    const id = await desk().begin({ count: 1 }, { approve: 'auto', windowMinutes: seconds(20) })
    const { outcome, detail } = await ended(id)
    await gov.release(hold.id, by)
    expect([outcome, on('compute1'), closed()]).toEqual(['stopped', 2, []])
    expect(detail).toMatch(/^WINDOW_CLOSED: window closed at .*: wave 1 of 2: .*host\/compute1 is held by olga/)
  })
})

describe('a recurring plan that follows a signal', () => {
  const follows = { goal: 'consolidate', options: {}, signal: PlanSignal.parse({ query: 'carbon' }) } as const

  it('consolidates when energy is dear, the harder the dearer, and spreads when it is plenty', async () => {
    cloud.addServer({ host: 'compute1' })
    for (const [value, goal, maxCpuPercent] of [
      [1, 'consolidate', 90],
      [0.6, 'consolidate', 60],
      [0.1, 'spread', undefined],
    ] as const) {
      signal = value
      const id = await desk().begin({ count: 1 }, follows)
      // it says which plan it begins, begins it, and a plan that has nothing to move is over at once
      const asked = async () => {
        const { running, past } = await desk().show(id)
        const planId = running?.planId ?? past[0]?.planId ?? ''
        return plans()
          .show(planId)
          .then((plan) => [plan.goal, plan.options.maxCpuPercent], codeOf)
      }
      await until(asked, [goal, maxCpuPercent])
    }
  })

  it('makes no plan in between, nor when the signal is no share; it says so', async () => {
    for (const [value, says] of [
      [0.5, 'signal 0.5 lies between 0.3 and 0.6: nothing changes'],
      [7, 'signal 7: not a number from 0 to 1'],
    ] as const) {
      signal = value
      expect(await ended(await desk().begin({ count: 1 }, follows))).toMatchObject({ outcome: 'skipped', detail: says })
    }
  })
})

import { randomUUID } from 'node:crypto'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { createComputeHosts } from '../../activities/compute-hosts.ts'
import { createMigrationActivities } from '../../activities/migration.ts'
import { createPause } from '../../activities/pause.ts'
import { createPlanMaking } from '../../activities/plan-making.ts'
import { createPlanWaves } from '../../activities/plan-waves.ts'
import { planInThread } from '../../activities/planning.ts'
import type { AuditEvent } from '../../core/audit.ts'
import { newPlan, type PlanState, type PlanView } from '../../core/cloud-plan.ts'
import { fakeCloud } from '../../simulator/cloud.ts'
import { createAudit } from '../../temporal/audit.ts'
import { createPlanDocuments } from '../../temporal/plan-documents.ts'
import { createPlans } from '../../temporal/plans.ts'
import { createRig, released } from '../activities/rig.ts'
import { type RealActivities, until, useWorker } from './engine.ts'
import { governed, governorPlace, holdOf, wideOpen } from './governor-bench.ts'
import { person } from './people.ts'
import { brakesOf } from './plan-bench.ts'

const cloud = await fakeCloud()
const trustId = cloud.addTrust('olga', 'admin', ['admin'])
const { sessions } = createRig(cloud, { trustId, timeoutMs: 20_000 })
const pause = createPause(new AbortController().signal)
const { activities, governor } = governed(wideOpen({ mode: 'ask' }))

/** What a worker has, at a cloud that behaves like a real one; only the hosts that the governor counts are made up. */
const real: RealActivities = (client, queue) => {
  const documents = createPlanDocuments(client)
  return {
    ...activities(client, queue),
    ...createPlanMaking({ sessions, documents, plans: createPlans(client), planning: planInThread }),
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
  Object.assign(cloud.host('compute1'), { migrationFault: undefined })
})

const plans = () => createPlans(bench.client, bench.taskQueue)

async function ask(more: Partial<PlanView> = {}): Promise<PlanView> {
  const id = randomUUID()
  const { userId, name: by } = person('olga')
  const createdAt = new Date().toISOString()
  const view = { ...newPlan({ id, goal: 'drain', options: { drain: ['compute1'] }, by, userId, createdAt }), ...more }
  await plans().start({ view, governor: brakesOf() })
  return reaches(id, 'proposed')
}

async function reaches(id: string, state: PlanState): Promise<PlanView> {
  await until(async () => (await plans().show(id)).state, state)
  return plans().show(id)
}

const approve = ({ id, digest }: PlanView) =>
  plans().command(id, { does: 'approve', by: person('paul'), planId: digest?.id ?? '' })

const on = (host: string) => cloud.world.servers.filter((one) => one.host === host).map(({ id }) => id)
const closed = () => cloud.world.services.flatMap(({ disabledReason }) => disabledReason ?? [])

describe('a plan on a cloud', () => {
  it('empties a host and closes it; its way back fills and opens it; all of it is in the audit', async () => {
    const home = [1, 2, 3].map(() => cloud.addServer({ host: 'compute1' }).id)
    const plan = await ask()
    expect([on('compute1').length, closed()]).toEqual([3, []])
    await approve(plan)
    const done = await reaches(plan.id, 'done')
    expect([on('compute1'), closed()]).toEqual([[], [`steward plan/${plan.id}`]])
    expect(done.waves.map(({ moved }) => moved)).toEqual([1, 1, 1])

    const back = await ask({ goal: 'undo', options: {}, undoes: plan.id })
    await approve(back)
    await reaches(back.id, 'done')
    expect([new Set(on('compute1')), closed()]).toEqual([new Set(home), []])

    const events: AuditEvent[] = []
    const period = { sinceMs: Date.parse(plan.createdAt) - 60_000, untilMs: Date.now() + 60_000, limit: 1_000 }
    for await (const event of createAudit(bench.client).events(period)) if ('action' in event) events.push(event)
    const told = events
      .filter(({ outcome }) => outcome === 'success')
      .map(({ action, initiator }) => [action, initiator.id])
    const by = `plan/${plan.id}`
    for (const expected of [
      ['create/plan', 'id-of-olga'],
      ['allow/plan', 'id-of-paul'],
      ['disable/host', by],
      ['update/live-migrate', by],
      ['enable/host', `plan/${back.id}`],
    ])
      expect(told).toContainEqual(expected)
  })

  it('is not carried out where its runbook only watches, nor on a host that a person holds; nothing is closed', async () => {
    cloud.addServer({ host: 'compute1' })
    const gov = governor(bench.client, bench.taskQueue)
    await gov.setMode({ scope: 'runbook/carry-out-plan', mode: 'observe', by: 'olga' })
    const watched = await ask()
    await approve(watched)
    expect(await reaches(watched.id, 'stopped')).toMatchObject({ reason: { code: 'OBSERVE_ONLY' } })
    await gov.clearMode('runbook/carry-out-plan', 'olga')

    const hold = holdOf('host/compute1')
    await gov.hold(hold)
    const held = await ask()
    await approve(held)
    const says = async () => (await plans().detail(held.id)).says
    await until(async () => (await says())?.includes('host/compute1 is held by olga (person)'), true)
    expect([on('compute1').length, closed()]).toEqual([1, []])
    await gov.release(hold.id, person('olga'))
    await reaches(held.id, 'done')
    expect(on('compute1')).toEqual([])
  })

  it('whose first move fails moves no other, says why, and leaves no host closed', async () => {
    for (let i = 0; i < 2; i++) cloud.addServer({ host: 'compute1' })
    Object.assign(cloud.host('compute1'), { migrationFault: 'the target does not answer' })
    const plan = await ask({ options: { drain: ['compute1'], outgoingPerHost: 2 } })
    await approve(plan)
    const { reason, waves } = await reaches(plan.id, 'failed')
    expect(reason?.detail).toMatch(/ended as failed.*around it: the hosts cannot be drained/)
    expect(waves).toMatchObject([{ state: 'ended', moved: 0, states: ['failed', 'waiting'] }])
    await until(closed, [])
    expect(on('compute1')).toHaveLength(2)
    expect(cloud.effects.filter(({ kind }) => kind === 'live migration').length).toBeGreaterThan(0)
  })
})

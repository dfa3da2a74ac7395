import { randomUUID } from 'node:crypto'
import { Worker } from '@temporalio/worker'
import { afterAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { createCloudReadActivities } from '../../activities/cloud-reads.ts'
import { createComputeHosts } from '../../activities/compute-hosts.ts'
import { createDeferredCallActivities } from '../../activities/deferred-call.ts'
import { createEffectActivities } from '../../activities/effect.ts'
import { createMigrationActivities } from '../../activities/migration.ts'
import type { Pause } from '../../activities/pause.ts'
import { createPlanMaking } from '../../activities/plan-making.ts'
import { createPlanWaves } from '../../activities/plan-waves.ts'
import { planInThread } from '../../activities/planning.ts'
import type { AuditEvent } from '../../core/audit.ts'
import { newPlan, type PlanState, type PlanView } from '../../core/cloud-plan.ts'
import { failure } from '../../core/errors.ts'
import { fakeCloud, type Server } from '../../simulator/cloud.ts'
import { flavors } from '../../simulator/openstack/world.ts'
import { createAudit } from '../../temporal/audit.ts'
import { createDataConverter } from '../../temporal/data-converter.ts'
import { createPlanDocuments } from '../../temporal/plan-documents.ts'
import { createPlans } from '../../temporal/plans.ts'
import { createRig, released } from '../activities/rig.ts'
import { type RealActivities, until, useWorker } from './engine.ts'
import { governed, governorPlace, wideOpen } from './governor-bench.ts'
import { doneTo } from './library-bench.ts'
import { person } from './people.ts'
import { brakesOf } from './plan-bench.ts'

const cloud = await fakeCloud({ network: true })
const { sessions } = createRig(cloud, { trustId: cloud.addTrust('olga', 'admin', ['admin']), timeoutMs: 20_000 })
/** Waits as a worker does, twenty times faster. */
const pause: Pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms / 20))
const { activities } = governed(wideOpen())
/** What happens when somebody is about to be asked to change something, or when an end is waited for. */
const hooks: { beforeRead(path: string): void; beforeCall(): void; limitSeconds?: number; beforeWait(): void } = {
  beforeRead: () => undefined,
  beforeCall: () => undefined,
  beforeWait: () => undefined,
}

const real: RealActivities = (client, queue) => {
  const documents = createPlanDocuments(client)
  const { awaitEffect } = createEffectActivities(sessions, pause)
  const { readCloud } = createCloudReadActivities(sessions)
  return {
    ...activities(client, queue),
    ...createPlanMaking({ sessions, documents, plans: createPlans(client), planning: planInThread }),
    ...createPlanWaves({ sessions, documents }),
    ...createComputeHosts(sessions, released),
    ...createMigrationActivities({ sessions, pause, brake: released, pollMs: 20 }),
    readCloud(call) {
      hooks.beforeRead(call.path)
      return readCloud(call)
    },
    ...createDeferredCallActivities(sessions, pause, async () => hooks.beforeCall()),
    awaitEffect(input) {
      hooks.beforeWait()
      waitedFor.push(input.limitSeconds)
      const { limitSeconds } = hooks
      return awaitEffect({ ...input, ...(limitSeconds !== undefined && { limitSeconds }) })
    },
  }
}
const waitedFor: (number | undefined)[] = []
const taskQueue = `test-${randomUUID()}`
const bench = useWorker(taskQueue, real, [governorPlace(taskQueue).taskQueue])
afterAll(() => cloud.close())

beforeEach(() => {
  cloud.world.servers.splice(0)
  cloud.world.allocations.clear()
  cloud.world.migrations.splice(0)
  waitedFor.splice(0)
  for (const service of cloud.world.services) Object.assign(service, { status: 'enabled', disabledReason: null })
  Object.assign(cloud.host('compute1'), { migrationFault: undefined })
  const nothing = () => undefined
  Object.assign(hooks, { beforeRead: nothing, beforeCall: nothing, beforeWait: nothing, limitSeconds: undefined })
})

const tiny = flavors[0]!
const running = (more: Omit<Partial<Server>, 'host'> = {}) =>
  cloud.addServer({ host: 'compute1', flavor: tiny, ...more })
const stopped = (more: Omit<Partial<Server>, 'host'> = {}) =>
  running({ status: 'SHUTOFF', vmState: 'stopped', ...more })

const plans = () => createPlans(bench.client, bench.taskQueue)
type Options = Omit<PlanView['options'], 'drain'>
async function ask(options: Options, more: Partial<PlanView> = {}): Promise<PlanView> {
  const id = randomUUID()
  const { userId, name: by } = person('olga')
  const createdAt = new Date().toISOString()
  const wish = { id, goal: 'drain' as const, options: { drain: ['compute1'], ...options }, by, userId, createdAt }
  await plans().start({ view: { ...newPlan(wish), ...more }, governor: brakesOf() })
  return reaches(id, 'proposed')
}
async function reaches(id: string, state: PlanState): Promise<PlanView> {
  await until(async () => (await plans().show(id)).state, state)
  return plans().show(id)
}
const approve = ({ id, digest }: PlanView) =>
  plans().command(id, { does: 'approve', by: person('paul'), planId: digest?.id ?? '' })
async function carriedOut(options: Options, end: PlanState = 'done') {
  const plan = await ask(options)
  await approve(plan)
  return reaches(plan.id, end)
}

/** Histories of its waves. */
async function wavesOf(id: string) {
  const workflowId = `run/plan/${id}`
  const all = []
  for await (const { runId } of bench.client.workflow.list({ query: `WorkflowId = '${workflowId}'` }))
    all.push({ workflowId, history: await bench.client.workflow.getHandle(workflowId, runId).fetchHistory() })
  expect(all.length).toBeGreaterThan(0)
  return all
}

const on = (host: string) => cloud.world.servers.filter((one) => one.host === host)
/** Hosts that hold room for a server. */
const heldFor = ({ id }: Server): (string | null)[] => [...(cloud.world.allocations.get(id)?.keys() ?? [])]
const unconfirmed = () => cloud.world.migrations.filter(({ status }) => !['confirmed', 'completed'].includes(status))
const movesOf = (server: Server) => doneTo(cloud, server).filter((what) => what !== 'created')

describe('a plan that moves servers cold', () => {
  it('empties a host of what is off and of what runs: off stays off, and no resize waits to be confirmed', async () => {
    const [one, two, runs] = [stopped(), stopped(), running()]
    const done = await carriedOut({ cold: 'stopped' })
    expect(on('compute1')).toEqual([])
    expect([one, two, runs].map(({ status }) => status)).toEqual(['SHUTOFF', 'SHUTOFF', 'ACTIVE'])
    expect([one, two].map(movesOf)).toEqual([
      ['cold migration', 'resize confirmed'],
      ['cold migration', 'resize confirmed'],
    ])
    expect(movesOf(runs)).toEqual(['live migration'])
    expect(unconfirmed()).toEqual([])
    for (const server of [one, two, runs]) expect(heldFor(server)).toEqual([server.host])
    const { moves } = await plans().detail(done.id)
    expect(new Map(moves.map(({ serverId, kind }) => [serverId, kind]))).toEqual(
      new Map([
        [one.id, 'cold'],
        [two.id, 'cold'],
        [runs.id, 'live'],
      ]),
    )
    // a worker that takes over in the middle of a wave comes to the same steps
    for await (const { error } of Worker.runReplayHistories(
      { workflowBundle: { codePath: inject('engine').bundle }, dataConverter: createDataConverter(bench.keys) },
      await wavesOf(done.id),
    ))
      expect(error).toBeUndefined()
    // 20 min, and a minute for each GiB of disk
    expect(waitedFor).toContain(1200 + 60 * tiny.disk)

    const events: AuditEvent[] = []
    const period = { sinceMs: Date.parse(done.createdAt) - 60_000, untilMs: Date.now() + 60_000, limit: 1_000 }
    for await (const event of createAudit(bench.client).events(period)) if ('action' in event) events.push(event)
    const told = events.filter(({ outcome, target }) => outcome === 'success' && target.id.includes(one.id))
    expect(told.map(({ action, initiator }) => [action, initiator.id])).toEqual([
      ['update/server.migrate-to', `plan/${done.id}`],
      ['update/server.confirm-resize', `plan/${done.id}`],
    ])
  })

  it('goes back the way it came: what is off goes cold, and is off still', async () => {
    const [off, runs] = [stopped(), running()]
    const { id } = await carriedOut({ cold: 'stopped' })
    const back = await ask({}, { goal: 'undo', options: { cold: 'stopped' }, undoes: id })
    await approve(back)
    await reaches(back.id, 'done')
    expect(new Set(on('compute1'))).toEqual(new Set([off, runs]))
    expect([off.status, runs.status]).toEqual(['SHUTOFF', 'ACTIVE'])
    expect(movesOf(off)).toEqual(['cold migration', 'resize confirmed', 'cold migration', 'resize confirmed'])
    expect(movesOf(runs)).toEqual(['live migration', 'live migration'])
    expect(unconfirmed()).toEqual([])
  })

  it('moves what runs cold as well where nothing can be moved live, says so first, and asks a person whatever was agreed', async () => {
    const [off, runs] = [stopped(), running()]
    // to be carried out without anybody being asked: as far as machines may go
    const plan = await ask({ cold: 'all' }, { approve: 'auto' })
    expect(plan.digest?.takenDown).toBe(1)
    expect(plan.timeline.at(-1)?.text).toMatch(/^proposes 2 move\(s\) .*; 1 server\(s\) that run are down meanwhile$/)
    expect((await plans().document(plan.id)).notes.map(({ says }) => says)).toContainEqual(
      expect.stringMatching(/^1 server\(s\) that run are moved cold: each is down for about \d+ s$/),
    )
    await approve(plan)
    await reaches(plan.id, 'done')
    expect([off.status, runs.status]).toEqual(['SHUTOFF', 'ACTIVE'])
    expect(movesOf(runs)).toEqual(['cold migration', 'resize confirmed'])
    expect([on('compute1'), unconfirmed()]).toEqual([[], []])
  })

  it('of what is off only is carried out by itself where that was agreed: nobody feels it', async () => {
    const off = stopped()
    const id = randomUUID()
    const { userId, name: by } = person('olga')
    const wish = { id, goal: 'drain' as const, options: { drain: ['compute1'], cold: 'stopped' as const }, by, userId }
    const view = newPlan({ ...wish, createdAt: new Date().toISOString(), approve: 'auto' })
    await plans().start({ view, governor: brakesOf() })
    await reaches(id, 'done')
    expect([off.status, on('compute1')]).toEqual(['SHUTOFF', []])
  })
})

describe('a cold move', () => {
  it('that Nova refuses ends the wave with its words; the server is where it was, and off', async () => {
    const off = stopped()
    Object.assign(cloud.host('compute1'), { migrationFault: 'no ssh to the other host' })
    const { reason, waves } = await carriedOut({ cold: 'stopped' }, 'failed')
    expect(reason?.detail).toMatch(
      /the cold migration of server .* did not end well: .*no ssh to the other host; it is SHUTOFF on compute1/,
    )
    expect(waves).toMatchObject([{ state: 'ended', moved: 0, states: ['failed'] }])
    expect([off.host, off.status]).toEqual(['compute1', 'SHUTOFF'])
  })

  it('of which nobody can say that it went well is taken back', async () => {
    const off = stopped()
    Object.assign(hooks, {
      beforeRead(path: string) {
        if (path.includes('/ports')) throw failure('CLOUD_REFUSED', 'Neutron answered 403')
      },
    })
    const { reason } = await carriedOut({ cold: 'stopped' }, 'failed')
    expect(reason?.detail).toMatch(/Neutron answered 403; it is SHUTOFF on compute1/)
    expect(movesOf(off)).toEqual(['cold migration', 'resize reverted'])
    expect(heldFor(off)).toEqual(['compute1'])
  })

  it('that takes longer than its disk explains is left to Nova, and said to be under way', async () => {
    const off = stopped()
    Object.assign(hooks, {
      limitSeconds: 1,
      beforeWait: () => Object.assign(off, { pending: undefined }),
    })
    const { reason } = await carriedOut({ cold: 'stopped' }, 'failed')
    expect(reason?.detail).toMatch(/its end was not seen within 1 s; it is RESIZE on compute1/)
    expect(movesOf(off)).toEqual(['cold migration'])
  })

  it('of a server that was started since is not begun: the plan is stale and says which one', async () => {
    const off = stopped()
    const plan = await ask({ cold: 'stopped' })
    Object.assign(off, { status: 'ACTIVE', vmState: 'active' })
    await approve(plan)
    const { reason } = await reaches(plan.id, 'stale')
    expect(reason?.detail).toContain(`server ${off.id} was off when it was planned, and runs by now`)
    expect(movesOf(off)).toEqual([])
  })

  it('is not begun either when that happens after the cloud was looked at', async () => {
    const off = stopped()
    const start = () => Object.assign(off, { status: 'ACTIVE', vmState: 'active' })
    Object.assign(hooks, { beforeRead: (path: string) => path === `/servers/${off.id}` && start() })
    const { reason } = await carriedOut({ cold: 'stopped' }, 'stale')
    expect(reason?.detail).toContain(`server ${off.id} was off when it was planned, and runs by now`)
    expect([movesOf(off), off.status]).toEqual([[], 'ACTIVE'])
  })

  it('that meets the stop button before it has begun was not begun', async () => {
    const off = stopped()
    Object.assign(hooks, {
      beforeCall: () => {
        throw failure('STOPPED', 'the stop button is pressed')
      },
    })
    const { reason, waves } = await carriedOut({ cold: 'stopped' }, 'stopped')
    expect(reason?.code).toBe('STOPPED')
    expect(waves).toMatchObject([{ moved: 0, states: ['waiting'] }])
    expect([off.status, movesOf(off)]).toEqual(['SHUTOFF', []])
  })

  it('that meets it in the middle says what is left to a person', async () => {
    const off = stopped()
    Object.assign(hooks, {
      beforeCall: () => {
        if (movesOf(off).length > 0) throw failure('STOPPED', 'the stop button is pressed')
      },
    })
    const { reason, waves } = await carriedOut({ cold: 'stopped' }, 'stopped')
    expect(reason).toMatchObject({
      code: 'STOPPED',
      detail: expect.stringMatching(/it is VERIFY_RESIZE on compute\d, and has to be confirmed or reverted/),
    })
    expect(waves).toMatchObject([{ moved: 0, states: ['failed'] }])
    expect(movesOf(off)).toEqual(['cold migration'])
  })
})

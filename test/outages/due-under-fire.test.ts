import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Client } from '@temporalio/client'
import { describe, expect, it, type TestContext, vi } from 'vitest'
import type { ScheduledAction } from '../../core/action.ts'
import { taskQueues } from '../../core/task-queues.ts'
import { type FakeCloud, fakeCloud } from '../../simulator/cloud.ts'
import { createActions } from '../../temporal/actions.ts'
import { connectClient } from '../../temporal/connection.ts'
import { type Embedded, startEmbedded } from '../../temporal/embedded.ts'
import { loadKeys } from '../../temporal/keys.ts'
import { prepareNamespace } from '../../temporal/namespace.ts'
import { actionOf } from '../workflows/action-bench.ts'
import { freePort } from '../workflows/ports.ts'

const program = fileURLToPath(new URL('../../bin/steward.js', import.meta.url))
const count = 24
/** Long enough for a worker that runs to begin with all of them. */
const dueInMs = 25_000

/** The real worker as a process of its own, a Temporal of its own, and a cloud that counts what is done to it. */
async function installation(onTestFinished: TestContext['onTestFinished']) {
  const cloud = await fakeCloud()
  onTestFinished(() => cloud.close())
  const dir = await mkdtemp(join(tmpdir(), 'steward-fire-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  const [port, uiPort] = await Promise.all([freePort(), freePort()])
  let temporal: Embedded | undefined
  const startTemporal = async () => {
    temporal = await startEmbedded({ dataDir: dir, port, uiPort })
  }
  await startTemporal()
  onTestFinished(async () => temporal?.stop())
  const keys = await loadKeys(join(dir, 'keys.json'))
  const address = `127.0.0.1:${port}`
  const { client, close } = await connectClient({ connectionOptions: { address }, namespace: 'default' }, keys)
  onTestFinished(close)
  await prepareNamespace(client, 1)
  const config = join(dir, 'steward.yaml')
  await writeFile(config, JSON.stringify({ dataDir: dir, worker: { metrics: { port: 0 } } }))

  let worker: ChildProcess | undefined
  const startWorker = () => {
    worker = spawn(process.execPath, [program, 'worker', '--config', config], {
      stdio: ['ignore', 'ignore', 'ignore'],
      env: { PATH: process.env.PATH, TEMPORAL_ADDRESS: address, ...loginOf(cloud) },
    })
  }
  const killWorker = async () => {
    const ended = new Promise((resolve) => worker?.once('exit', resolve))
    if (worker?.kill('SIGKILL')) await ended
  }
  onTestFinished(killWorker)
  startWorker()
  await isServed(client, taskQueues.actions)
  const killTemporal = async () => {
    process.kill(temporal?.pid ?? 0, 'SIGKILL')
    await temporal?.died
  }
  return { cloud, actions: createActions(client), startWorker, killWorker, startTemporal, killTemporal }
}

/** A worker asks for tasks: one that is started the first time bundles its workflows before, which takes its time. */
async function isServed({ workflowService }: Client, name: string): Promise<void> {
  const ask = { namespace: 'default', taskQueue: { name }, taskQueueType: 1 }
  const pollers = async () => (await workflowService.describeTaskQueue(ask)).pollers
  await vi.waitFor(async () => expect(await pollers()).not.toHaveLength(0), { timeout: 120_000, interval: 500 })
}

const loginOf = ({ authUrl, password }: FakeCloud) => ({
  OS_AUTH_URL: `${authUrl}/v3`,
  OS_USERNAME: 'steward',
  OS_PASSWORD: password,
  OS_PROJECT_NAME: 'service',
  OS_USER_DOMAIN_NAME: 'Default',
  OS_PROJECT_DOMAIN_NAME: 'Default',
})

interface Due {
  readonly action: ScheduledAction
  /** How often it was done, as the cloud counts. */
  readonly done: () => number
  /** There is no record by which a lost answer could be looked up. */
  readonly cannotBeTold: boolean
}

/**
 * All due in one second: stops of a server each, as bare calls and by name, which leave a record; and servers to be made,
 * which a call that was made twice would make twice.
 */
function dueTogether(cloud: FakeCloud): Due[] {
  const runAt = new Date(Date.now() + dueInMs).toISOString()
  const whose = { runAt, projectId: cloud.project('demo').id, userId: cloud.user('alice').id }
  const actionTo = (what: object): ScheduledAction => {
    const { view, ...rest } = actionOf(cloud.addTrust('alice', 'demo', ['member']), { maxLatenessMs: 180_000 })
    const { call: _other, ...more } = view
    return { ...rest, view: { ...more, ...whose, ...what } }
  }
  return Array.from({ length: count }, (_, at) => {
    if (at % 3 === 0) {
      const body = { server: { name: `made-${at}`, imageRef: 'any', flavorRef: '1', networks: 'none' } }
      const done = () => cloud.world.servers.filter(({ name }) => name === `made-${at}`).length
      const call = { service: 'compute', method: 'POST', path: '/servers', body }
      return { action: actionTo({ call }), done, cannotBeTold: true }
    }
    const { id: serverId } = cloud.addServer({ host: 'compute1' })
    const done = () => cloud.effects.filter(({ kind, target }) => kind === 'stop' && target === serverId).length
    const call = { service: 'compute', method: 'POST', path: `/servers/${serverId}/action`, body: { 'os-stop': null } }
    const what = at % 3 === 1 ? { call } : { action: 'server.stop', with: { serverId } }
    return { action: actionTo(what), done, cannotBeTold: false }
  })
}

/** Answers that are lost before or after the effect, and refusals of the moment, dealt over what is asked of Nova. */
function disturb(cloud: FakeCloud): void {
  const action = { service: 'compute', method: 'POST' } as const
  const busy = { status: 503, headers: { 'retry-after': '1' }, body: {} }
  const wrongs = ['reset after effect', 'reset', busy, 'reset after effect', busy, 'reset'] as const
  for (const wrong of wrongs) cloud.fail(action, wrong)
  for (const wrong of ['reset', busy, 'reset'] as const) cloud.fail({ service: 'compute', method: 'GET' }, wrong)
}

async function awayFor(listener: FakeCloud['nova'], ms: number): Promise<void> {
  await listener.stop()
  await sleep(ms)
  await listener.start()
}

/** First the worker alone, in the middle of the calls; then, when the next one is at work, it and Temporal together. */
async function kill({
  killWorker,
  startWorker,
  killTemporal,
  startTemporal,
}: Awaited<ReturnType<typeof installation>>) {
  await killWorker()
  startWorker()
  await sleep(9_000)
  await Promise.all([killWorker(), killTemporal()])
  await startTemporal()
  startWorker()
}

describe('actions that are due together while Keystone, Nova, Temporal and the worker come and go', () => {
  it('are each done, once, and not early; what nobody can tell is asked of a person', { timeout: 300_000 }, async ({
    onTestFinished,
  }) => {
    const steward = await installation(onTestFinished)
    const { cloud, actions } = steward
    const due = dueTogether(cloud)
    for (const { action } of due) await actions.start(action)
    const dueMs = Date.parse(due[0]?.action.view.runAt ?? '')
    const projectId = cloud.project('demo').id
    const views = () => Promise.all(due.map(({ action }) => actions.show(action.view.id, projectId)))
    const waiting = async () => (await views()).filter(({ runRequestId }) => runRequestId !== undefined).length
    await vi.waitFor(async () => expect(await waiting()).toBe(count), { timeout: dueInMs, interval: 200 })
    disturb(cloud)
    await sleep(dueMs - Date.now() - 200)
    expect(due.map(({ done }) => done())).toEqual(Array(count).fill(0))
    const cuts = (async () => {
      await awayFor(cloud.nova, 2_000)
      await sleep(1_500)
      await awayFor(cloud.keystone, 2_000)
    })()
    await sleep(2_700)
    await kill(steward)
    await cuts

    const open = async () => (await views()).filter(({ trustDeleted }) => trustDeleted !== true).length
    await vi.waitFor(async () => expect(await open()).toBe(0), { timeout: 200_000, interval: 1_000 })
    const told = (await views()).map(({ state, reason }, at) => ({ state, detail: reason?.detail, ...due[at] }))
    for (const { state, detail, done, cannotBeTold } of told)
      if (state === 'outcome-unknown' && cannotBeTold) expect(done?.()).toBeLessThanOrEqual(1)
      else expect([state, detail, done?.()]).toEqual(['done', undefined, 1])
    // what cannot be told is what was under way when the answer was lost, not all of them
    expect(told.filter(({ state }) => state === 'done').length).toBeGreaterThan(count / 2)
    expect(cloud.world.trusts.filter(({ deleted }) => !deleted)).toEqual([])
  })
})

import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Context } from '@temporalio/activity'
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker'
import { createGovernorActivities } from '../../activities/governor.ts'
import type { Activities } from '../../core/activities.ts'
import { failure } from '../../core/errors.ts'
import { connectClient, connectWorker } from '../../temporal/connection.ts'
import { createDataConverter } from '../../temporal/data-converter.ts'
import { createGovernor } from '../../temporal/governor.ts'
import { loadKeys } from '../../temporal/keys.ts'
import { governorPlace, wideOpen } from '../workflows/governor-bench.ts'

/** How a test starts this process: `node --import tsx mortal-steward.ts '<JSON>'`. */
export interface MortalStewardOptions {
  address: string
  keysFile: string
  bundle: string
  taskQueue: string
  /** File that stands for the outside world: one line per thing done to it. Outlives the process. */
  journal: string
  /** File whose existence lets everything go on that hangs. */
  goes: string
}

const { address, keysFile, bundle, taskQueue, journal, goes } = JSON.parse(
  process.argv[2] ?? '{}',
) as MortalStewardOptions
const did = (line: string) => appendFileSync(journal, `${line}\n`)
const isDone = (line: string) => readFileSync(journal, 'utf8').split('\n').includes(line)

/** The host of this name stays in this step until it may go on, whoever is at work on it. */
async function staysIn(step: string, host: string): Promise<void> {
  if (host !== step) return
  did(`is in ${step}`)
  while (!existsSync(goes)) {
    Context.current().heartbeat()
    await Promise.race([sleep(100), Context.current().cancelled])
  }
}

const move = (serverId: string, from: string) => ({
  ...{ serverId, serverName: serverId, from, to: 'cool', memoryMiB: 512, reason: 'relieves it' },
})

/** A cloud whose hosts are named by what becomes of them. Like the real one, it does nothing a second time. */
const cloud: Partial<Activities> = {
  async surveyHosts({ host }) {
    await staysIn('surveying', host)
    const well = { up: 30, down: 0 }
    return { takenAt: new Date().toISOString(), zone: { name: 'nova', ...well }, cloud: well }
  },
  recallFirings: async ({ entity: { host } }) => ({ firings: host === 'flapping' ? 99 : 1 }),
  async lookAtService({ host }) {
    await staysIn('confirming', host)
    const state = isDone(`restart ${host}`) ? 'up' : 'down'
    const company = { up: 30, down: state === 'down' ? 1 : 0 }
    return { host, binary: 'nova-compute', state, status: 'enabled', forcedDown: false, updatedAt: null, company }
  },
  describeService: async () => ({ seenBy: 'nova', isSupervised: false }),
  checkEvacuations: async () => undefined,
  lookAtProcess: async () => null,
  async restartService({ host }) {
    await staysIn('before-restart', host)
    const outcome = isDone(`restart ${host}`) ? 'was restarted' : 'restarted'
    if (outcome === 'restarted') did(`restart ${host}`)
    await staysIn('after-restart', host)
    return { outcome }
  },
  async awaitServiceUp({ host }) {
    await staysIn('watching', host)
    return { outcome: 'stable', upAfterMs: 5 }
  },
  async planRelief({ host }) {
    await staysIn('planning', host)
    if (host === 'escalated') throw failure('PLAN_IMPOSSIBLE', 'no host has room')
    return { moves: [move(`${host}-a`, host), move(`${host}-b`, host)], skipped: [], before: 0.9, after: 0.5 }
  },
  async liveMigrate({ serverId, from }) {
    if (!isDone(`migrate ${serverId}`)) did(`migrate ${serverId}`)
    if (serverId.endsWith('-b')) await staysIn('moving', from)
    return { host: 'cool', migrationUuid: `m-${serverId}`, durationMs: 1 }
  },
}

// Temporal being away is what this process is for
Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) })
const engine = { connectionOptions: { address }, namespace: 'default' }
const keys = await loadKeys(keysFile)
const { client } = await connectClient(engine, keys)
const place = governorPlace(taskQueue)
const governor = createGovernor(client, wideOpen(), place)

const shared = {
  connection: await connectWorker(engine),
  dataConverter: createDataConverter(keys),
  workflowBundle: { codePath: bundle },
  activities: {
    ...createGovernorActivities({ governor, client, sessions: undefined as never, brake: async () => undefined }),
    ...cloud,
  },
}
const workers = await Promise.all(
  [taskQueue, place.taskQueue].map((queue) => Worker.create({ ...shared, taskQueue: queue })),
)
await Promise.all(workers.map((worker) => worker.run()))

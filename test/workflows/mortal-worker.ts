import { appendFileSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Context } from '@temporalio/activity'
import { Worker } from '@temporalio/worker'
import type { Activities } from '../../core/activities.ts'
import { connectClient, connectWorker } from '../../temporal/connection.ts'
import { createDataConverter } from '../../temporal/data-converter.ts'
import { loadKeys } from '../../temporal/keys.ts'
import { tellHolder } from './scripted.ts'

/** How a test starts this process: `node --import tsx mortal-worker.ts '<JSON>'`. */
export interface MortalWorkerOptions {
  address: string
  keysFile: string
  bundle: string
  taskQueue: string
  /** File that stands for the outside world: one line per thing done to it. Outlives the process. */
  journal: string
}

const options = JSON.parse(process.argv[2] ?? '{}') as MortalWorkerOptions
const { address, keysFile, bundle, taskQueue, journal } = options

/** When each line was written, epoch ms; also by workers before this one. */
const writtenMs = (line: string) =>
  readFileSync(`${journal}.times`, 'utf8')
    .split('\n')
    .filter((l) => l.endsWith(` ${line}`))
    .map((l) => Number.parseInt(l, 10))
const did = (line: string) => {
  appendFileSync(`${journal}.times`, `${Date.now()} ${line}\n`)
  appendFileSync(journal, `${line}\n`)
}
const timesDone = (line: string) =>
  readFileSync(journal, 'utf8')
    .split('\n')
    .filter((l) => l === line).length

/** Goes on for ever, and is seen to be alive, until the process is killed. */
async function hang(): Promise<never> {
  for (;;) {
    Context.current().heartbeat('under way')
    await sleep(200)
  }
}

const engine = { connectionOptions: { address }, namespace: 'default' }
const keys = await loadKeys(keysFile)
const { client } = await connectClient(engine, keys)

const activities: Partial<Activities> = {
  async surveyHosts() {
    const up = { up: 3, down: 0 }
    return { takenAt: new Date().toISOString(), zone: { name: 'nova', ...up }, cloud: up }
  },
  async requestLease({ request }) {
    did(`asked for ${request.targets[0]}`)
    await tellHolder(client, request)
  },
  async giveBackLease() {
    did('gave the lease back')
  },
  async performCall({ call }) {
    did(`asked ${call.path}`)
    if (call.path === '/killed-before' && timesDone(`asked ${call.path}`) === 1) await hang()
    did(`POST ${call.path}`)
    if (call.path === '/killed-during' && timesDone(`POST ${call.path}`) === 1) await hang()
    return { status: 202, startedAt: new Date().toISOString() }
  },
  async reconcileCall({ call, sentAfter }) {
    did(`looked ${call.path}`)
    // calls of earlier occurrences are no answer
    const since = writtenMs(`POST ${call.path}`).some((atMs) => atMs >= Date.parse(sentAfter))
    return { verdict: since ? 'done' : 'not done' }
  },
  async deleteTrust({ trustId }) {
    did(`deleted ${trustId}`)
  },
  async planRelief({ host }) {
    did('planned')
    const move = (serverId: string) => ({
      ...{ serverId, serverName: serverId, from: host, to: 'cmp-cool', memoryMiB: 512, reason: 'relieves it' },
    })
    return { moves: ['a', 'b', 'c'].map(move), skipped: [], before: 0.9, after: 0.7 }
  },
  // as the real one: what Nova is at already is only waited for
  async liveMigrate({ serverId }) {
    if (timesDone(`migrate ${serverId}`) > 0) did(`waited on for ${serverId}`)
    else {
      did(`migrate ${serverId}`)
      if (serverId === 'b') await hang()
    }
    return { host: 'cmp-cool', migrationUuid: `m-${serverId}`, durationMs: 1 }
  },
}

const worker = await Worker.create({
  connection: await connectWorker(engine),
  taskQueue,
  dataConverter: createDataConverter(keys),
  workflowBundle: { codePath: bundle },
  activities,
})
await worker.run()

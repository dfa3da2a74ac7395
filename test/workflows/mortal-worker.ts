import { appendFileSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Context } from '@temporalio/activity'
import { Worker } from '@temporalio/worker'
import type { Activities } from '../../core/activities.ts'
import type { Deed } from '../../core/chain.ts'
import { connectWorker } from '../../temporal/connection.ts'
import { createDataConverter } from '../../temporal/data-converter.ts'
import { loadKeys } from '../../temporal/keys.ts'
import { verdict } from './scripted.ts'

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

/** A server that is moved cold, if that is what it is about. */
const coldServer = (input: unknown) => {
  const { serverId } = (input ?? {}) as { serverId?: unknown }
  return typeof serverId === 'string' && serverId.startsWith('c-') ? serverId : undefined
}
/** An action by name stands in the journal as if that were its path, with the server that it moves cold. */
const pathOf = (deed: Deed) => {
  if ('call' in deed) return deed.call.path
  const moved = coldServer(deed.input)
  return moved === undefined ? `/${deed.action}` : `/${deed.action}/${moved}`
}
/** Killed after Nova has got it, and before anybody knows. */
const killedDuring = (path: string) =>
  path.startsWith('/killed-during') || path === '/server.migrate-to/c-a' || path === '/server.confirm-resize/c-b'

/** What has become of a server that is moved cold, which was off, by what the journal says was asked of Nova. */
function coldlyMoved(id: string) {
  const [isMoved, isConfirmed] = ['migrate-to', 'confirm-resize'].map(
    (does) => timesDone(`POST /server.${does}/${id}`) > 0,
  )
  const host = isMoved ? 'cmp-cool' : 'cmp-old'
  const waits = isMoved && !isConfirmed
  const migration = {
    ...{ id: 1, uuid: `m-${id}`, migration_type: 'migration', instance_uuid: id },
    ...{ status: waits ? 'finished' : 'confirmed', source_compute: 'cmp-old', dest_compute: 'cmp-cool' },
  }
  return {
    server: {
      ...{ id, status: waits ? 'VERIFY_RESIZE' : 'SHUTOFF', flavor: { ram: 512 } },
      ...{ 'OS-EXT-STS:vm_state': waits ? 'resized' : 'stopped', 'OS-EXT-STS:task_state': null },
      ...{ 'OS-EXT-SRV-ATTR:host': host, 'OS-EXT-SRV-ATTR:hypervisor_hostname': host },
    },
    migrations: isMoved ? [migration] : [],
    allocations: { [host]: {} },
  }
}
const goesOn = (deed: Deed) => ('call' in deed ? {} : ({ goesOn: true } as const))

const activities: Partial<Activities> = {
  async surveyHosts() {
    const up = { up: 3, down: 0 }
    return { takenAt: new Date().toISOString(), zone: { name: 'nova', ...up }, cloud: up }
  },
  async requestLease({ request }) {
    did(`asked for ${request.targets[0]}`)
    return verdict(request)
  },
  async giveBackLease() {
    did('gave the lease back')
  },
  async performCall(deed) {
    const path = pathOf(deed)
    did(`asked ${path}`)
    if (path === '/killed-before' && timesDone(`asked ${path}`) === 1) await hang()
    did(`POST ${path}`)
    if (killedDuring(path) && timesDone(`POST ${path}`) === 1) await hang()
    return { status: 202, startedAt: new Date().toISOString(), ...goesOn(deed) }
  },
  async reconcileCall(deed) {
    const path = pathOf(deed)
    const { sentAfter } = deed
    did(`looked ${path}`)
    // calls of earlier occurrences are no answer
    const since = writtenMs(`POST ${path}`).some((atMs) => atMs >= Date.parse(sentAfter))
    return { verdict: since ? 'done' : 'not done' }
  },
  async readCloud({ path }) {
    const [, kind = '', id = ''] = path.split(/[/?]/)
    if (kind === 'resource_providers') return { status: 200, body: { name: id } }
    if (kind === 'v2.0') return { status: 200, body: { ports: [] } }
    const [about = ''] = /c-[ab]/.exec(path) ?? []
    return { status: 200, body: coldlyMoved(about) }
  },
  async awaitEffect({ action, input }) {
    if (coldServer(input) !== undefined) return { outcome: 'done', detail: 'seen' }
    did(`waited for /${action}`)
    if (timesDone(`waited for /${action}`) === 1) await hang()
    return { outcome: 'done', detail: 'seen' }
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
  async makePlan({ options }) {
    const isCold = options.cold !== undefined
    if (!isCold) did('planned for many')
    const at = new Date().toISOString()
    const figures = { hostsBefore: 2, hostsAfter: 1, deviationBefore: 0, deviationAfter: 0 }
    return {
      ...{
        id: '0'.repeat(32),
        pack: isCold ? `pack-${options.drain?.[0]}` : 'pack-1',
        takenAt: at,
        expiresAt: '2099-01-01T00:00:00.000Z',
        moves: 3,
        hosts: 2,
      },
      efficacy: { ...figures, wishesUnheardBefore: 0, wishesUnheardAfter: 0, benefitHostHours: 1, costHostHours: 0 },
      ...{ released: 1, forecast: { durationMs: 1, downtimeMs: 1, copiedMiB: 1 } },
      waves: [{ wave: 1, moves: 3, durationMs: 1 }],
    }
  },
  async readWave({ pack }) {
    const [, id] = /^pack-(c-.)$/.exec(pack) ?? []
    if (id) {
      const move = { serverId: id, serverName: id, from: 'cmp-old', to: 'cmp-cool', memoryMiB: 0, reason: 'is off' }
      return { moves: [{ ...move, cold: { isOff: true, copiedMiB: 0 } }], zones: [], emptied: [], opened: [] }
    }
    const move = (serverId: string) => ({
      ...{ serverId, serverName: serverId, from: 'cmp-full', to: 'cmp-cool', memoryMiB: 512, reason: 'empties it' },
    })
    return { moves: ['p-a', 'p-b', 'p-c'].map(move), zones: ['nova'], emptied: ['cmp-full'], opened: [] }
  },
  async checkWave({ pack }) {
    if (pack === 'pack-1') did('the wave holds')
  },
  async disableHost({ host }) {
    did(`disabled ${host}`)
    return { ours: true }
  },
  async verifyMoves({ moves }) {
    if (!moves.some(coldServer)) did('looked where they are')
    return { astray: [] }
  },
  async reportOutcome() {
    did('told how it went')
  },
  // as the real one: what Nova is at already is only waited for
  async liveMigrate({ serverId }) {
    if (timesDone(`migrate ${serverId}`) > 0) did(`waited on for ${serverId}`)
    else {
      did(`migrate ${serverId}`)
      if (serverId.endsWith('b')) await hang()
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

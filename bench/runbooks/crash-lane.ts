import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { codeOf } from '../../core/errors.ts'
import { eventually } from '../../demo/stage/eventually.ts'
import { stewardEnvironment } from '../../demo/stage/steward.ts'
import { connectClient } from '../../temporal/connection.ts'
import { loadKeys } from '../../temporal/keys.ts'
import { createRuns } from '../../temporal/runs.ts'
import type { Fate, MortalWorkerOptions, Said } from './mortal-worker.ts'
import type { BenchCloud } from './real-cloud.ts'

const script = fileURLToPath(new URL('mortal-worker.ts', import.meta.url))
/** A run that has not ended by then is stuck. */
const patienceMs = 300_000

/** What is counted of a run in the records of Nova, the BMCs and the supervisor, by its words. */
export type Counts = ReadonlyMap<string, number>

/** What one case of the matrix is played with. */
export interface CrashScene {
  readonly input: object
  counts(): Promise<Counts>
  /** What a run that did not succeed should have taken back, and has not. */
  left(): Promise<string[]>
  clear(): Promise<void>
}

export interface CrashPlay {
  readonly runbook: string
  set(cloud: BenchCloud): Promise<CrashScene>
}

export type Way = Omit<Fate, 'workflowId'>

export interface CaseEnd extends Way {
  readonly how: 'succeeded' | 'ended otherwise' | 'unknown' | 'stuck'
  readonly code?: string
  /** Names of the side effects that were asked for, until a worker died. */
  readonly effects: readonly string[]
  readonly counts: Counts
  readonly left: readonly string[]
  readonly seconds: number
  /** It had ended before it came to where its worker was to die. */
  readonly missed: boolean
}

/** Plays one case after the other on workers of its own, which die one after the other. */
export async function openLane(cloud: BenchCloud) {
  const { stage } = cloud
  const address = `127.0.0.1:${stage.ports.temporal}`
  const engine = { connectionOptions: { address }, namespace: 'default' }
  const { client, close } = await connectClient(engine, await loadKeys(join(stage.steward.dataDir, 'keys.json')))
  const options = { configFile: stage.steward.configFile, address, taskQueue: `crash-${randomUUID()}` }
  let worker = await startWorker(options, stage.cloud.cloudsYaml)

  async function play({ runbook, set }: CrashPlay, way: Way): Promise<CaseEnd> {
    // one may have died by itself, on a machine that is too busy
    if (!worker.isAlive()) worker = await startWorker(options, stage.cloud.cloudsYaml)
    const scene = await set(cloud)
    try {
      return await playOn(scene, runbook, way)
    } finally {
      await scene.clear()
    }
  }

  async function playOn(scene: CrashScene, runbook: string, way: Way): Promise<CaseEnd> {
    const id = randomUUID()
    const workflowId = `run/by-hand/${id}`
    const beganMs = Date.now()
    const fated = await worker.tell({ workflowId, ...way })
    const said = { by: 'olga', why: 'the crash matrix' }
    const order = { runbook, input: scene.input, dryRun: false, ...said }
    await createRuns(client, options.taskQueue).start(id, order, { requester: 'person', waitSeconds: 120, ...said })
    const handle = client.workflow.getHandle(workflowId)
    const ended = handle.result().then(
      () => ({ how: 'succeeded' as const, code: undefined }),
      (error: unknown) => ({ how: 'ended otherwise' as const, code: codeOf(error) }),
    )
    const late = () => sleep(patienceMs, { how: 'stuck' as const, code: undefined }, { ref: false })
    const first = await Promise.race([fated.there.then(() => 'there' as const), ended, late()])
    if (first === 'there') {
      await worker.kill()
      worker = await startWorker(options, stage.cloud.cloudsYaml)
    }
    const end = await Promise.race([ended, late()])
    const how = isUnknown(end.code) ? ('unknown' as const) : end.how
    const left = how === 'succeeded' ? [] : await scene.left()
    const leases = await leasesOf(cloud, workflowId)
    const counts = await scene.counts()
    return {
      ...{ ...way, how, ...(end.code !== undefined && { code: end.code }), effects: fated.effects, counts },
      ...{ left: [...left, ...leases], seconds: (Date.now() - beganMs) / 1000 },
      missed: way.kill !== undefined && first !== 'there',
    }
  }

  return {
    play,
    async close() {
      await worker.kill()
      await close()
    },
  }
}

const isUnknown = (code: string | undefined) => code === 'OUTCOME_UNKNOWN' || code === 'SSH_OUTCOME_UNKNOWN'

/** A lease is given back a moment after its run has ended. */
async function leasesOf({ stage: { olga } }: BenchCloud, workflowId: string): Promise<string[]> {
  const held = async () => {
    const { body } = await olga.steward('GET', '/v1/leases')
    const { leases } = body as { leases: readonly { id: string; workflowId?: string }[] }
    return leases.filter((lease) => lease.workflowId === workflowId).map(({ id }) => `lease ${id}`)
  }
  let left: string[] = []
  await eventually(
    'the lease to be given back',
    async () => {
      left = await held()
      return left.length === 0
    },
    { withinMs: 10_000 },
  ).catch(() => undefined)
  return left
}

interface Fated {
  readonly there: Promise<void>
  readonly effects: readonly string[]
}

async function startWorker(options: MortalWorkerOptions, cloudsYaml: string) {
  const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(options)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...stewardEnvironment(), OS_CLIENT_CONFIG_FILE: cloudsYaml },
  })
  const heard = (what: Said['what']) =>
    new Promise<void>((resolve, reject) => {
      child.on('message', (said: Said) => said.what === what && resolve())
      child.once('exit', () => reject(new Error(`the worker died before it was ${what}`)))
    })
  await heard('ready')
  return {
    isAlive: () => child.connected,
    async tell(fate: Fate): Promise<Fated> {
      const effects: string[] = []
      const there = new Promise<void>((resolve) => {
        child.on('message', (said: Said) => {
          if (!('workflowId' in said) || said.workflowId !== fate.workflowId) return
          if (said.what === 'effect') effects.push(said.name)
          else resolve()
        })
      })
      const told = heard('told')
      child.send(fate)
      await told
      return { there, effects }
    },
    async kill(): Promise<void> {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await exited
    },
  }
}

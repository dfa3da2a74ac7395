import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Client } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRunMoves } from '../../activities/run-moves.ts'
import { codeOf } from '../../core/errors.ts'
import type { LeaseGrounds } from '../../core/governor.ts'
import { createAudit } from '../../temporal/audit.ts'
import { connectClient } from '../../temporal/connection.ts'
import { startEmbedded } from '../../temporal/embedded.ts'
import { type Keys, loadKeys } from '../../temporal/keys.ts'
import { createRunVersions } from '../../temporal/run-versions.ts'
import { createRuns } from '../../temporal/runs.ts'
import { until } from './engine.ts'
import type { OwnWorkerOptions, Said } from './own-worker.ts'
import { freePort } from './ports.ts'

const script = fileURLToPath(new URL('own-worker.ts', import.meta.url))
const grounds: LeaseGrounds = { requester: 'person', by: 'olga', why: 'a test', waitSeconds: 60 }

/** A runbook of this installation that asks in the middle. */
const runbook = (steps: string, summary: string) => `
import { defineRunbook, z } from 'steward/runbook'
export default defineRunbook({
  name: 'ask-twice', title: 'Asks', description: 'Asks a person.', input: z.strictObject({}), risk: 'read',
  needs: {}, targets: () => [],
  async run(run) { ${steps}; return { summary: '${summary}' } },
})`
const asks = "await run.ask('Go on?', { withinSeconds: 600 })"
const rests = "await run.sleep(0.01, 'a rest')"

let dataDir: string
let folder: string
let address: string
let client: Client
let keys: Keys
const leave: (() => Promise<unknown>)[] = []
const workers: ChildProcess[] = []

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'steward-versions-'))
  folder = join(dataDir, 'own')
  await mkdir(folder)
  const [port, uiPort] = [await freePort(), await freePort()]
  const embedded = await startEmbedded({ dataDir, port, uiPort })
  address = `127.0.0.1:${port}`
  keys = await loadKeys(join(dataDir, 'keys.json'))
  const connected = await connectClient(embedded.engine, keys)
  client = connected.client
  leave.push(() => rm(dataDir, { recursive: true, force: true }), embedded.stop, connected.close)
})

afterAll(async () => {
  for (const worker of workers) worker.kill('SIGKILL')
  for (const step of leave.reverse()) await step()
})

/** Writes the runbook anew and starts a worker with it, as somebody does who has edited it. */
async function startWorker(steps: string, summary: string) {
  await writeFile(join(folder, 'ask-twice.ts'), runbook(steps, summary))
  const options: OwnWorkerOptions = { address, dataDir, folder }
  const env = { ...process.env, STEWARD_CACHE: join(dataDir, 'cache'), ...login }
  const worker = fork(script, [JSON.stringify(options)], { execArgv: ['--import', 'tsx'], env, stdio: 'inherit' })
  workers.push(worker)
  const said: Exclude<Said, string>[] = []
  await new Promise<void>((resolve, reject) => {
    worker.on('message', (one: Said) => (one === 'started' ? resolve() : said.push(one)))
    worker.once('exit', (code) => reject(new Error(`the worker ended: ${code} ${JSON.stringify(said)}`)))
  })
  return {
    said,
    async kill() {
      const gone = once(worker, 'exit')
      worker.kill('SIGKILL')
      await gone
    },
  }
}

/** Nobody listens there: what is tested here asks no cloud. */
const login = {
  OS_AUTH_URL: 'http://127.0.0.1:9/v3',
  ...{ OS_USERNAME: 'steward', OS_PASSWORD: 'none', OS_PROJECT_NAME: 'service', OS_USER_DOMAIN_ID: 'default' },
  OS_PROJECT_DOMAIN_ID: 'default',
}

const runs = () => createRuns(client)

async function begin() {
  const id = randomUUID()
  const order = { runbook: 'ask-twice', input: {}, dryRun: false, by: 'olga', why: 'a test' }
  await runs().start(id, order, grounds)
  const show = () => runs().show(id)
  const state = async () => (await show()).state
  return {
    id,
    show,
    async asks() {
      await until(state, 'asking')
      return (await show()).version?.build ?? ''
    },
    /** What it ends with once it has its answer. */
    async answered() {
      const questionId = (await show()).question?.id ?? ''
      await runs().answer(id, { questionId, by: 'otto', yes: true })
      await until(state, 'succeeded')
      return (await show()).summary
    },
    move: (why = 'a bug was mended') => runs().move(id, { by: 'paula', why }),
  }
}

describe('whoever edits a runbook and restarts the worker', { timeout: 240_000 }, () => {
  it('has nothing to do: runs under way end on the code they began with, new ones begin with the new one', async () => {
    const before = await startWorker(`${asks}; ${rests}`, 'the old way')
    const [first, second] = [await begin(), await begin()]
    const old = await first.asks()
    expect((await first.show()).version).toEqual({ build: old, isCurrent: true, isServed: true })
    await second.asks()
    await before.kill()

    const after = await startWorker(`${rests}; ${asks}`, 'the new way')
    const third = await begin()
    expect(await third.asks()).not.toBe(old)
    expect((await first.show()).version).toMatchObject({ build: old, isCurrent: false, isServed: true })
    expect(await first.answered()).toBe('the old way')
    expect(await third.answered()).toBe('the new way')

    // a worker that is not the newest any more moves nothing
    const { workflowId } = await second.show()
    const { runId } = await client.workflow.getHandle(workflowId).describe()
    const latecomer = createRunMoves({ client, keys, build: { id: 'older', bundle: '' } })
    expect(await latecomer.moveRun({ workflowId, runId }).catch(codeOf)).toBe('RUN_NOT_MOVED')

    // a run whose steps the new code would not take stays where it is
    expect(await second.move().catch(codeOf)).toBe('RUN_INCOMPATIBLE')
    expect((await second.show()).version).toMatchObject({ build: old })
    expect(await second.answered()).toBe('the old way')
    const letGo = () => after.said.some(({ msg, build }) => build === old && msg.startsWith('no run needs'))
    await until(letGo, true)
    expect(await second.move().catch(codeOf)).toBe('RUN_ENDED')
    await after.kill()
  })

  it('may move a run whose steps fit, which the audit tells; a run whose code is lost waits until then', async () => {
    const before = await startWorker(`${asks}; ${rests}`, 'with a mistake')
    const run = await begin()
    const old = await run.asks()
    await before.kill()
    await rm(join(dataDir, 'bundles', `${old}.js`))

    const after = await startWorker(`${asks}; ${rests}`, 'without it')
    await until(() => after.said.find(({ build }) => build === old)?.runs, 1)
    expect(after.said.find(({ build }) => build === old)?.msg).toMatch(/steward run move/)
    const { raw } = await client.workflow.getHandle(`run/by-hand/${run.id}`).describe()
    const status = { name: 'RUNNING' } as never
    const seen = await createRunVersions(client, 1_000).versionOf({ raw, status } as never)
    expect(seen).toEqual({ build: old, isCurrent: false, isServed: false })

    const moved = await run.move()
    expect(moved.version).toMatchObject({ isCurrent: true, isServed: true })
    expect(await run.move()).toMatchObject({ version: moved.version })
    expect(await run.answered()).toBe('without it')
    const told = []
    const period = { sinceMs: Date.now() - 600_000, untilMs: Date.now(), limit: 100 }
    for await (const event of createAudit(client).events(period)) told.push(event)
    expect(told).toContainEqual(
      expect.objectContaining({
        ...{ action: 'update/move-run', outcome: 'success' },
        initiator: expect.objectContaining({ name: 'paula' }),
        target: expect.objectContaining({ id: `run/by-hand/${run.id}` }),
      }),
    )
    await after.kill()
  })
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, type TestContext } from 'vitest'
import { codeOf, messageOf } from '../../core/errors.ts'
import { connectClient } from '../../temporal/connection.ts'
import { startEmbedded } from '../../temporal/embedded.ts'
import { createIncidents } from '../../temporal/incidents.ts'
import { loadKeys } from '../../temporal/keys.ts'
import { actionOf, startAction } from './action-bench.ts'
import { until, viewOf } from './engine.ts'
import { alertOf, configOf, gaugePolicy } from './incident-bench.ts'
import { freePort } from './ports.ts'

type AtEnd = TestContext['onTestFinished']

async function place(atEnd: AtEnd) {
  const dataDir = await mkdtemp(join(tmpdir(), 'steward-embedded-'))
  atEnd(() => rm(dataDir, { recursive: true, force: true }))
  const [port, uiPort] = await Promise.all([freePort(), freePort()])
  return { dataDir, port, uiPort }
}

async function start(options: Awaited<ReturnType<typeof place>>, atEnd: AtEnd) {
  const embedded = await startEmbedded(options)
  atEnd(embedded.stop)
  return embedded
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const refusalOf = async (started: Promise<unknown>) => {
  const error: unknown = await started.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return { code: codeOf(error), message: error && messageOf(error) }
}

const answers = (host: string, port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = createConnection({ host, port })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })

describe.concurrent('the embedded Temporal', () => {
  it.for(['port', 'uiPort'] as const)(
    'names the setting when somebody listens on its %s',
    async (setting, { onTestFinished }) => {
      const options = await place(onTestFinished)
      const squatter = createServer().listen(options[setting], '127.0.0.1')
      onTestFinished(() => void squatter.close())
      await once(squatter, 'listening')
      const { code, message } = await refusalOf(startEmbedded(options))
      expect(code).toBe('CONFIG_INVALID')
      expect(message).toContain(`port ${options[setting]} (temporal.${setting}) is taken`)
    },
  )

  it('refuses a database of another server version, and leaves it alone', async ({ onTestFinished }) => {
    const options = await place(onTestFinished)
    await writeFile(join(options.dataDir, 'temporal.version'), '1.7\n')
    await writeFile(join(options.dataDir, 'temporal.db'), 'precious')
    const { code, message } = await refusalOf(startEmbedded(options))
    expect(code).toBe('CONFIG_INVALID')
    expect(message).toContain('was written by Temporal 1.7')
    expect(await readFile(join(options.dataDir, 'temporal.db'), 'utf8')).toBe('precious')
  })

  it('says that it died when it is killed, and where it listened nobody answers', async ({ onTestFinished }) => {
    const options = await place(onTestFinished)
    const { pid, died } = await start(options, onTestFinished)
    expect(await answers('127.0.0.1', options.port)).toBe(true)
    process.kill(pid, 'SIGKILL')
    expect(await died).toBe('Temporal ended (SIGKILL)')
    expect(await answers('127.0.0.1', options.port)).toBe(false)
  })

  it('listens on loopback only', async ({ onTestFinished }) => {
    const { port, uiPort } = await startedPlace(onTestFinished)
    // all of 127.0.0.0/8 leads here, but only to those who listen on every address
    expect(await answers('127.0.0.2', port)).toBe(false)
    expect(await answers('127.0.0.2', uiPort)).toBe(false)
    expect(await answers('127.0.0.1', uiPort)).toBe(true)
  })

  it('is ended together with the orphan that a killed Steward left behind, and all it held is kept', async ({
    onTestFinished,
  }) => {
    const options = await place(onTestFinished)
    const script = fileURLToPath(new URL('abandoned-engine.ts', import.meta.url))
    const args = ['--import', 'tsx', script, options.dataDir, `${options.port}`, `${options.uiPort}`]
    const steward = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    const [said] = (await once(steward.stdout, 'data')) as [Buffer]
    const orphan = Number(said.toString())
    const keys = await loadKeys(join(options.dataDir, 'keys.json'))
    const engine = { connectionOptions: { address: `127.0.0.1:${options.port}` }, namespace: 'default' }

    const before = await connectClient(engine, keys)
    const action = actionOf('trust-1', { dueInMs: 60_000 })
    const { workflowId } = await startAction({ client: before.client, taskQueue: 'nobody' }, action)
    await before.close()
    steward.kill('SIGKILL')
    await once(steward, 'exit')
    expect(isAlive(orphan)).toBe(true)

    const { pid } = await start(options, onTestFinished)
    expect(pid).not.toBe(orphan)
    expect(isAlive(orphan)).toBe(false)
    const after = await connectClient(engine, keys)
    onTestFinished(after.close)
    const handle = after.client.workflow.getHandle(workflowId)
    expect((await handle.describe()).status.name).toBe('RUNNING')
    expect(await viewOf(handle)).toEqual(action.view)
  })

  it('does not end a process that merely has the id in its old pid file', async ({ onTestFinished }) => {
    const options = await place(onTestFinished)
    const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
    onTestFinished(() => void bystander.kill())
    await writeFile(join(options.dataDir, 'temporal.pid'), `${bystander.pid}\n`)
    const { stop } = await start(options, onTestFinished)
    expect(isAlive(bystander.pid ?? 0)).toBe(true)
    await stop()
  })
})

describe.concurrent('a Temporal that is stopped', () => {
  it('is gone when stop resolves, has not died, and keeps everything for the next start', async ({
    onTestFinished,
  }) => {
    const options = await place(onTestFinished)
    const { engine, stop, pid, died } = await start(options, onTestFinished)
    const keys = await loadKeys(join(options.dataDir, 'keys.json'))
    const before = await connectClient(engine, keys)
    const action = actionOf('trust-1', { dueInMs: 60_000 })
    const { workflowId } = await startAction({ client: before.client, taskQueue: 'nobody' }, action)
    await before.close()
    await Promise.all([stop(), stop()])
    await stop()
    expect(isAlive(pid)).toBe(false)
    expect(await Promise.race([died, 'not died'])).toBe('not died')

    await start(options, onTestFinished)
    const after = await connectClient(engine, keys)
    onTestFinished(after.close)
    expect(await viewOf(after.client.workflow.getHandle(workflowId))).toEqual(action.view)
  })

  it('lets an alert be refused as ENGINE_UNREACHABLE, in time for the monitor to send it again', async ({
    onTestFinished,
  }) => {
    const options = await place(onTestFinished)
    const { engine, stop } = await start(options, onTestFinished)
    const { client, close } = await connectClient(engine, await loadKeys(join(options.dataDir, 'keys.json')))
    onTestFinished(close)
    await stop()
    const policy = gaugePolicy()
    const beginMs = Date.now()
    const reported = createIncidents(client, configOf(policy)).report(alertOf(policy, { host: 'cmp-1' }))
    expect(await refusalOf(reported)).toEqual({ code: 'ENGINE_UNREACHABLE', message: 'Temporal does not answer' })
    expect(Date.now() - beginMs).toBeLessThan(8_000)
  })
})

async function startedPlace(atEnd: AtEnd) {
  const options = await place(atEnd)
  await start(options, atEnd)
  await until(() => answers('127.0.0.1', options.uiPort), true)
  return options
}

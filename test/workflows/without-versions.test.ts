import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { expect, inject, it, onTestFinished, vi } from 'vitest'
import { startRunWorkers } from '../../boot/run-workers.ts'
import { attributes } from '../../core/search-attributes.ts'
import { findTemporalCli } from '../../temporal/cli-binary.ts'
import { connectClient, connectWorker } from '../../temporal/connection.ts'
import { createDataConverter } from '../../temporal/data-converter.ts'
import { loadKeys } from '../../temporal/keys.ts'
import { createRunBundles } from '../../temporal/run-bundles.ts'
import { createRunVersions } from '../../temporal/run-versions.ts'
import { createRuns } from '../../temporal/runs.ts'
import { until } from './engine.ts'
import { freePort } from './ports.ts'
import { quietRuntime } from './quiet-runtime.ts'
import { createWorlds } from './scripted.ts'

/** A Temporal in which somebody has switched worker deployments off. */
async function engineWithout() {
  const port = await freePort()
  const args = ['server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--port', `${port}`, '--log-level', 'never']
  args.push('--dynamic-config-value', 'system.enableDeploymentVersions=false')
  for (const { name, type } of Object.values(attributes))
    args.push('--search-attribute', `${name}=${type === 'KEYWORD_LIST' ? 'KeywordList' : 'Keyword'}`)
  const server = spawn(await findTemporalCli(), args, { stdio: 'ignore' })
  onTestFinished(async () => {
    server.kill('SIGKILL')
    await once(server, 'exit')
  })
  const listens = () =>
    new Promise<boolean>((resolve) => {
      const socket = createConnection({ host: '127.0.0.1', port })
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
  await until(listens, true)
  return { connectionOptions: { address: `127.0.0.1:${port}` }, namespace: 'default' }
}

it('a Temporal without worker deployments has its runs served all the same, and the log says what that means', async () => {
  quietRuntime()
  const engine = await engineWithout()
  const keys = await loadKeys(inject('engine').keysFile)
  const { client, close } = await connectClient(engine, keys)
  const connection = await connectWorker(engine)
  const warn = vi.fn()
  const { bundle } = inject('engine')
  const versions = createRunVersions(client)
  const workers = await startRunWorkers({
    shared: {
      ...{ connection, dataConverter: createDataConverter(keys) },
      activities: { ...createWorlds().activities },
    },
    build: { id: 'any', bundle },
    ...{ versions, bundles: createRunBundles(inject('engine').dataDir), mostFormer: 5 },
    log: { warn, info: vi.fn() } as never,
  })
  onTestFinished(async () => {
    workers.stop()
    await workers.done
    await connection.close()
    await close()
  })
  expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(/no worker deployments .* runs under way/))
  const runs = createRuns(client)
  const order = { runbook: 'ask-person', input: { question: 'Go on?' }, dryRun: false, by: 'olga', why: 'a test' }
  await runs.start('a', order, { requester: 'person', by: 'olga', why: 'a test', waitSeconds: 60 })
  await until(async () => (await runs.show('a')).state, 'asking')
  expect((await runs.show('a')).version).toBeUndefined()
})

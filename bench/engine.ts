import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { startApi } from '../boot/api.ts'
import { parseConfig } from '../boot/config-file.ts'
import { type Foundation, layFoundation } from '../boot/foundation.ts'
import { startWorker } from '../boot/worker.ts'
import { startEmbedded } from '../temporal/embedded.ts'
import { type StubCloud, startStubCloud } from './stub-cloud.ts'

export const webhookToken = 'bench-webhook-token'

export interface BenchEngine {
  readonly foundation: Foundation
  readonly cloud: StubCloud
  readonly url: string
  readonly temporalPid: number
  stop(): Promise<void>
}

/** API, worker and an embedded Temporal in this process, over the stub cloud, with these brakes. */
export async function startBenchEngine(governor: object = {}): Promise<BenchEngine> {
  const dir = await mkdtemp(join(tmpdir(), 'steward-bench-'))
  const cloud = await startStubCloud()
  const [port, uiPort] = await Promise.all([freePort(), freePort()])
  const embedded = await startEmbedded({
    dataDir: dir,
    port,
    uiPort,
    progress: (line) => process.stdout.write(`${line}\n`),
  })
  await writeFile(join(dir, 'token'), webhookToken)
  Object.assign(process.env, {
    OS_AUTH_URL: `${cloud.url}/v3`,
    OS_USERNAME: 'steward',
    OS_PASSWORD: 'stub',
    OS_PROJECT_NAME: 'service',
    OS_USER_DOMAIN_NAME: 'Default',
    OS_PROJECT_DOMAIN_NAME: 'Default',
  })
  const policy = {
    name: 'burst',
    kind: 'gauge',
    when: { labels: { alertname: 'Bench' } },
    runbook: 'relieve-host',
    clearWithinSeconds: 1,
    stableSeconds: 0,
  }
  const config = parseConfig(
    JSON.stringify({
      dataDir: dir,
      keys: { file: join(dir, 'keys.json') },
      listen: { port: 0 },
      codec: { port: 0 },
      worker: { metrics: { port: 0 } },
      sources: [{ name: 'bench', kind: 'alertmanager', tokenFile: join(dir, 'token') }],
      policies: [policy],
      runbooks: { beside: dir },
      governor,
    }),
    'bench',
  )
  const foundation = await layFoundation(config, embedded.engine)
  const log = pino({ level: 'silent' })
  const worker = await startWorker(foundation, log)
  const api = await startApi(foundation, log)
  await foundation.delegations.put({
    state: 'active',
    trustId: 't1',
    trustorUserId: 'u1',
    trustorName: 'olga',
    projectId: 'p1',
    roles: ['admin'],
    createdAt: new Date().toISOString(),
    expiresAt: new Date(Date.now() + 86_400_000).toISOString(),
  })
  return {
    foundation,
    cloud,
    url: api.url,
    temporalPid: embedded.pid,
    async stop() {
      await api.stop()
      await worker.stop()
      await foundation.close()
      await embedded.stop()
      await cloud.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}

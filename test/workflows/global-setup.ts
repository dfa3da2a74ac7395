import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { findOwnRunbooks } from '../../boot/own-runbooks.ts'
import { workflowBundle } from '../../temporal/bundle.ts'
import { connectClient } from '../../temporal/connection.ts'
import { startEmbedded } from '../../temporal/embedded.ts'
import { loadKeys } from '../../temporal/keys.ts'
import { prepareNamespace } from '../../temporal/namespace.ts'
import { freePort } from './ports.ts'

/** What the tests are told about the one engine they share. */
export interface SharedEngine {
  address: string
  dataDir: string
  keysFile: string
  bundle: string
}

declare module 'vitest' {
  interface ProvidedContext {
    engine: SharedEngine
  }
}

/** With runbooks of an installation in it, as one has them. */
async function testBundle(): Promise<string> {
  const folder = fileURLToPath(new URL('own', import.meta.url))
  return workflowBundle(await findOwnRunbooks({ folders: [folder], packages: [], beside: folder }))
}

/** One Temporal and one bundle for all workflow tests; both are gone when they end. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'steward-workflow-tests-'))
  const keysFile = join(dataDir, 'keys.json')
  const keys = await loadKeys(keysFile)
  const [port, uiPort] = await Promise.all([freePort(), freePort()])
  const [embedded, bundle] = await Promise.all([startEmbedded({ dataDir, port, uiPort }), testBundle()])
  const { client, close } = await connectClient(embedded.engine, keys)
  await prepareNamespace(client, 1)
  await close()
  provide('engine', { address: `127.0.0.1:${port}`, dataDir, keysFile, bundle })
  return async () => {
    await embedded.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from '@temporalio/worker'
import { expect, inject, it, onTestFinished } from 'vitest'
import { createDataConverter } from '../../temporal/data-converter.ts'
import { loadKeys } from '../../temporal/keys.ts'
import { quietRuntime } from './quiet-runtime.ts'

interface Kept {
  readonly keys: object
  readonly histories: readonly { readonly workflowId: string; readonly history: unknown }[]
}

/** Histories that an older version has written, with the keys they are encrypted with. */
async function kept(name: string) {
  const file = new URL(`fixtures/${name}.json`, import.meta.url)
  const { keys, histories } = JSON.parse(await readFile(file, 'utf8')) as Kept
  const folder = await mkdtemp(join(tmpdir(), 'steward-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'keys.json'), JSON.stringify(keys), { mode: 0o600 })
  return { histories, keys: await loadKeys(join(folder, 'keys.json')) }
}

it('what was begun before anybody could be told of it goes on: failed, lost, escalated, asking, stopped', async () => {
  quietRuntime()
  const { histories, keys } = await kept('before-notifications')
  expect(histories).toHaveLength(7)
  const options = { workflowBundle: { codePath: inject('engine').bundle }, dataConverter: createDataConverter(keys) }
  for (const { workflowId, history } of histories)
    await expect(Worker.runReplayHistory(options, history, workflowId), workflowId).resolves.toBeUndefined()
})

it('a restart that was begun before supervisors were known goes on: healed, and given up', async () => {
  quietRuntime()
  const { histories, keys } = await kept('before-supervisors')
  expect(histories).toHaveLength(2)
  const options = { workflowBundle: { codePath: inject('engine').bundle }, dataConverter: createDataConverter(keys) }
  for (const { workflowId, history } of histories)
    await expect(Worker.runReplayHistory(options, history, workflowId), workflowId).resolves.toBeUndefined()
})

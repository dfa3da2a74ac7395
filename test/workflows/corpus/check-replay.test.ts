import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { afterAll, beforeAll, expect, inject, it, onTestFinished, vi } from 'vitest'
import { loadKeys } from '../../../temporal/keys.ts'
import { run } from '../../../workflows/run.ts'
import { steward } from '../../cli/steward.ts'
import { useWorker } from '../engine.ts'
import { fileOf } from './kept.ts'

const bench = useWorker()
const bundling = 180_000
const asItWas = fileURLToPath(new URL('../own', import.meta.url))
const act = "    await run.action('server.stop', { serverId })\n"

let folder: string
let exported: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'steward-replay-'))
  exported = join(folder, 'histories', 'tidy.json')
  await mkdir(join(folder, 'histories'))
  const { host } = bench.cloud({ performCall: { status: 202, startedAt: '2026-11-21T00:00:00.000Z' } })
  const order = {
    runbook: 'test-tidy-host',
    input: { host, serverId: randomUUID() },
    dryRun: false,
    by: 'olga',
    why: '-',
  }
  const handle = await bench.client.workflow.start(run, {
    workflowId: `run/by-hand/${randomUUID()}-${host}`,
    taskQueue: bench.taskQueue,
    args: [order, { requester: 'person', by: 'olga', why: '-', waitSeconds: 60 }],
  })
  await handle.result()
  await writeFile(exported, historyToJSON(await handle.fetchHistory()))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A folder with the runbook, changed. */
async function changed(change: (text: string) => string): Promise<string> {
  const own = await mkdtemp(join(folder, 'own-'))
  const text = await readFile(join(asItWas, 'tidy-host.ts'), 'utf8')
  await writeFile(join(own, 'tidy-host.ts'), change(text))
  expect(change(text)).not.toBe(text)
  return own
}

/** What `runbook check --replay` says of the runbooks in a folder. */
async function check(own: string, ...args: string[]) {
  const said: string[] = []
  const spy = vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0)
  try {
    const { out, err, code } = await steward({}, 'runbook', 'check', own, '--replay', ...args)
    return { out, err: err + said.join(''), code: code || Number(process.exitCode ?? 0) }
  } finally {
    spy.mockRestore()
    process.exitCode = undefined
  }
}
const keys = () => ['--keys', inject('engine').keysFile]

it('other words, limits and inputs of the same steps are compatible: exit code 0', { timeout: bundling }, async () => {
  const own = await changed((text) =>
    text
      .replace('is tidy', 'is as tidy as can be')
      .replace("title: 'Tidy up'", "title: 'Tidy up a host'")
      .replace('  async run(', '  expectedMinutes: () => 3,\n  async run('),
  )
  const { out, err, code } = await check(own, exported, ...keys())
  expect(err).toBe('')
  expect(out).toMatch(/test-tidy-host +1 +1 +0 +0/)
  expect(code).toBe(0)
})

it('a further entry in its record is not: exit code 1, and what has changed where', { timeout: bundling }, async () => {
  const own = await changed((text) => text.replace(act, `    run.note('begins')\n${act}`))
  const { out, err, code } = await check(own, folder, ...keys())
  expect(out).toMatch(/test-tidy-host +1 +0 +1 +0/)
  expect(err).toMatch(/^test-tidy-host run\/by-hand\/.* at event \d+ it was .*; now it is/)
  expect(code).toBe(1)
})

it('a runbook that is no more is not; those that come with Steward are there', { timeout: bundling }, async () => {
  const none = await mkdtemp(join(folder, 'none-'))
  const { out, err, code } = await check(none, exported, fileOf('notify'), ...keys())
  expect(err).toMatch(/^test-tidy-host .*: it was runbook test-tidy-host; now it is no runbook that there is\n$/)
  expect(out).toMatch(/notify +5 +5 +0 +0/)
  expect(code).toBe(1)
})

it('what cannot be read is told, and is no success: a missing key, and what is no history', {
  timeout: bundling,
}, async () => {
  const other = join(folder, 'other-keys.json')
  await loadKeys(other)
  const noKey = await check(asItWas, exported, '--keys', other)
  expect(noKey.out).toMatch(/run +1 +0 +0 +1/)
  expect(noKey.err).toMatch(/the key file does not hold key k-/)
  expect(noKey.code).toBe(1)
  const broken = join(folder, 'broken.json.gz')
  onTestFinished(() => rm(broken))
  await writeFile(broken, gzipSync('{"events": []}'))
  const both = await check(asItWas, broken, exported, ...keys())
  expect(both.err).toMatch(/broken\.json\.gz: no history of Temporal: it has no `events`/)
  expect(both.out).toMatch(/test-tidy-host +1 +1 +0 +0/)
  expect(both.code).toBe(1)
})

it('nothing to replay is no success, nor are files that are not there', { timeout: bundling }, async () => {
  const empty = join(folder, 'empty')
  await mkdir(empty)
  expect(await check(asItWas, empty, ...keys())).toMatchObject({
    code: 1,
    err: expect.stringContaining('no history in'),
  })
  expect(await check(asItWas, join(folder, 'nowhere'), ...keys())).toMatchObject({
    code: 1,
    err: expect.stringContaining('ENOENT'),
  })
  expect(await check(asItWas, exported, '--keys', join(folder, 'nowhere'))).toMatchObject({
    code: 1,
    err: expect.stringContaining('--keys: there is no'),
  })
})

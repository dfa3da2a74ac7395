import { mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { buildIdOf } from '../../temporal/bundle.ts'
import { createRunBundles } from '../../temporal/run-bundles.ts'

async function place() {
  const dataDir = await mkdtemp(join(tmpdir(), 'steward-bundles-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  const bundle = join(dataDir, 'workflow-bundle.js')
  await writeFile(bundle, 'code')
  return { dataDir, bundle, bundles: createRunBundles(dataDir) }
}

it('a bundle is kept beyond the file it came from, by workers at the same moment too, until it is forgotten', async () => {
  const { bundle, bundles } = await place()
  await Promise.all([bundles.keep('a', bundle), bundles.keep('a', bundle), bundles.keep('b', bundle)])
  await rm(bundle)
  expect(await readFile(bundles.pathOf('a'), 'utf8')).toBe('code')
  expect(new Set((await bundles.list()).map(({ buildId }) => buildId))).toEqual(new Set(['a', 'b']))
  await bundles.forget('a')
  await bundles.forget('a')
  expect((await bundles.list()).map(({ buildId }) => buildId)).toEqual(['b'])
})

it('one that a worker begins with again counts as kept anew', async () => {
  const { bundle, bundles } = await place()
  await bundles.keep('a', bundle)
  await utimes(bundles.pathOf('a'), 1, 1)
  await bundles.keep('a', bundle)
  const { mtimeMs } = await stat(bundles.pathOf('a'))
  expect(await bundles.list()).toEqual([{ buildId: 'a', keptAtMs: mtimeMs }])
  expect(mtimeMs).toBeGreaterThan(1_000_000)
})

it('a bundle is named by what is in it: other code never has the same name', async () => {
  const { dataDir, bundle } = await place()
  const first = await buildIdOf(bundle)
  expect(first).toMatch(/^[0-9a-f]{16}$/)
  await writeFile(bundle, 'other code')
  expect(await buildIdOf(bundle)).not.toBe(first)
  const bundledHere = join(dataDir, '0123456789abcdef.js')
  await writeFile(bundledHere, 'code')
  expect(await buildIdOf(bundledHere)).toBe('0123456789abcdef')
})

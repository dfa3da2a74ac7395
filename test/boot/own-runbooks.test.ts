import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { bundleWithOwn, checkOwnRunbooks, findOwnRunbooks } from '../../boot/own-runbooks.ts'
import { sandboxProblems } from '../../boot/sandbox-problems.ts'

const runbook = (name: string, body = "return { summary: 'done' }", head = '') => `${head}
import { defineRunbook, z } from 'steward/runbook'
export default defineRunbook({
  name: '${name}', title: 'Greets', description: 'Greets a host.', input: z.strictObject({ host: z.string() }),
  risk: 'read', needs: { calls: ['compute GET /servers/{server}'] }, targets: () => [],
  async run(run, { host }) { ${body} },
})`

const declarative = (name: string) => `name: ${name}
title: Note
description: Writes a note.
risk: read
targets: []
steps:
  - note: hello
`

async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'steward-runbooks-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return folder
}

const own = (folder: string) => ({ folders: [folder], packages: [], beside: folder })
const check = async (files: Readonly<Record<string, string>>) => {
  const folder = await folderOf(files)
  const { cards, problems } = await checkOwnRunbooks(await findOwnRunbooks(own(folder)))
  return { cards, problems: problems.map((problem) => problem.replaceAll(`${folder}/`, '')) }
}

/** A bundle takes seconds to make. */
const bundling = 120_000

describe('runbooks of an installation', () => {
  it('are found in their folders and packages, and shown beside those that come with Steward', {
    timeout: bundling,
  }, async () => {
    const folder = await folderOf({
      'greet-host.ts': runbook('greet-host'),
      'own-words.ts': runbook('own-words', "const fetch = 'mine'; return { summary: fetch, process: 1 }"),
      'by-name.yaml': declarative('by-name'),
      'greet-host.test.ts': 'nothing of ours',
      'notes.md': '# hello',
    })
    const at = join(folder, 'node_modules', '@acme', 'runbooks')
    await mkdir(at, { recursive: true })
    await writeFile(join(at, 'package.json'), '{"name":"@acme/runbooks","main":"index.js","type":"module"}')
    await writeFile(join(at, 'index.js'), runbook('acme-greet'))
    const found = await findOwnRunbooks({ ...own(folder), packages: ['@acme/runbooks'] })
    const { cards, problems } = await checkOwnRunbooks(found)
    expect(problems).toEqual([])
    expect(cards.filter(({ source }) => source === 'own').map(({ name }) => name)).toEqual([
      ...['acme-greet', 'by-name', 'greet-host', 'own-words'],
    ])
    expect(cards.find(({ name }) => name === 'greet-host')).toMatchObject({
      needs: { calls: ['compute GET /servers/{server}'] },
      input: { properties: { host: { type: 'string' } } },
    })
    expect(cards.map(({ name }) => name)).toContain('night-off')
  })

  it('that are none, or have a name that is taken, are all named at once', { timeout: bundling }, async () => {
    const { problems } = await check({
      'nothing.ts': 'export const x = 1',
      'number.ts': 'export default 3',
      'taken.ts': runbook('night-off'),
    })
    expect(problems).toEqual([
      'nothing.ts: its default export is no runbook: export default defineRunbook({ … })',
      'number.ts: its default export is no runbook: export default defineRunbook({ … })',
      'taken.ts: there is a runbook night-off already',
    ])
  })

  it('that contradict themselves keep a worker from starting, which says why', { timeout: bundling }, async () => {
    const folder = await folderOf({ 'bad.ts': runbook('Bad Name') })
    await expect(bundleWithOwn(own(folder))).rejects.toMatchObject({
      type: 'RUNBOOK_INVALID',
      message: expect.stringMatching(/Bad Name.*lower-case letters/),
    })
  })

  it.each([
    ['fetch', "await fetch('http://x'); return { summary: '' }", ':36: there is no fetch in a run: use `run.read`'],
    ['process', "return { summary: process.env.HOME ?? '' }", ':48: there is no process in a run: take what'],
    ['Buffer', "return { summary: Buffer.from('x').toString() }", ':48: there is no Buffer in a run'],
  ])('that use %s are told where, and what to use instead', async (_name, body, says) => {
    const { problems } = await check({ 'bad.ts': runbook('bad', body) })
    expect(problems).toEqual([expect.stringContaining(`bad.ts:6${says}`)])
  })

  it('that name an action which they have not declared are told where, before a run is refused in the middle', async () => {
    const body =
      "await run.action('server.stop', {}); run.undo('on again', () => run.action('server.start', {})); return { summary: '' }"
    const declaring = (name: string, actions: string) =>
      runbook(name, body).replace("calls: ['compute GET /servers/{server}']", `actions: ${actions}`)
    const { problems } = await check({ 'bad.ts': declaring('bad', "['server.stop']") })
    expect(problems).toEqual([expect.stringMatching(/^bad\.ts:6:\d+: server\.start is not in `needs\.actions`/)])
    const both = "['server.stop', 'server.start']"
    for (const actions of [both, "[...names, 'server.stop']"])
      expect(await sandboxProblems({ from: 'a.ts', file: 'a.ts', text: declaring('a', actions) })).toEqual([])
  })

  it('that import something of Node are told so', async () => {
    const { problems } = await check({ 'bad.ts': runbook('bad', undefined, "import { readFile } from 'node:fs'") })
    expect(problems).toEqual(['bad.ts:1:1: it imports node:fs: a run has steward/runbook and zod, nothing of Node'])
  })

  it('are bundled anew when a module that they import has changed', { timeout: bundling }, async () => {
    const folder = await folderOf({ 'a.ts': runbook('a', undefined, "import { limit } from './parts/limit.ts'") })
    await mkdir(join(folder, 'parts'))
    const bundleWith = async (limit: number) => {
      await writeFile(join(folder, 'parts', 'limit.ts'), `export const limit = ${limit}\n`)
      return (await checkOwnRunbooks(await findOwnRunbooks(own(folder)))).bundle
    }
    const first = await bundleWith(1)
    expect(await bundleWith(2)).not.toBe(first)
    expect(await bundleWith(1)).toBe(first)
  })

  it('that are declarative are told what is wrong with line and column', async () => {
    const { problems } = await check({ 'by-name.yaml': declarative('by-name').replace('risk:', 'riks:') })
    expect(problems).toEqual([
      'by-name.yaml:1:1: `risk` is missing',
      'by-name.yaml:1:1: a runbook that changes something says in `targets` what, such as `server/ID`',
      'by-name.yaml:4:1: there is no `riks` here; did you mean `risk`?',
    ])
  })

  it('that are no module at all are named', async () => {
    expect((await check({ 'bad.ts': 'export default {' })).problems).toEqual([
      expect.stringMatching(/^bad.ts: it is no module/),
    ])
  })

  it('that are not where steward.yaml says are a mistake in it', async () => {
    await expect(findOwnRunbooks(own('/nowhere'))).rejects.toMatchObject({ type: 'CONFIG_INVALID' })
    const packages = ['@acme/other']
    await expect(findOwnRunbooks({ folders: [], packages, beside: tmpdir() })).rejects.toMatchObject({
      type: 'CONFIG_INVALID',
      message: expect.stringContaining('@acme/other'),
    })
  })
})

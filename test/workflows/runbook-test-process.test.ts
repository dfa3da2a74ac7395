import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'

const bin = fileURLToPath(new URL('../../bin/steward.js', import.meta.url))

const runbook = (body: string) => `import { defineRunbook, z } from 'steward/runbook'
export default defineRunbook({
  name: 'tried',
  title: 'Tried',
  description: 'Tried.',
  input: z.strictObject({}),
  risk: 'move',
  needs: { actions: [], calls: ['compute GET /limits'] },
  targets: () => ['host/compute1'],
  async run(run) {
    ${body}
    return { summary: 'tried' }
  },
})
`

/** `steward runbook test` as a process of its own whose output somebody reads through a pipe. */
async function runbookTest(body: string, interruptAt?: { readonly line: string; readonly signal: NodeJS.Signals }) {
  const folder = await mkdtemp(join(tmpdir(), 'steward-tried-'))
  const temporary = await mkdtemp(join(tmpdir(), 'steward-tried-tmp-'))
  onTestFinished(async () => {
    for (const one of [folder, temporary]) await rm(one, { recursive: true, force: true })
  })
  await writeFile(join(folder, 'tried.ts'), runbook(body))
  const child = spawn(process.execPath, [bin, 'runbook', 'test', folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: temporary },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  let isInterrupted = false
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (!interruptAt || isInterrupted || !said.includes(interruptAt.line)) return
      isInterrupted = true
      child.kill(interruptAt.signal)
    })
  const ended = await new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal)))
  const left = (await readdir(temporary)).filter((name) => name.startsWith('steward-runbook-test-'))
  return { ended, said, left }
}

it('ends with 1 as soon as it has said what no run could have, before there is an engine', async () => {
  const { ended, said } = await runbookTest("await run.action('server.reset', {})")
  expect([ended, said]).toEqual([1, expect.stringContaining('server.reset is not in `needs.actions`')])
  expect(said).not.toContain('a Temporal of its own')
}, 60_000)

it.each([
  ['SIGINT', 'bundles 1 own runbook', 'SIGINT'],
  ['SIGINT', 'starts a Temporal of its own', 130],
  ['SIGTERM', 'starts a Temporal of its own', 130],
] as const)(
  'ends at the first %s after "%s", and leaves nothing behind',
  async (signal, line, how) => {
    const { ended, left } = await runbookTest("await run.read({ service: 'compute', path: '/limits' })", {
      line,
      signal,
    })
    expect([ended, left]).toEqual([how, []])
  },
  120_000,
)

it('ends at the first Ctrl-C while a case is played', async () => {
  const { ended, left } = await runbookTest('await new Promise(() => undefined)', {
    line: 'plays tried',
    signal: 'SIGINT',
  })
  expect([ended, left]).toEqual([130, []])
}, 120_000)

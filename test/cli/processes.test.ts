import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { closedPort } from '../openstack/server.ts'
import { installation, password, type Said } from './steward.ts'

const bin = fileURLToPath(new URL('../../bin/steward.js', import.meta.url))

/** The command line as a process of its own. */
function run(env: Record<string, string>, ...args: string[]): Promise<Said> {
  const { PATH = '', HOME = '' } = process.env
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, ...args], { env: { PATH, HOME, ...env } }, (error, out, err) =>
      resolve({ out, err, code: typeof error?.code === 'number' ? error.code : 0 }),
    )
  })
}

it('the command line ends with 0 when all is well and with 1 when not, and says why on standard error', async () => {
  const { url, env, started } = await installation()
  const nobody = `http://127.0.0.1:${await closedPort()}`
  const folder = await mkdtemp(join(tmpdir(), 'steward-cli-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'bad.yaml'), 'listen:\n  port: http\n')

  const stop = ['compute', 'POST', '/servers/6f1c/action', '--body', '{"os-stop": null}', '--in', 'PT2H']
  const [created, unreachable, bad, unknown] = await Promise.all([
    run({ ...env, STEWARD_URL: url }, 'action', 'create', ...stop, '--json'),
    run({ ...env, STEWARD_URL: nobody }, 'action', 'list'),
    run({}, 'config', '-c', join(folder, 'bad.yaml')),
    run({}, 'dance'),
  ])
  expect(created).toMatchObject({ err: '', code: 0 })
  expect(JSON.parse(created.out)).toEqual(started[0]?.view)
  expect(unreachable).toEqual({
    out: '',
    err: `steward: Steward at ${nobody} does not answer (ECONNREFUSED)\n`,
    code: 1,
  })
  expect(bad).toMatchObject({ out: '', err: expect.stringContaining('bad.yaml:2: listen.port: '), code: 1 })
  expect(unknown).toMatchObject({ out: '', err: expect.stringContaining("unknown command 'dance'"), code: 1 })
  for (const { out, err } of [created, unreachable]) expect(out + err).not.toContain(password)
}, 60_000)

it('ends quietly when whoever reads its output has seen enough', async () => {
  const child = spawn(process.execPath, [bin, 'config'], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  let err = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0)
  expect(err).toBe('')
}, 60_000)

it.each([
  ['--help', 0, '--keep  leave all of it running'],
  ['--kepe', 1, "Unknown option '--kepe'"],
])('the demo says what it takes before it starts anything: %s', async (option, code, says) => {
  const demo = fileURLToPath(new URL('../../demo/run.mjs', import.meta.url))
  const said = await new Promise<Said>((resolve) => {
    execFile(process.execPath, [demo, option], { timeout: 10_000 }, (error, out, err) =>
      resolve({ out, err, code: error ? Number(error.code) : 0 }),
    )
  })
  expect([said.code, said.out + said.err]).toEqual([code, expect.stringContaining(says)])
})

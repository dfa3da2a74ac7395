import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { failure } from '../../core/errors.ts'
import type { Run } from '../../core/runbook.ts'
import { compileTests } from '../../policies/declared/tests.ts'
import { pageIn } from '../api/page.ts'
import { runOf } from '../api/runbooks.ts'
import { installation, steward } from './steward.ts'

const servers = [randomUUID()]
const delegated = {
  active: async () => ({
    ...({ state: 'active', trustId: 't', trustorUserId: 'u', trustorName: 'olga', projectId: 'p' } as const),
    ...{ roles: ['admin'], createdAt: '2026-11-20T00:00:00Z', expiresAt: '2027-01-01T00:00:00Z' },
  }),
}
const cli = async (changes: Parameters<typeof installation>[0] = {}) => {
  const { url, env } = await installation({ delegations: delegated, ...changes })
  return (...args: string[]) => steward(env, '--api', url, ...args)
}

describe('an operator on the command line', () => {
  it('sees what can be done, what it takes and what it may do', async () => {
    const ask = await cli()
    expect((await ask('runbook', 'list')).out).toMatch(/night-off +move +built-in +Stop servers for the night/)
    const { out } = await ask('runbook', 'show', 'night-off')
    expect(out).toMatch(/risk +move: says first what it would do; --real does it/)
    expect(out).toMatch(/input +servers: array, required – ids of the servers/)
    expect(out).toMatch(/atOnce: integer, default 5/)
    expect(out).toMatch(/may: actions +server.stop/)
    expect(await ask('runbook', 'show', 'make-coffee')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/RUNBOOK_UNKNOWN/),
    })
  })

  it('starts a dry run, and the real one only when that is said', async () => {
    const ask = await cli()
    const start = (...more: string[]) =>
      ask('runbook', 'run', 'night-off', '--input', JSON.stringify({ servers }), '--why', 'night', ...more)
    expect((await start()).out).toMatch(/state +waiting \(a dry run: nothing is changed\)/)
    expect((await start('--real')).out).toMatch(/state +waiting\n/)
    expect((await start()).out).toMatch(/next +steward run show [0-9a-f-]{36}\n/)
    expect((await ask('run', 'list')).out).toMatch(/waiting \(dry\) +night-off +steward/)
  })

  it('sees on which code an open run goes on and when it waits for that, and moves it', async () => {
    const id = randomUUID()
    const run = runOf(id, { runbook: 'night-off', input: {}, dryRun: false, by: 'olga', why: 'night' })
    const on = (isCurrent: boolean, isServed: boolean): Run => ({
      ...run,
      version: { build: 'beef', isCurrent, isServed },
    })
    const ask = await cli({ runs: { show: async () => on(false, false), move: async () => on(true, true) } })
    expect((await ask('run', 'show', id)).out).toMatch(/version +beef, .* no worker has it: the run waits for one/)
    expect((await ask('run', 'move', id, '--why', 'mended')).out).toMatch(/version +beef, the current one\n/)
  })

  it('reads of a run what it did, what it asks and what it kept', async () => {
    const id = randomUUID()
    const run: Run = {
      ...runOf(id, { runbook: 'recover-server', input: {}, dryRun: false, by: 'olga', why: 'stuck' }),
      ...{ state: 'asking', question: { id: randomUUID(), text: 'Rebuild it?', askedAt: 'now', until: 'then' } },
      steps: [{ title: 'server.reset 7c2', state: 'failed', startedAt: 'now', detail: 'CLOUD_REFUSED: locked' }],
      evidence: { actions: [] },
    }
    const ask = await cli({ runs: { show: async () => run } })
    const { out } = await ask('run', 'show', id)
    expect(out).toMatch(/asks +Rebuild it\?/)
    expect(out).toMatch(/steps +failed +server.reset 7c2 – CLOUD_REFUSED: locked/)
    expect(out).toMatch(/evidence +actions/)
  })
})

describe('the histories of runs', () => {
  const begun = [randomUUID(), randomUUID()] as const
  const exporting = async () => {
    const folder = await mkdtemp(join(tmpdir(), 'steward-histories-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const order = { input: {}, dryRun: false, by: 'olga', why: 'stuck' }
    const runs = [
      runOf(begun[0], { ...order, runbook: 'drain-host' }),
      { ...runOf(begun[1], { ...order, runbook: 'night-off' }), startedAt: '2026-11-01T00:00:00.000Z' },
    ]
    const pages: string[] = []
    const ask = await cli({
      runs: {
        show: async (id) => runs.find((run) => run.id === id) ?? Promise.reject(failure('RUN_NOT_FOUND', `no ${id}`)),
        list: async ({ runbook, ...wish }) =>
          pageIn(
            runs.filter((run) => (runbook ?? run.runbook) === run.runbook),
            wish,
          ),
        // a page has less than was asked for
        history: async (id, { page }) => {
          pages.push(page ?? 'first')
          return pageIn([{ eventId: '1', id }, { eventId: '2' }, { eventId: '3' }], { limit: 2, ...(page && { page }) })
        },
      },
    })
    const files = async () => (await readdir(folder)).sort()
    return { folder, pages, files, ask: (...args: string[]) => ask('run', 'export', ...args, '--folder', folder) }
  }

  it('are written one to a file, whole, and for nobody else to read', async () => {
    const { ask, folder, files, pages } = await exporting()
    expect((await ask(begun[0])).out).toMatch(/drain-host +waiting +3 +.*drain-host-/)
    const [file = ''] = await files()
    expect(file).toBe(`drain-host-${begun[0]}.json`)
    const events = [{ eventId: '1', id: begun[0] }, { eventId: '2' }, { eventId: '3' }]
    expect(JSON.parse(await readFile(join(folder, file), 'utf8'))).toEqual({ events })
    expect((await stat(join(folder, file))).mode & 0o077).toBe(0)
    expect(pages).toEqual(['first', '2'])
  })

  it('are chosen by id, by runbook, by when they began; nothing is chosen by saying nothing', async () => {
    const { ask, files } = await exporting()
    expect(await ask()).toMatchObject({ code: 1, err: expect.stringContaining('say which runs') })
    expect(await ask(begun[0], '--all')).toMatchObject({ code: 1, err: expect.stringContaining('say which runs') })
    await ask('--all', '--since', '2026-11-10T00:00:00Z')
    expect(await files()).toEqual([`drain-host-${begun[0]}.json`])
    await ask('--runbook', 'night-off')
    expect(await files()).toEqual([`drain-host-${begun[0]}.json`, `night-off-${begun[1]}.json`])
  })

  it('of a run that there is not: RUN_NOT_FOUND', async () => {
    const { ask, files } = await exporting()
    expect(await ask(randomUUID())).toMatchObject({ code: 1, err: expect.stringMatching(/RUN_NOT_FOUND/) })
    expect(await files()).toEqual([])
  })
})

it('the beginning of a runbook is written once, beside its types', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'steward-new-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const make = () => steward({}, 'runbook', 'new', 'restart-hung', '--folder', folder)
  expect((await make()).out).toContain(`steward runbook check ${folder}\n  steward runbook test ${folder}`)
  const tests = await readFile(join(folder, 'restart-hung.test.yaml'), 'utf8')
  expect(compileTests(tests, 'restart-hung.test.yaml')).toMatchObject({ tests: { cases: [{}, {}] } })
  expect(await readFile(join(folder, 'restart-hung.ts'), 'utf8')).toContain("name: 'restart-hung'")
  expect(JSON.parse(await readFile(join(folder, 'tsconfig.json'), 'utf8'))).toHaveProperty('compilerOptions.paths')
  expect(await make()).toMatchObject({ code: 1, err: expect.stringContaining('is there already') })
})

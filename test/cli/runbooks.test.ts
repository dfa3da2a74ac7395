import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Run } from '../../core/runbook.ts'
import { compileTests } from '../../policies/declared/tests.ts'
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
    expect((await ask('run', 'list')).out).toMatch(/waiting \(dry\) +night-off +steward/)
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

import { describe, expect, it } from 'vitest'
import { RunbookTests } from '../../core/runbook-test.ts'
import type { Played } from '../../rehearsal/play.ts'
import { wrongInDryRun, wrongWith } from '../../rehearsal/verdict.ts'

const expected = (given: object) => RunbookTests.parse({ cases: [{ name: 'x', expect: given }] }).cases[0]!.expect
const played = (given: Partial<Played> = {}): Played => ({
  ...{ view: { state: 'succeeded', summary: 'web was rebooted' }, tookMs: 90_000 },
  ...{ did: ['reboot web'], statuses: { web: 'ACTIVE' }, told: ['Really?'] },
  unmet: [],
  ...given,
})

describe('what is expected of a run', () => {
  it.each([
    [{}, ''],
    [{ summary: '/^web was/', did: ['reboot web'], servers: { web: 'ACTIVE' }, within: '90s', told: ['Real'] }, ''],
    [{ state: 'failed' }, 'state: expected failed, found succeeded (web was rebooted)'],
    [{ code: 'RUN_FAILED' }, 'code: expected RUN_FAILED, found none'],
    [{ summary: 'db' }, 'summary: expected "db", found "web was rebooted"'],
    [{ did: [] }, 'did: expected nothing, found reboot web'],
    [{ servers: { web: 'gone' } }, 'server web: expected gone, found ACTIVE'],
    [{ within: '1m' }, 'time: expected at most 1m, found 1.5m'],
    [{ told: [] }, 'told: expected nothing, found Really?'],
  ])('%j', (given, wrong) => {
    expect(wrongWith(expected(given), played()).join('; ')).toContain(wrong)
    expect(wrongWith(expected(given), played()).length).toBe(wrong === '' ? 0 : 1)
  })

  it('one that never ended has nothing else to be said of', () => {
    expect(wrongWith(expected({ did: [] }), played({ stuck: 'it waits' }))).toEqual(['it never ended: it waits'])
  })

  it('a dry run that changes something is wrong, and so is one that breaks its own rules', () => {
    expect(wrongInDryRun(played())).toEqual(['a dry run changed the cloud: reboot web'])
    const undeclared = played({
      did: [],
      view: { state: 'failed', code: 'CALL_NOT_DECLARED', summary: 'not declared' },
    })
    expect(wrongInDryRun(undeclared)).toEqual(['CALL_NOT_DECLARED: not declared'])
    expect(wrongInDryRun(played({ did: [], view: { state: 'failed', code: 'SERVER_UNFIT' } }))).toEqual([])
  })
})

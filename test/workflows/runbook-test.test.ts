import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { type TestReport, testRunbooks } from '../../rehearsal/test-runbooks.ts'
import { quietRuntime } from './quiet-runtime.ts'

const pathTo = (path: string) => fileURLToPath(new URL(path, import.meta.url))

function tested(path: string) {
  let report: TestReport
  beforeAll(async () => {
    quietRuntime()
    report = await testRunbooks({ path: pathTo(path), mostSteps: 200, progress: () => undefined })
  })
  return {
    get report() {
      return report
    },
    /** What is wrong, by case. */
    problems: (runbook: string) =>
      Object.fromEntries(
        (report.runbooks.find((one) => one.runbook === runbook)?.cases ?? []).map(({ name, problems }) => [
          name,
          problems.join('; '),
        ]),
      ),
  }
}

describe('own runbooks on a simulated cloud', () => {
  const tried = tested('tried')

  it.each([
    'sleeps a day',
    'waits in vain',
    'two branches',
    'a branch is slow',
    'somebody answers',
    'nobody answers',
    'answers too late',
    'is cancelled',
    'tells people',
    'the cloud is busy for a while',
    'asks Glance',
    'asks for key pairs',
  ])('time passes as it would: %s', (name) => {
    expect(tried.problems('clockwork')[name]).toBe('')
  })

  it('what is not simulated is said to be so, and a test may expect it', () => {
    const cases = tried.report.runbooks.find(({ runbook }) => runbook === 'clockwork')?.cases ?? []
    const glance = cases.find(({ name }) => name === 'asks Glance')?.played?.view
    expect([glance?.code, glance?.summary]).toEqual(['NOT_SIMULATED', expect.stringContaining('image')])
  })

  it('a run of a day, lost by its worker after every step, ends the same', () => {
    expect(tried.problems('clockwork')['its worker is lost after every step of "sleeps a day"']).toBe('')
  })

  it.each([
    ['reads forever', 'it has made 200 steps and does not come to an end'],
    ['waits for nothing', 'it waits for something that never happens'],
    ['throws a plain error', 'state: expected succeeded, found failed (RUN_FAILED: I have no code)'],
    ['does what is not declared', 'CALL_NOT_DECLARED'],
  ])('one that is broken is found broken: %s', (name, why) => {
    expect(tried.problems('clockwork')[name]).toContain(why)
  })

  it.each([
    'well',
    'well, though the answer is lost',
    'well, though the worker dies',
    'its owner deletes it meanwhile',
    'the delegation is revoked',
  ])('faults and events reach the run: %s', (name) => {
    expect(tried.problems('hasty-restart')[name]).toBe('')
  })

  it.each([
    'its own project',
    'another project',
    'by status, name and host',
    'by what is not simulated',
    'by a pattern that databases differ in',
    'no project',
  ])('lists have what is asked for: %s', (name) => {
    expect(tried.problems('count-servers')[name]).toBe('')
  })

  it.each([
    ['a fault that nothing meets', 'fault `compute GET /servers/detial` was never met: the run made no such call'],
    ['an event that comes too late', 'event `host compute1 dies` never came: the run had ended by 2h'],
  ])('what was to go wrong and did not is said: %s', (name, says) => {
    expect(tried.problems('count-servers')[name]).toBe(says)
  })

  it('one that does not look whether it worked is found out', () => {
    expect(tried.problems('hasty-restart')['without looking']).toBe(
      'server web: expected ACTIVE, found ACTIVE (rebooting)',
    )
  })

  it('one that makes a call twice whose answer was lost is found out', () => {
    expect(tried.problems('hasty-restart').twice).toContain('did: expected reboot web, found reboot web, reset web')
  })

  it('every runbook is tried as a dry run, and the whole has failed', () => {
    expect(tried.problems('hasty-restart')['a dry run changes nothing']).toBe('')
    expect(tried.report.passed).toBe(false)
  })
})

describe('the examples', () => {
  const examples = tested('../../examples/runbooks')

  it('do what their tests say', () => {
    const failed = examples.report.runbooks.flatMap(({ cases }) => cases.filter(({ passed }) => !passed))
    expect(failed.map(({ name, problems }) => [name, problems])).toEqual([])
    expect(examples.report.runbooks.map(({ runbook }) => runbook)).toEqual(['find-old-images', 'restart-tier'])
  })
})

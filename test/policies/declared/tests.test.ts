import { describe, expect, it } from 'vitest'
import { answerOf, eventOf, spanMs } from '../../../core/runbook-test.ts'
import { compileTests } from '../../../policies/declared/tests.ts'

const problems = (text: string) => {
  const compiled = compileTests(text, 'web.test.yaml')
  return 'problems' in compiled ? compiled.problems : []
}

describe('tests of a runbook', () => {
  it('a case needs no more than a name', () => {
    const compiled = compileTests('cases:\n  - name: works\n', 'web.test.yaml')
    expect(compiled).toMatchObject({
      tests: { cases: [{ name: 'works', input: {}, dryRun: false, expect: { state: 'succeeded' } }] },
    })
  })

  it.each([
    ['cases: []', 'web.test.yaml:1:8: at least one case'],
    ['cases:\n  - name: x\n    fault: []\n', 'web.test.yaml:3:5: there is no `fault` here; did you mean `faults`?'],
    [
      'cases:\n  - name: x\n    events: { 30x: host compute1 dies }\n',
      'web.test.yaml:3:15: a time such as 30s, 5m, 8h or 2d',
    ],
    [
      'cases:\n  - name: x\n    events: { 30s: host compute9 dies }\n',
      'web.test.yaml:3:20: the world has no host compute9; did you mean `compute1`?',
    ],
    [
      'world: { servers: { web: } }\ncases:\n  - name: x\n    input: { serverId: "${servers.wep.id}" }\n',
      'web.test.yaml:4:25: the world has no server wep; did you mean `web`?',
    ],
    [
      'cases:\n  - name: x\n    input: { of: [a, "${servers.a.tenant_id}"] }\n',
      'web.test.yaml:3:23: there is no `${servers.a.tenant_id}` here: a test knows `${servers.NAME.id}`',
    ],
    [
      'world: { servers: { web: { project: demo } } }\ncases:\n  - name: x\n    input: { of: "in ${projects.demi.id}" }\n',
      'web.test.yaml:4:22: the world has no project demi; did you mean `demo`?',
    ],
    [
      'cases:\n  - name: x\n    expect: { servers: { web: ACTIVE } }\n',
      'web.test.yaml:3:31: the world has no server web',
    ],
    ['cases:\n  - name: x\n    expect: { code: NONE }\n', 'web.test.yaml:3:21: not one of the error codes'],
    ['cases:\n  - name: x\n  - name: x\n', 'web.test.yaml:3:11: there is a case of this name already'],
    ['cases:\n  - name: x\n    answers: [maybe]\n', 'web.test.yaml:3:15: '],
    ['cases:\n  - name: [', 'web.test.yaml:2:'],
  ])('says where something is wrong: %j', (text, problem) => {
    expect(problems(text)[0]).toContain(problem)
  })

  it('reads times, events and answers', () => {
    expect([spanMs('30s'), spanMs('5m'), spanMs('8h'), spanMs('2d')]).toEqual([
      30_000, 300_000, 28_800_000, 172_800_000,
    ])
    expect(eventOf('server web is SHUTOFF')).toMatchObject({ server: 'web', state: 'SHUTOFF' })
    expect(answerOf('yes after 5m')).toEqual({ yes: true, afterMs: 300_000 })
    expect(answerOf('silence')).toBeUndefined()
  })
})

import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { declaredLimits, RunbookDocument } from '../../../core/declared-runbook.ts'
import { compileDeclared } from '../../../policies/declared/compile.ts'

const head = 'name: stop-all\ntitle: Stop all\ndescription: Stops all.\nrisk: destructive\ntargets: [zone/nova]\n'
const input = 'input: { servers: { type: list, of: uuid }, count: { type: integer, default: 2 } }\n'
const steps = (text: string) => `${head}${input}steps:\n${text}`

/** What is said of a file, without the lines of its head. */
function saidOf(text: string): string[] {
  const compiled = compileDeclared(text, 'stop-all.yaml')
  return 'problems' in compiled ? compiled.problems.map((problem) => problem.text) : []
}
const saidOfSteps = (text: string) => saidOf(steps(text)).map((said) => said.replace('stop-all.yaml:', ''))

function needsOf(text: string) {
  const compiled = compileDeclared(steps(text), 'stop-all.yaml')
  return 'runbook' in compiled ? compiled.runbook.needs : compiled.problems
}

describe('a runbook in a file', () => {
  const folder = new URL('../../../examples/runbooks/', import.meta.url)
  it.each(readdirSync(folder).filter((name) => !name.endsWith('.test.yaml')))(
    '%s of the examples is one, and stays one as JSON',
    (name) => {
      const compiled = compileDeclared(readFileSync(new URL(name, folder), 'utf8'), name)
      expect('problems' in compiled ? compiled.problems.map(({ text }) => text) : []).toEqual([])
      if ('problems' in compiled) return
      expect(RunbookDocument.parse(JSON.parse(JSON.stringify(compiled.runbook)))).toEqual(compiled.runbook)
    },
  )

  it('names all that is wrong with it at once, with file, line and column', () => {
    const text = [
      'name: Stop All',
      'title: Stop all',
      'discription: Stops all.',
      'risk: move',
      'targets: [server/a]',
      'steps:',
      '  - acton: server.stop',
      '  - when: run.dryRun &&',
      '    note: dry',
      '  - note: "${run.id} of ${servers}"',
    ].join('\n')
    expect(saidOf(text)).toEqual([
      'stop-all.yaml:1:1: `description` is missing',
      'stop-all.yaml:1:7: lower-case letters, digits and dashes',
      'stop-all.yaml:3:1: there is no `discription` here; did you mean `description`?',
      expect.stringMatching(/^stop-all\.yaml:7:5: a step has one of action, .*; did you mean `action`\?$/),
      'stop-all.yaml:8:24: Unexpected token: EOF',
      'stop-all.yaml:10:27: there is no `servers` here',
    ])
  })

  it.each<[string, string, string]>([
    ['no YAML', 'name: [', '1:8'],
    ['an alias', `${head}steps: [&a { note: hi }, *a]`, '1:1: aliases (*name) are not taken'],
    ['a key twice', `${head}${head}steps: [{ note: hi }]`, '6:1: Map keys must be unique'],
    ['too much text', `# ${'x'.repeat(declaredLimits.textLength)}`, '1:1: a runbook has at most 131072 characters'],
    ['nothing', '', '1:1: `name` is missing'],
  ])('that is %s is none', (_, text, said) => {
    expect(saidOf(text)[0]).toContain(`stop-all.yaml:${said}`)
  })

  it('is told where in a text of several lines an expression is wrong', () => {
    expect(saidOfSteps('  - note: |\n      first\n      second ${foo} line\n')).toEqual([
      '10:16: there is no `foo` here',
    ])
    expect(saidOfSteps("  - note: 'it''s ${foo}'\n")).toEqual([
      expect.stringMatching(/^8:\d+: there is no `foo` here$/),
    ])
  })
})

describe('a step', () => {
  it.each<[string, string, string[]]>([
    [
      'of an unknown action',
      '  - action: server.stpo\n',
      ['8:13: there is no action server.stpo; did you mean `server.stop`?; docs/actions.md has all of them'],
    ],
    [
      'with a misspelt input',
      '  - { action: server.stop, with: { serverID: "${run.id}" } }\n',
      [
        '8:15: server.stop needs `serverId` in `with`',
        '8:36: server.stop takes no `serverID`; did you mean `serverId`?',
      ],
    ],
    [
      'with a value the action does not take',
      '  - { action: server.stop, with: { serverId: web-1 } }\n',
      ['8:46: must be a UUID'],
    ],
    ['of two kinds', '  - { note: hi, fail: no }\n', ['8:17: a step is either note or fail, not both']],
    ['that looks like no step', '  - hello\n', [expect.stringMatching(/^8:5: a step has one of action/)]],
    ['whose condition gives a number', '  - { when: 1 + 1, note: hi }\n', ['8:13: this must give bool, and gives int']],
    [
      'whose condition is in braces',
      '  - { when: "${true}", note: hi }\n',
      ['8:13: this is an expression as it is, without `${…}`'],
    ],
    [
      'that adds a text to a number',
      '  - note: ${input.count + "x"}\n',
      [expect.stringMatching(/^8:13: no such overload/)],
    ],
    [
      'that misspells the input',
      '  - note: ${input.cuont}\n',
      ['8:19: the input has no `cuont`; did you mean `count`?'],
    ],
    ['that is not closed', '  - note: "all of ${input.count"\n', ['8:19: this `${` is not closed']],
    [
      'that loops over no list',
      '  - forEach: { items: input.count, as: one, steps: [{ note: hi }] }\n',
      ['8:23: this must give list, and gives int'],
    ],
    [
      'that asks in a loop',
      '  - forEach: { items: input.servers, as: id, steps: [{ ask: { question: go? } }] }\n',
      [expect.stringMatching(/^8:56: `ask` cannot stand here/)],
    ],
    [
      'that changes in a loop what is of outside',
      '  - set: { n: 1 }\n  - forEach: { items: input.servers, as: id, steps: [{ set: { n: 2 } }] }\n',
      ['9:66: `n` is of outside this loop and cannot be changed in it'],
    ],
    [
      'with a regular expression',
      '  - { when: run.id.matches("(a+)+"), note: hi }\n',
      [expect.stringMatching(/^8:13: regular expressions may never end/)],
    ],
    [
      'with a loop over another list in a loop',
      '  - note: ${input.servers.map(a, input.servers.filter(b, a == b))}\n',
      [expect.stringMatching(/a loop inside a loop goes over something of `a`/)],
    ],
    [
      'with an expression that binds',
      '  - note: ${cel.bind(a, "x" + run.id, a + a)}\n',
      [expect.stringMatching(/^8:13: an expression binds no names/)],
    ],
    [
      'with a time of CEL',
      '  - { when: timestamp("2026-01-31T10:00:00Z") < now, note: hi }\n',
      [expect.stringMatching(/^8:13: times are seconds here/)],
    ],
    [
      'that saves under a word of CEL',
      '  - { note: hi, saves: in }\n',
      ['8:24: `in` has a meaning of its own; choose another name'],
    ],
    [
      'that uses what a sibling saves',
      '  - parallel:\n      - { set: { a: 1 } }\n      - { note: "${a}" }\n',
      ['10:20: there is no `a` here'],
    ],
    [
      'whose branches save the same',
      '  - parallel:\n      - { set: { a: 1 } }\n      - { set: { a: 2 } }\n',
      ['10:9: another branch saves `a`, too'],
    ],
    [
      'with a path that is none',
      '  - read: { service: compute, path: "servers/${run.id}" }\n',
      ['8:37: a path begins with / and has letters, digits and ._:- in it'],
    ],
    [
      'that waits in two ways',
      '  - wait: { until: answer.status == 404, withinSeconds: soon, read: { service: compute, path: /servers } }\n',
      ['8:57: a whole number or ${…}'],
    ],
  ])('%s is refused where it stands', (_, text, said) => {
    expect(saidOfSteps(text)).toEqual(said)
  })

  it('in a branch does not save what a sibling saves, whether or not it was there before', () => {
    const text = '  - set: { a: 0 }\n  - parallel:\n      - run: [{ set: { a: 1 } }]\n      - { note: hi, saves: a }\n'
    expect(saidOfSteps(text)).toEqual(['11:9: another branch saves `a`, too'])
  })

  it('sees what earlier steps saved, in branches and after them, and its error in what handles it', () => {
    const text = `
  - read: { service: compute, path: /servers/detail, list: servers }
    saves: all
  - parallel:
      - set: { a: '\${all.body.servers.size()}' }
      - set: { b: 2 }
  - forEach:
      items: all.body.servers
      as: one
      steps:
        - { action: server.stop, with: { serverId: '\${one.id}' }, saves: stopped, onError: [{ note: '\${error.code}' }] }
        - note: '\${stopped.status} \${a + b}'
      gives: '\${one.id}'
    saves: outcomes
  - note: '\${outcomes.filter(o, o.outcome == "done").size()}'
`
    expect(saidOfSteps(text)).toEqual([])
  })
})

describe('the limits of a file', () => {
  const nested = (levels: number): string => (levels === 0 ? '{ note: hi }' : `{ run: [${nested(levels - 1)}] }`)

  it('are those of steps, levels, fields and the length of an expression', () => {
    expect(saidOfSteps('  - { note: hi }\n'.repeat(declaredLimits.steps))).toEqual([])
    expect(saidOfSteps('  - { note: hi }\n'.repeat(declaredLimits.steps + 1))).toEqual([
      `${8 + declaredLimits.steps}:5: a runbook has at most ${declaredLimits.steps} steps`,
    ])
    expect(saidOfSteps(`  - ${nested(declaredLimits.depth - 1)}\n`)).toEqual([])
    expect(saidOfSteps(`  - ${nested(declaredLimits.depth)}\n`)[0]).toMatch(/steps lie at most 8 levels deep$/)
    expect(saidOfSteps(`  - note: "\${'${'x'.repeat(declaredLimits.expressionLength)}'}"\n`)[0]).toMatch(
      /an expression has at most 1000 characters$/,
    )
  })

  it('are those of what its risk allows', () => {
    const of = (risk: string, text: string) => saidOf(steps(text).replace('destructive', risk))
    const stop = '  - { action: server.stop, with: { serverId: "${run.id}" } }\n'
    expect(of('read', stop)[0]).toMatch(/server\.stop changes something; the risk of this runbook is `read`$/)
    expect(of('move', stop)).toEqual([])
    expect(of('move', stop.replace('stop', 'delete'))[0]).toMatch(/must be `destructive`$/)
    expect(of('move', '  - { call: { service: compute, method: DELETE, path: /os-keypairs/a } }\n')[0]).toMatch(
      /`destructive`$/,
    )
    expect(saidOf(steps('  - note: hi\n').replace('[zone/nova]', '[]'))[0]).toMatch(/says in `targets` what/)
    expect(saidOf(steps('  - note: hi\n').replace('zone/nova', 'nova'))).toEqual([
      'stop-all.yaml:5:11: a target is host/NAME, server/ID, project/ID or zone/NAME',
    ])
  })
})

describe('the needs of a file', () => {
  const text = `
  - { read: { service: compute, path: '/servers/\${run.id}/os-interface?limit=1' } }
  - { action: server.stop, with: { serverId: '\${run.id}' }, undo: { action: server.start, with: { serverId: '\${run.id}' } } }
  - { call: { service: network, method: PUT, path: '/v2.0/ports/x-\${run.id}', body: { port: {} } } }
`
  it('are found in its steps, what takes back included', () => {
    expect(needsOf(text)).toEqual({
      roles: ['member'],
      calls: ['compute GET /servers/{value}/os-interface', 'network PUT /v2.0/ports/{value}'],
      actions: ['server.start', 'server.stop'],
      steps: [],
    })
  })

  it('hold no secret', () => {
    expect(saidOf(`${steps('  - note: hi\n')}`.replace('count:', 'adminPassword:'))).toEqual([
      'stop-all.yaml:6:45: a secret is no input: every run shows what it was given',
    ])
  })

  it('are held against what its author says', () => {
    const said = `${steps(text)}needs: { actions: [server.stop], calls: ['compute GET /servers/{server}/os-interface'] }\n`
    expect(saidOf(said)).toEqual([
      'stop-all.yaml:12:8: `needs.actions` lacks server.start',
      'stop-all.yaml:12:8: `needs.calls` lacks network PUT /v2.0/ports/{value}',
    ])
  })
})

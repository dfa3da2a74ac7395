import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { codeOf } from '../../../core/errors.ts'
import { compileDeclared } from '../../../policies/declared/compile.ts'
import { type ImportedWorkflow, importMistral } from '../../../policies/mistral/import.ts'

const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}.yaml`, import.meta.url), 'utf8')
const importedFrom = (name: string) => importMistral(fixture(name), `${name}.yaml`)
const one = (tasks: string, more = '') => {
  const [workflow] = importMistral(`version: '2.0'\nwf:\n${more}  tasks:\n${tasks}`, 'wf.yaml')
  return workflow as ImportedWorkflow
}
const stepsOf = ({ runbook }: ImportedWorkflow) => (parse(runbook) as { steps: Record<string, unknown>[] }).steps
const verdicts = ({ tasks }: ImportedWorkflow) => tasks.map(({ name, verdict }) => `${name}: ${verdict}`)

describe('a workflow of Mistral', () => {
  it.each(['create-server', 'nightly-snapshots', 'rotate-reverse'])('%s becomes a runbook that compiles', (name) => {
    const [workflow] = importedFrom(name) as [ImportedWorkflow]
    expect(workflow.problems).toEqual([])
    expect('runbook' in compileDeclared(workflow.runbook, 'it.yaml')).toBe(true)
    expect(workflow.tasks.filter(({ verdict }) => verdict === 'not mapped')).toEqual([])
  })

  it('does side by side what does not depend on each other, and joins', () => {
    const [workflow] = importedFrom('create-server') as [ImportedWorkflow]
    const steps = stepsOf(workflow)
    expect((steps[1] as { parallel: { title: string }[] }).parallel.map(({ title }) => title)).toEqual([
      'find_image',
      'find_flavor',
    ])
    expect(steps.slice(2).map(({ title }) => title)).toEqual(['boot', 'wait_for_server'])
    expect(steps[3]).toMatchObject({
      wait: { withinSeconds: 300, until: 'answer.status == 200 && answer.body.server.status == "ACTIVE"' },
    })
    expect(workflow.tasks.map(({ line, verdict }) => [line, verdict])).toEqual([
      [17, 'mapped'],
      [22, 'changed'],
      [30, 'changed'],
      [41, 'mapped'],
    ])
  })

  it('keeps lists, tries, conditions and handlers of errors, which come before the end they lead to', () => {
    const [workflow] = importedFrom('nightly-snapshots') as [ImportedWorkflow]
    const steps = stepsOf(workflow)
    expect(
      steps.map(
        ({ title, parallel, fail }) =>
          title ?? fail ?? (parallel as { title: string }[] | undefined)?.map((each) => each.title),
      ),
    ).toEqual([
      undefined,
      'list_all',
      'snapshot',
      ['restart_first', 'say_done', 'say_failed'],
      'snapshot leads to the end of the workflow as failed',
    ])
    expect(steps[2]).toMatchObject({
      run: [
        {
          forEach: {
            items: 'input.serverIds',
            as: 'item',
            atOnce: 2,
            steps: [{ action: 'server.snapshot', retry: { times: 3 } }],
          },
        },
        {},
        {},
      ],
      onError: [{ set: { snapshotState: 'error' } }],
    })
    expect(steps[3]).toMatchObject({
      parallel: [
        { when: 'snapshotState == "success" && (input.restart == true)' },
        {},
        { when: 'snapshotState == "error"' },
      ],
    })
  })

  it('that is reverse comes in the order of what it requires', () => {
    const [workflow] = importedFrom('rotate-reverse') as [ImportedWorkflow]
    expect(stepsOf(workflow).flatMap(({ title }) => title ?? [])).toEqual([
      'stop',
      'read_volumes',
      'resize_volume',
      'start_again',
    ])
  })

  it('fails in the runbook where a task has no counterpart, and says why in the report', () => {
    const [deploy, poll] = importedFrom('deploy-workbook') as [ImportedWorkflow, ImportedWorkflow]
    expect(deploy.problems).toEqual([])
    expect(deploy.tasks.map(({ name, line, notes }) => `${line} ${name}: ${notes.join()}`)).toEqual([
      '22 list_nodes: ',
      '27 render: the action deploy.templates.process has no counterpart',
      '32 copy_keys: $.ssh_private_key looks like a secret, which is no input of a runbook',
      '36 call_other: workflows of other workflows are not called; import it and start it as a runbook of its own',
      '39 notify: calls outside of OpenStack are not made from a document; write this step in TypeScript',
      '41 send_failure: the action greet has no counterpart',
    ])
    expect(stepsOf(deploy)[2]).toEqual({
      title: 'render',
      when: 'listNodesState == "success"',
      fail: 'render is not imported: the action deploy.templates.process has no counterpart',
    })
    expect(deploy.notes).toContain('ssh_private_key is left out of the input: every run shows what it was given')
    expect(verdicts(poll)).toEqual(['look: not mapped', 'pause_a_little: not mapped'])
    expect(poll.tasks[0]?.notes[0]).toMatch(/^look, pause_a_little lead back to themselves/)
  })

  it.each<[string, string, string]>([
    [
      'a list of lists',
      'with-items:\n        - a in <% [1] %>\n        - b in <% [2] %>',
      '`with-items` over several lists has no counterpart',
    ],
    [
      'a condition of tries',
      'retry: { count: 3, delay: 1, break-on: <% true %> }',
      '`retry` with break-on has no counterpart; say it as `wait: {until}`',
    ],
    ['an unknown word', 'target: executor-1', 'target has no counterpart'],
    ['a dynamic action', 'action: <% $.a %>', 'an action that an expression names has no counterpart'],
    [
      'a dynamic input',
      "action: std.echo\n      input: '<% $.a %>'",
      'an input that is one expression has no counterpart',
    ],
    [
      'an input nobody takes',
      'action: nova.servers_stop server=x force=true',
      'the input force of nova.servers_stop has no counterpart',
    ],
    ['a missing input', 'action: nova.servers_stop', 'nova.servers_stop without `server` has no counterpart'],
    ['a join of some', 'join: 2', '`join: 2` has no counterpart'],
    ['a name nobody gave', 'action: std.echo output=<% $.nobody %>', '$.nobody is neither input nor published'],
  ])('with %s is told what is in the way', (_, says, why) => {
    expect(one(`    t:\n      ${says}\n`).tasks).toEqual([{ name: 't', line: 4, verdict: 'not mapped', notes: [why] }])
  })

  it('holds a lease on the servers that its input names, else on a project that it asks for', () => {
    const head = (task: string) => parse(one(`    t: { action: "${task}" }\n`, '  input: [a]\n').runbook)
    expect(head('nova.servers_stop server=<% $.a %>')).toMatchObject({ risk: 'move', targets: ['server/${input.a}'] })
    expect(head('cinder.volumes_delete volume=<% $.a %>')).toMatchObject({
      risk: 'destructive',
      targets: ['project/${input.projectId}'],
    })
    expect(head('nova.servers_get server=<% $.a %>')).toMatchObject({ risk: 'read' })
  })

  it('whose failure only `on-complete` follows fails at its end', () => {
    const steps = stepsOf(one('    a: { action: std.fail, on-complete: b }\n    b: { action: std.noop }\n'))
    expect(steps.at(-1)).toEqual({ when: 'aState == "error"', fail: 'a failed' })
    expect(steps.at(-2)).toMatchObject({ title: 'b' })
  })

  it.each([
    ['no YAML', 'a: [', /wf\.yaml:1: /],
    ['another version', "version: '1.0'\nwf: { tasks: { a: {} } }", /this is no version 2\.0 of Mistral/],
    ['no workflow', "version: '2.0'", /there is no workflow in it/],
    ['a workflow without tasks', "version: '2.0'\nwf: { input: [a] }", /wf\.yaml:2: the workflow wf has no tasks/],
  ])('that is %s is refused with its line', (_, text, said) => {
    expect(() => importMistral(text, 'wf.yaml')).toThrow(said)
    try {
      importMistral(text, 'wf.yaml')
    } catch (error) {
      expect(codeOf(error)).toBe('INPUT_INVALID')
    }
  })
})

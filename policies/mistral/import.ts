import { stringify } from 'yaml'
import { compileDeclared } from '../declared/compile.ts'
import { createConditions } from './conditions.ts'
import { headOf } from './head.ts'
import { createNaming } from './naming.ts'
import { mapTask, publishing } from './task.ts'
import { NotMapped } from './tokens.ts'
import { commands, publishedBy, rowsOf, type Transition, transitionsOf } from './transitions.ts'
import { valueFrom } from './values.ts'
import { content, type Task, type Workflow, workflowsIn } from './workflow.ts'

type Step = Readonly<Record<string, unknown>>

export interface ImportedTask {
  readonly name: string
  readonly line: number
  readonly verdict: 'mapped' | 'changed' | 'not mapped'
  /** What is not the same, or why it is not mapped. */
  readonly notes: readonly string[]
}

export interface ImportedWorkflow {
  readonly name: string
  readonly line: number
  /** A YAML document; a task that is not mapped fails in it. */
  readonly runbook: string
  readonly tasks: readonly ImportedTask[]
  readonly notes: readonly string[]
  /** What is still wrong with the document, by its own lines. */
  readonly problems: readonly string[]
}

/** Makes runbooks of the workflows in a file of Mistral v2. @throws INPUT_INVALID it is no such file */
export const importMistral = (text: string, fileName: string): ImportedWorkflow[] =>
  workflowsIn(text, fileName).map((workflow) => imported(workflow, fileName))

function imported(workflow: Workflow, fileName: string): ImportedWorkflow {
  const { name, line, tasks } = workflow
  const transitions = transitionsOf(workflow)
  const published = new Set([...Object.keys(workflow.vars), ...tasks.flatMap(publishedNames)])
  const inputs = workflow.input.map((one) => one.name)
  const naming = createNaming(inputs, published)
  const handled = new Set(transitions.flatMap(({ from, when }) => (when === 'on-success' ? [] : [from])))
  const conditions = createConditions(naming, handled)
  const report = new Map<string, ImportedTask>()
  const notes: string[] = []
  const tell = ({ name: task, line: at }: Task, verdict: ImportedTask['verdict'], said: readonly string[]) =>
    report.set(task, { name: task, line: at, verdict, notes: said })

  /** All steps of one task, and of the words that follow it. */
  function stepsOf(task: Task): { step: Step; after: Step[] } {
    const inbound = transitions.filter(({ to }) => to === task.name)
    const outbound = transitions.filter(({ from }) => from === task.name)
    let when: string | undefined
    try {
      when = conditions.of(task, inbound, workflow.isReverse)
      const { before, steps, notes: said } = mapTask(task, naming)
      const state = naming.state(task.name)
      const after = outbound.flatMap((one, index) => {
        const found = commands.has(one.to) ? commandSteps(one) : []
        const others = outbound.slice(0, index).some(({ to, when: at }) => at === one.when && !commands.has(to))
        if (!others) return found
        atEnd.push(...found)
        return []
      })
      if (inbound.length > 1 && task.says.join === undefined && !workflow.isReverse)
        said.push('done once, whichever tasks lead to it')
      tell(task, said.length > 0 ? 'changed' : 'mapped', said)
      const names = naming.of(task.name)
      const more = { ...publishedBy(task, 'on-complete'), ...publishedBy(task, 'on-success') }
      const onError = [
        { set: { [state]: 'error' } },
        ...publishing(
          {
            ...content(task.says['publish-on-error']),
            ...publishedBy(task, 'on-complete'),
            ...publishedBy(task, 'on-error'),
          },
          { ...names, result: () => ({ cel: 'error.message' }) },
          naming,
        ),
      ]
      const run = [...before, ...steps, ...publishing(more, names, naming), { set: { [state]: 'success' } }]
      const step = { title: task.name, ...(when && { when }), run, ...(handled.has(task.name) && { onError }) }
      return { step, after }
    } catch (error) {
      if (!(error instanceof NotMapped)) throw error
      tell(task, 'not mapped', [error.message])
      const why = `${task.name} is not imported: ${error.message}`.replaceAll('${', () => '$${').slice(0, 1000)
      return { step: { title: task.name, ...(when && { when }), fail: why }, after: [] }
    }
  }

  function commandSteps(transition: Transition): Step[] {
    const condition = conditions.along(transition)
    const when = condition === undefined ? {} : { when: condition }
    if (transition.to === 'fail')
      return [{ ...when, fail: `${transition.from} leads to the end of the workflow as failed` }]
    if (transition.to === 'pause') return [{ ...when, ask: { question: `Go on after ${transition.from}?` } }]
    return []
  }

  /** What follows tasks that are named before it. */
  const atEnd: Step[] = []
  /** A failure that only \`on-complete\` follows still fails the workflow, at its end. */
  const failsAtEnd = tasks.flatMap(({ name: task, says }): Step[] =>
    says['on-error'] === undefined && handled.has(task)
      ? [{ when: conditions.failed(task), fail: `${task} failed` }]
      : [],
  )

  let body: Step[] = []
  try {
    for (const row of rowsOf(tasks, transitions)) {
      const found = row.map(stepsOf)
      const together = found.length > 1 && found.length <= mostBranches && canBeParallel(found.map(({ step }) => step))
      const steps = found.map(({ step }) => step)
      body.push(...(together ? [{ parallel: steps }] : steps), ...found.flatMap(({ after }) => after))
    }
    body.push(...atEnd, ...failsAtEnd)
  } catch (error) {
    if (!(error instanceof NotMapped)) throw error
    body = [{ fail: `not imported: ${error.message}` }]
    for (const task of tasks) tell(task, 'not mapped', [error.message])
  }

  const begin: Record<string, unknown> = Object.fromEntries(tasks.map((task) => [naming.state(task.name), null]))
  for (const key of published)
    begin[naming.published(key)] = inputs.includes(key) ? `\${input.${naming.input(key)}}` : plain(workflow.vars[key])
  const steps = tidied(
    [{ set: begin }, ...body],
    new Set(tasks.flatMap((task) => (conditions.asked.has(task.name) ? [] : [naming.state(task.name)]))),
  )
  const head = headOf(workflow, fileName, steps)
  const document = { ...head.says, steps, ...resultOf() }
  const runbook = `# Made of the Mistral workflow ${name} of ${fileName} by \`steward import mistral\`.\n${stringify(document, { lineWidth: 110, aliasDuplicateObjects: false })}`
  const compiled = compileDeclared(runbook, `${String(head.says.name)}.yaml`)
  return {
    ...{ name, line, runbook },
    tasks: tasks.flatMap((task) => report.get(task.name) ?? []),
    notes: [...head.notes, ...notes],
    problems: 'problems' in compiled ? compiled.problems.map((problem) => problem.text) : [],
  }

  function resultOf(): object {
    try {
      const result = valueFrom(workflow.output, naming.of('')) as object
      return Object.keys(result).length === 0 ? {} : { result }
    } catch (error) {
      if (!(error instanceof NotMapped)) throw error
      notes.push(`its output is not imported: ${error.message}`)
      return {}
    }
  }
}

const publishedNames = (task: Task) => [
  ...Object.keys(content(task.says.publish)),
  ...Object.keys(content(task.says['publish-on-error'])),
  ...(['on-success', 'on-error', 'on-complete'] as const).flatMap((when) => Object.keys(publishedBy(task, when))),
]

/** A value of \`vars\` that needs no working out. */
const plain = (value: unknown) => (value === undefined || /<%|\{\{/.test(JSON.stringify(value)) ? null : value)

const mostBranches = 10

/** Branches ask nobody, and no two of them keep the same value. */
function canBeParallel(steps: readonly Step[]): boolean {
  const kept = steps.map((step) => new Set(keptBy(step)))
  const all = kept.flatMap((names) => [...names])
  return new Set(all).size === all.length && !JSON.stringify(steps).includes('"ask":')
}

function keptBy(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(keptBy)
  const { saves, set, ...rest } = content(value)
  return [
    ...(typeof saves === 'string' ? [saves] : []),
    ...Object.keys(content(set)),
    ...Object.values(rest).flatMap(keptBy),
  ]
}

/** Leaves out names that nobody asks for, and what holds a single step for no reason. */
function tidied(steps: readonly Step[], unused: ReadonlySet<string>): Step[] {
  const tidy = (step: Step): Step[] => {
    if (step.set !== undefined) {
      const set = Object.entries(content(step.set)).filter(([name]) => !unused.has(name))
      return set.length === 0 ? [] : [{ ...step, set: Object.fromEntries(set) }]
    }
    const inner = (key: string) => (Array.isArray(step[key]) ? { [key]: (step[key] as Step[]).flatMap(tidy) } : {})
    const whole: Step = { ...step, ...inner('run'), ...inner('parallel'), ...inner('onError') }
    const { run, ...outside } = whole
    const [only, ...others] = Array.isArray(run) ? (run as Step[]) : []
    return only && others.length === 0 && only.title === undefined ? [{ ...outside, ...only }] : [whole]
  }
  return steps.flatMap(tidy)
}

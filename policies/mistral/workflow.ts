import { isMap, LineCounter, type Node, parseDocument } from 'yaml'
import { failure } from '../../core/errors.ts'

/** A task as its workflow says it, defaults of the workflow included. */
export interface Task {
  readonly name: string
  readonly line: number
  readonly says: Readonly<Record<string, unknown>>
}

export interface Workflow {
  readonly name: string
  readonly line: number
  readonly description: string | undefined
  readonly isReverse: boolean
  /** Names of the input, with their defaults. */
  readonly input: readonly { readonly name: string; readonly preset?: unknown }[]
  readonly vars: Readonly<Record<string, unknown>>
  readonly output: Readonly<Record<string, unknown>>
  readonly tasks: readonly Task[]
}

const notWorkflows: ReadonlySet<string> = new Set(['version', 'name', 'description', 'tags', 'actions', 'workflows'])

/**
 * Reads a file of Mistral v2: a workbook, or workflows by their names.
 *
 * @throws INPUT_INVALID with file and line
 */
export function workflowsIn(text: string, fileName: string): Workflow[] {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const refuse = (line: number, why: string) => failure('INPUT_INVALID', `${fileName}:${line}: ${why}`)
  const [error] = document.errors
  if (error) throw refuse(lines.linePos(error.pos[0]).line, error.message)
  const root = content(document.toJS({ maxAliasCount: 100 }))
  if (String(root.version ?? '') !== '2.0' && root.version !== 2) throw refuse(1, 'this is no version 2.0 of Mistral')
  const lineOf = (path: readonly string[]) => {
    const parent = document.getIn(path.slice(0, -1), true) as Node | undefined
    const pair = isMap(parent) && parent.items.find(({ key }) => String(key) === path.at(-1))
    const range = pair ? (pair.key as Node).range : undefined
    return lines.linePos(range?.[0] ?? 0).line
  }

  const workbook = root.workflows === undefined ? undefined : content(root.workflows)
  const named = workbook ?? Object.fromEntries(Object.entries(root).filter(([key]) => !notWorkflows.has(key)))
  const found = Object.entries(named).map(([name, given]) => {
    const path = [...(workbook ? ['workflows'] : []), name]
    const says = content(given)
    const tasks = withDefaults(
      Object.entries(content(says.tasks)).map(([task, its]) => ({
        name: task,
        line: lineOf([...path, 'tasks', task]),
        says: content(its),
      })),
      content(says['task-defaults']),
    )
    if (tasks.length === 0) throw refuse(lineOf(path), `the workflow ${name} has no tasks`)
    return {
      ...{ name, line: lineOf(path), tasks },
      description: typeof says.description === 'string' ? says.description : undefined,
      isReverse: says.type === 'reverse',
      input: inputOf(says.input),
      vars: content(says.vars),
      output: content(says.output),
    }
  })
  if (found.length === 0) throw refuse(1, 'there is no workflow in it')
  return found
}

/** What follows by default does not follow upon itself: a handler of errors that fails is not its own handler. */
function withDefaults(tasks: readonly Task[], defaults: Task['says']): Task[] {
  const handlers = new Set<string>()
  const following = (name: string) => {
    if (handlers.has(name)) return
    handlers.add(name)
    for (const key of transitionKeys) {
      const says = tasks.find((task) => task.name === name)?.says ?? {}
      for (const { to } of followersIn(says[key])) following(to)
    }
  }
  for (const key of transitionKeys) for (const { to } of followersIn(defaults[key])) following(to)
  const rest = Object.fromEntries(
    Object.entries(defaults).filter(([key]) => !transitionKeys.some((one) => one === key)),
  )
  return tasks.map((task) => ({ ...task, says: { ...(handlers.has(task.name) ? rest : defaults), ...task.says } }))
}

function inputOf(given: unknown): Workflow['input'] {
  if (!Array.isArray(given)) return []
  return given.flatMap((one: unknown) =>
    typeof one === 'string'
      ? [{ name: one }]
      : Object.entries(content(one)).map(([name, preset]) => ({ name, preset })),
  )
}

export const transitionKeys = ['on-success', 'on-error', 'on-complete'] as const

/** The tasks that a clause such as `on-success` leads to, with their conditions. */
export function followersIn(clause: unknown): { to: string; guard?: string }[] {
  const { next, publish } = content(clause)
  if (next !== undefined || publish !== undefined) return followersIn(next)
  if (Array.isArray(clause)) return clause.flatMap(followersIn)
  if (typeof clause === 'string') return [{ to: clause.split(/[\s(]/, 1)[0] ?? '' }]
  return Object.entries(content(clause)).map(([to, guard]) => ({ to, ...(typeof guard === 'string' && { guard }) }))
}

/** A map, whatever stands there. */
export const content = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}

import { NotMapped } from './tokens.ts'
import { content, followersIn, type Task, transitionKeys, type Workflow } from './workflow.ts'

/** Words that stand for no task in a transition. */
export const commands: ReadonlySet<string> = new Set(['fail', 'succeed', 'noop', 'pause'])

export type When = (typeof transitionKeys)[number]

export interface Transition {
  readonly from: string
  readonly to: string
  readonly when: When
  /** Expression of Mistral that must be true. */
  readonly guard?: string
}

/** All transitions of a workflow, those that only require another task included. */
export function transitionsOf({ tasks, isReverse }: Workflow): Transition[] {
  if (isReverse)
    return tasks.flatMap(({ name, says }) =>
      followersIn(says.requires).map(({ to }) => ({ from: to, to: name, when: 'on-success' as const })),
    )
  return tasks.flatMap(({ name, says }) =>
    transitionKeys.flatMap((when) => followersIn(says[when]).map((next) => ({ from: name, when, ...next }))),
  )
}

/** What a task publishes where it says what follows. */
export const publishedBy = ({ says }: Task, when: When): Readonly<Record<string, unknown>> => {
  const { branch, global } = content(content(says[when]).publish)
  return { ...content(global), ...content(branch) }
}

/**
 * Tasks in rows: each after all that lead to it, those of one row independent of each other.
 *
 * @throws NotMapped tasks that lead back to themselves
 */
export function rowsOf(tasks: readonly Task[], transitions: readonly Transition[]): Task[][] {
  const rows: Task[][] = []
  const placed = new Set<string>()
  const known = new Set(tasks.map(({ name }) => name))
  while (placed.size < tasks.length) {
    const row = tasks.filter(
      ({ name }) =>
        !placed.has(name) && transitions.every(({ from, to }) => to !== name || placed.has(from) || !known.has(from)),
    )
    if (row.length === 0) {
      const left = tasks.flatMap(({ name }) => (placed.has(name) ? [] : [name]))
      throw new NotMapped(
        `${left.join(', ')} lead back to themselves; loops are \`forEach\` and \`wait: {until}\` here`,
      )
    }
    rows.push(row)
    for (const { name } of row) placed.add(name)
  }
  return rows
}

import { nameProblem } from '../declared/names.ts'
import { looksSecret } from '../redact.ts'
import type { Names } from './expression.ts'
import { NotMapped } from './tokens.ts'

/** The names of a workflow as expressions of ours have them. */
export interface Naming extends Names {
  /** What a task saves. */
  saved(task: string): string
  /** Whether a task went well: 'success', 'error', or null when it was not done. */
  state(task: string): string
  published(name: string): string
  input(name: string): string
  /** Says where the result of a task is found. */
  resultOf(task: string, result: string | undefined, isList: boolean): void
  /** The same names where a task stands: `task()` is its own, and its item has a name. */
  of(task: string, items?: { readonly name: string; readonly as: string }): Names
}

export function createNaming(inputs: readonly string[], published: ReadonlySet<string>): Naming {
  const taken = new Map<string, string>()
  const results = new Map<string, { cel: string | undefined; isList: boolean }>()

  /** The same for the same thing, another for another. */
  function name(kind: string, given: string, suffix = ''): string {
    const key = `${kind} ${given}`
    const known = taken.get(key)
    if (known !== undefined) return known
    const plain = `${camel(given)}${suffix}`
    const used = new Set(taken.values())
    let free = nameProblem(plain) === undefined ? plain : `${plain}Value`
    for (let n = 2; used.has(free); n++) free = `${plain}${n}`
    taken.set(key, free)
    return free
  }

  const inputName = (given: string) => camel(given)
  function variable(given: string): { cel: string } {
    if (published.has(given)) return { cel: name('published', given) }
    if (looksSecret(given)) throw new NotMapped(`$.${given} looks like a secret, which is no input of a runbook`)
    if (inputs.includes(given)) return { cel: `input.${inputName(given)}` }
    throw new NotMapped(`$.${given} is neither input nor published`)
  }
  function result(task: string | undefined) {
    const found = task === undefined ? undefined : results.get(task)
    if (!found) throw new NotMapped(`the result of ${task ?? 'a task'} is not known here`)
    if (found.cel === undefined) throw new NotMapped(`${task} gives no result here`)
    return { cel: found.cel, isList: found.isList }
  }

  return {
    saved: (task) => name('task', task),
    state: (task) => name('state', task, 'State'),
    published: (given) => name('published', given),
    input: inputName,
    resultOf: (task, cel, isList) => void results.set(task, { cel, isList }),
    variable,
    result,
    of: (task, items) => ({
      variable: (given) => (items?.name === given ? { cel: items.as } : variable(given)),
      result: (given) => result(given ?? task),
    }),
  }
}

/** `vm_id` as `vmId`. */
export function camel(given: string): string {
  const [first = 'x', ...rest] = given.split(/[^A-Za-z0-9]+/).filter(Boolean)
  const joined = [first, ...rest.map((one) => `${one.charAt(0).toUpperCase()}${one.slice(1)}`)].join('')
  const plain = `${joined.charAt(0).toLowerCase()}${joined.slice(1)}`.slice(0, 32)
  return /^[a-z]/.test(plain) ? plain : `x${plain}`
}

import type { Naming } from './naming.ts'
import { NotMapped } from './tokens.ts'
import type { Transition } from './transitions.ts'
import { expressionFrom } from './values.ts'
import type { Task } from './workflow.ts'

/** When a task is done, as an expression; undefined: always. */
export interface Conditions {
  /** @throws NotMapped */
  of(task: Task, inbound: readonly Transition[], isReverse: boolean): string | undefined
  /** Of one transition. @throws NotMapped */
  along(transition: Transition): string | undefined
  /** Whether a task has failed. */
  failed(task: string): string
  /** Tasks whose state some condition asks for. */
  readonly asked: ReadonlySet<string>
}

/** @param handled tasks whose failure does not end the workflow at once */
export function createConditions(naming: Naming, handled: ReadonlySet<string>): Conditions {
  const asked = new Set<string>()
  /** Tasks that are done in every run that comes so far. */
  const always = new Set<string>()
  const stateOf = (task: string) => {
    asked.add(task)
    return naming.state(task)
  }

  const failed = (task: string) => `${stateOf(task)} == "error"`

  function along({ from, when, guard }: Transition): string | undefined {
    const parts: string[] = []
    if (when === 'on-error') parts.push(failed(from))
    else if (when === 'on-success' && (handled.has(from) || !always.has(from)))
      parts.push(`${stateOf(from)} == "success"`)
    else if (when === 'on-complete' && !always.has(from)) parts.push(`${stateOf(from)} != null`)
    if (guard !== undefined) parts.push(`(${expressionFrom(guard, naming.of(from)).cel})`)
    return parts.length === 0 ? undefined : parts.join(' && ')
  }

  return {
    asked,
    failed,
    along,
    of({ name, says }, inbound, isReverse) {
      const join = isReverse ? 'all' : says.join
      if (join !== undefined && join !== 'all' && join !== 'one' && join !== 1)
        throw new NotMapped(`\`join: ${JSON.stringify(join)}\` has no counterpart`)
      const found = inbound.map(along)
      const conditions = found.filter((one) => one !== undefined)
      const isAlways = join === 'all' ? conditions.length === 0 : conditions.length < found.length || found.length === 0
      if (isAlways) {
        always.add(name)
        return undefined
      }
      if (conditions.length === 1) return conditions[0]
      return conditions.map((one) => (join === 'all' ? one : `(${one})`)).join(join === 'all' ? ' && ' : ' || ')
    },
  }
}

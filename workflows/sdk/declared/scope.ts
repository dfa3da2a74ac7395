import { declaredLimits } from '../../../core/declared-runbook.ts'
import { failure } from '../../../core/errors.ts'
import { unknown, type Values } from '../../../policies/declared/evaluate.ts'
import { toCel } from '../../../policies/declared/values.ts'

/** The values of a run at one place of its document. */
export interface Scope extends Values {
  /** @throws RUNBOOK_LIMIT */
  save(name: string, value: unknown): void
  /** A scope of its own that begins with these values: what it saves is not seen outside. */
  inner(more?: Readonly<Record<string, unknown>>): Scope
  /** The same scope in which a few more names are known. */
  knowing(more: Readonly<Record<string, unknown>>): Scope
}

export const createScope = (values: Readonly<Record<string, unknown>>): Scope =>
  scopeOf(toCelEntries(values), new Set())

function scopeOf(known: Record<string, unknown>, unknowns: Set<string>): Scope {
  function save(name: string, value: unknown): void {
    unknowns.delete(name)
    if (value === unknown) {
      delete known[name]
      unknowns.add(name)
      return
    }
    const { length } = JSON.stringify(value ?? null)
    if (length > declaredLimits.valueLength)
      throw failure(
        'RUNBOOK_LIMIT',
        `${name} has ${length} characters of JSON; a value has at most ${declaredLimits.valueLength}`,
      )
    known[name] = toCel(value ?? null)
  }
  return {
    known,
    unknown: unknowns,
    save,
    inner: (more = {}) => scopeOf({ ...known, ...toCelEntries(more) }, new Set(unknowns)),
    knowing: (more) => ({ ...scopeOf({ ...known, ...toCelEntries(more) }, unknowns), save }),
  }
}

const toCelEntries = (values: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, toCel(value)]))

import { failure } from '../../core/errors.ts'
import type { RunbookCard } from '../../core/runbook.ts'
import { builtInRunbooks } from '../runbooks/index.ts'
import { cardOf, type Runbook } from './definition.ts'

const own: Runbook[] = []

/**
 * Takes in the runbooks of an installation: the default export of each module is one, or a list of them. Gives what is
 * wrong with them, for whoever loads the bundle: a module that throws would take all other workflows along.
 */
export function registerOwn(modules: readonly { readonly from: string; readonly module: object }[]): string[] {
  const problems: string[] = []
  for (const { from, module } of modules) {
    const exported = (module as { default?: unknown }).default
    for (const one of Array.isArray(exported) ? exported : [exported]) {
      const runbook = one as Partial<Runbook> | undefined
      if (runbook?.isRunbook !== true)
        problems.push(`${from}: its default export is no runbook: export default defineRunbook({ … })`)
      else if (find(runbook.name ?? '')) problems.push(`${from}: there is a runbook ${runbook.name} already`)
      else own.push(runbook as Runbook)
    }
  }
  return problems
}

const find = (name: string): Runbook | undefined => [...builtInRunbooks, ...own].find((one) => one.name === name)

/** @throws RUNBOOK_UNKNOWN */
export function runbookNamed(name: string): Runbook {
  const found = find(name)
  if (!found) throw failure('RUNBOOK_UNKNOWN', `this worker has no runbook ${name}`, { runbook: name })
  return found
}

/** All of them as people read them, by name. */
export const allCards = (): RunbookCard[] =>
  [...builtInRunbooks.map((one) => cardOf(one, 'built-in')), ...own.map((one) => cardOf(one, 'own'))].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  )

import { failure } from '../../core/errors.ts'
import type { RunbookCard } from '../../core/runbook.ts'
import { builtInRunbooks } from '../runbooks/index.ts'
import { cardOf, type Runbook } from './definition.ts'

const own: Runbook[] = []

/** Takes in the runbooks of an installation. @throws RUNBOOK_INVALID a module without a runbook, or a name that is taken */
export function registerOwn(modules: readonly { readonly from: string; readonly exported: unknown }[]): void {
  for (const { from, exported } of modules) {
    const runbook = exported as Partial<Runbook> | undefined
    if (runbook?.isRunbook !== true)
      throw failure(
        'RUNBOOK_INVALID',
        `${from} has no runbook as its default export: export default defineRunbook({ … })`,
      )
    if (find(runbook.name ?? ''))
      throw failure('RUNBOOK_INVALID', `${from}: there is a runbook ${runbook.name} already`)
    own.push(runbook as Runbook)
  }
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

import assert from 'node:assert'
import { createContext, runInContext } from 'node:vm'
import { messageOf } from '../core/errors.ts'
import type { RunbookCard } from '../core/runbook.ts'

export interface BundleCards {
  readonly cards: readonly RunbookCard[]
  readonly problems: readonly string[]
}

interface Loaded {
  __TEMPORAL__: { importWorkflows(): { runbookCards?(): RunbookCard[]; ownProblems?: readonly string[] } }
}

/** Loads a bundle the way a worker does, but runs nothing: which runbooks are in it, and what is wrong with them. */
export function cardsIn(code: string): BundleCards {
  const globals = { URL, URLSearchParams, TextEncoder, TextDecoder, AbortController, assert, console }
  const context = createContext({ ...globals, __webpack_module_cache__: {} })
  try {
    runInContext(code, context, { timeout: 30_000 })
    const { runbookCards, ownProblems = [] } = (context as unknown as Loaded).__TEMPORAL__.importWorkflows()
    return { cards: ownProblems.length === 0 ? (runbookCards?.() ?? []) : [], problems: ownProblems }
  } catch (error) {
    return { cards: [], problems: [`the runbooks cannot be loaded: ${messageOf(error)}`] }
  }
}

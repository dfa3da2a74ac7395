import type { Fanned } from './context.ts'

/** How many of how many went well, for a summary. */
export const inNumbers = (outcomes: readonly Fanned<unknown, unknown>[]): string =>
  `${outcomes.filter(({ outcome }) => outcome === 'done').length} of ${outcomes.length}`

/** Those that did not, with their reasons, for a result. */
export const failedOnes = <T>(outcomes: readonly Fanned<T, unknown>[]) =>
  outcomes
    .filter(({ outcome }) => outcome !== 'done')
    .map(({ item, outcome, reason }) => ({ item, outcome, ...(reason && { reason }) }))

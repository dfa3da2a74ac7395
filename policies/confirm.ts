import type { ServiceInCompany } from '../core/activities.ts'

/** What one source had to say about whether something is wrong. */
export interface Observation {
  readonly source: string
  /** `no word`: it could not be asked, which is neither a yes nor a no. */
  readonly says: 'agrees' | 'disagrees' | 'no word'
  /** What it saw, for people. */
  readonly detail: string
}

export interface Confirmation {
  /** `unclear`: too few agree for acting, and not all is well either, so a person must look. */
  readonly outcome: 'confirmed' | 'refuted' | 'unclear'
  /** With the figures, and what each source saw. */
  readonly sentence: string
}

/**
 * Weighs second looks: `need` sources must agree that something is wrong. Silence never counts as agreement, and never
 * as all-clear. A source is counted once, whatever the order.
 */
export function confirm(observations: readonly Observation[], need: number): Confirmation {
  const bySource = [...new Map(observations.map((seen) => [seen.source, seen])).values()]
  const count = (says: Observation['says']) => bySource.filter((seen) => seen.says === says).length
  const agree = count('agrees')
  const seen = bySource.map(({ source, detail }) => `${source}: ${detail}`).join('; ')
  const figures = `${agree} of ${bySource.length} source(s) agree, ${need} must`
  if (need > 0 && agree >= need) return { outcome: 'confirmed', sentence: `confirmed, ${figures}: ${seen}` }
  if (agree === 0 && count('disagrees') > 0)
    return { outcome: 'refuted', sentence: `not confirmed, ${figures}: ${seen}` }
  return { outcome: 'unclear', sentence: `neither confirmed nor refuted, ${figures}: ${seen || 'nobody was asked'}` }
}

/**
 * Says that too many services of a kind look down at once, with the figures; undefined when they do not. A message bus,
 * a database or a clock that fails looks like this; restarting services would only add to it.
 */
export function massOutage({ binary, state, company: { up, down } }: ServiceInCompany): string | undefined {
  if (state !== 'down' || down < 2 || down < up) return undefined
  return `${down} of ${up + down} ${binary} look down at once: hardly the fault of this one`
}

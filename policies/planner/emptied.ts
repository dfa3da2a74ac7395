import type { PlanDocument } from '../../core/plan-document.ts'

/**
 * Hosts that a plan empties for good: those it was made for (`drain`) or does without after it (`consolidate`), as long as
 * it sends nothing there itself. Other goals empty none.
 */
export function emptiedBy({ goal, options, efficacy, waves }: PlanDocument): ReadonlySet<string> {
  const wanted: readonly unknown[] =
    goal === 'drain' && Array.isArray(options.drain) ? options.drain : goal === 'consolidate' ? efficacy.released : []
  const targets = new Set(waves.flatMap(({ moves }) => moves.map(({ to }) => to)))
  return new Set(wanted.filter((host): host is string => typeof host === 'string' && !targets.has(host)))
}

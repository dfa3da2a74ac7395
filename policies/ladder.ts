import type { Policy, Rung } from '../core/policy.ts'

/** Where an incident stands on its ladder: `rung` 0 is the first, `attempt` 1 is the first on it. */
export interface Step {
  readonly rung: number
  readonly attempt: number
}

export const firstStep: Step = { rung: 0, attempt: 1 }

/** Nobody waits for longer than a day. */
const longestWaitMs = 86_400_000

/** All rungs of a policy: what it does first, then its ladder. */
export function ladderOf(policy: Policy): readonly [Rung, ...Rung[]] {
  const { runbook, with: options, attempts, backOffSeconds, ladder } = policy
  return [{ runbook, with: options, attempts, backOffSeconds } as Rung, ...ladder]
}

/** Whether a rung leaves the cloud as it is; it cannot make anything worse, and it cannot help either. */
export const onlyReads = ({ runbook }: { readonly runbook: string }): boolean => runbook === 'collect-evidence'

/**
 * What is tried after a step that did not help: the same rung again after its back-off, which doubles with every
 * attempt, then the next rung at once; undefined when only people are left.
 */
export function nextStep(
  ladder: readonly Pick<Rung, 'attempts' | 'backOffSeconds'>[],
  { rung, attempt }: Step,
): (Step & { readonly waitMs: number }) | undefined {
  const present = ladder[rung]
  if (present && attempt < present.attempts) {
    const waitMs = Math.min(longestWaitMs, present.backOffSeconds * 1000 * 2 ** (attempt - 1))
    return { rung, attempt: attempt + 1, waitMs }
  }
  return rung + 1 < ladder.length ? { rung: rung + 1, attempt: 1, waitMs: 0 } : undefined
}

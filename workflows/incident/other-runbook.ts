import type { LeaseNeed } from '../../core/governor.ts'
import type { OtherRung } from '../../core/policy.ts'
import type { RunOrder } from '../../core/runbook.ts'
import { inputOf } from '../sdk/definition.ts'
import { runbookNamed } from '../sdk/registry.ts'
import { binaryOf, type Job, type Life } from './life.ts'

const defaultMinutes = 15

/**
 * What a rung comes to that names any runbook. What one that looks first will change is known only to its run, which asks
 * for its own lease: until then its host stands for it.
 *
 * @throws RUNBOOK_UNKNOWN, INPUT_INVALID
 */
export function otherJob(life: Life, rung: OtherRung): Job {
  const runbook = runbookNamed(rung.runbook)
  const input = inputOf(runbook, inputFor(life, rung)) as object
  const { host } = life.alert.entity
  const { risk } = runbook
  const targets = runbook.prepare ? [`host/${host}` as const] : runbook.targets(input, undefined)
  const minutes = runbook.prepare ? defaultMinutes : (runbook.expectedMinutes?.(input, undefined) ?? defaultMinutes)
  const need: LeaseNeed = { runbook: runbook.name, targets, within: [], risk, expectedMs: minutes * 60_000 }
  return { rung, need, sentence: `${runbook.title}: ${host}` }
}

export const orderOf = (life: Life, rung: OtherRung): RunOrder => ({
  runbook: rung.runbook,
  ...documentOf(rung.runbook),
  input: inputFor(life, rung),
  dryRun: false,
  by: life.policy.name,
  why: life.alert.summary,
})

/** What a declarative runbook is made of goes along, so that its run keeps it. */
function documentOf(name: string): Pick<RunOrder, 'document'> {
  const { document } = runbookNamed(name)
  return document === undefined ? {} : { document }
}

/** The alert knows the host, and often the service; a runbook that has no use for them is not given them. */
function inputFor(life: Life, { runbook, with: given }: OtherRung): Record<string, unknown> {
  const { shape } = runbookNamed(runbook).input
  const binary = binaryOf(life)
  return {
    ...('host' in shape && { host: life.alert.entity.host }),
    ...('binary' in shape && binary !== undefined && { binary }),
    ...given,
  }
}

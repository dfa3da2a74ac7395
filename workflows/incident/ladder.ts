import { CancellationScope } from '@temporalio/workflow'
import { messageOf } from '../../core/errors.ts'
import { nextStep, onlyReads } from '../../policies/ladder.ts'
import { internal } from '../steps.ts'
import { nowIso } from './journal.ts'
import { escalate, type Life, type Phase, type Run } from './life.ts'

/** What follows a step that did not help: another attempt, the next rung, or people. */
export async function missed(life: Life, error: unknown, run?: Run): Promise<Phase> {
  const { journal, step, ladder } = life
  if (run) await report(run, false)
  const next = nextStep(ladder, step)
  if (!next) return escalate(life, error)
  const wait = next.waitMs > 0 ? `; the next one in ${Math.round(next.waitMs / 1000)} s` : ''
  journal.tell(`attempt ${step.attempt} did not help: ${messageOf(error)}${wait}`, 'planning')
  life.step = { rung: next.rung, attempt: next.attempt }
  return { is: 'back-off', untilMs: Date.now() + next.waitMs }
}

/**
 * Tells the governor how a run turned out: a runbook that keeps not helping asks before it acts. What cannot be told
 * changes nothing here, and a person who wants the incident does not keep it from being told.
 */
export async function report(run: Run, helped: boolean): Promise<void> {
  run.helped = helped
  if (onlyReads(run)) return
  await CancellationScope.nonCancellable(async () => {
    try {
      const outcome = { runbook: run.runbook, at: nowIso(), helped }
      await internal('Tell the governor how the run turned out').reportOutcome({ outcome })
    } catch {
      // the governor knows one run less
    }
  })
}

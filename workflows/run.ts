import { isCancellation } from '@temporalio/workflow'
import type { RunbookDocument } from '../core/declared-runbook.ts'
import { codeOf, failure, messageOf } from '../core/errors.ts'
import type { LeaseGrounds, LeaseNeed } from '../core/governor.ts'
import type { RunOrder, RunState } from '../core/runbook.ts'
import type { Doer } from './deed.ts'
import { withLease } from './lease.ts'
import { declare } from './sdk/declared.ts'
import { inputOf, type Runbook, type RunResult } from './sdk/definition.ts'
import { createQuestions } from './sdk/questions.ts'
import { createRecord } from './sdk/record.ts'
import { runbookNamed } from './sdk/registry.ts'
import { createRunContext, endIfCancelled } from './sdk/run-context.ts'
import { createUndoStack } from './sdk/undo.ts'

/** Ended by somebody's will, not by a failure. */
const stops: ReadonlySet<string | undefined> = new Set(['STOPPED', 'GAVE_WAY', 'RUN_REFUSED'])
const expectedMinutes = 15
/** A call that the cloud does not take at once is tried again for so long. */
const mostLatenessMs = 10 * 60_000

/**
 * Runs any runbook: under a lease on what it changes, held to what it declared, with a readable state while it runs and
 * after it ended. If it fails or is cancelled, what it said can be taken back is taken back first.
 *
 * @throws RUNBOOK_UNKNOWN, INPUT_INVALID, CALL_NOT_DECLARED, what the governor refuses with, and what the runbook throws
 */
export async function run(order: RunOrder, grounds: LeaseGrounds): Promise<RunResult> {
  const { dryRun, by, why } = order
  const record = createRecord(order)
  const undone = createUndoStack()
  const ask = createQuestions(record, dryRun)
  record.show('begins')
  let left: string | undefined
  try {
    const runbook = order.document ? await runbookOf(order.document) : runbookNamed(order.runbook)
    declare(runbook.needs)
    const input = inputOf(runbook, order.input)
    const doer: Doer = {
      delegation: { standing: true },
      projectId: '',
      userId: by,
      why,
      maxLatenessMs: mostLatenessMs,
      holdsLease: true,
    }
    const hands = { needs: runbook.needs, dryRun, record, undone, doer, ask }

    // there is no lease yet
    const looking = createRunContext({ ...hands, safePoint: () => undefined, mayChange: false })
    const prepared = await runbook.prepare?.(looking, input)
    const idle = runbook.nothingToDo?.(input, prepared)
    if (idle !== undefined) return done({ summary: idle })
    const need: LeaseNeed = {
      runbook: runbook.name,
      targets: runbook.targets(input, prepared),
      within: runbook.within?.(input, prepared) ?? [],
      risk: runbook.risk,
      expectedMs: (runbook.expectedMinutes?.(input, prepared) ?? expectedMinutes) * 60_000,
    }
    record.view.targets = need.targets
    const isFree = runbook.risk === 'read'
    if (!isFree && need.targets.length === 0)
      throw failure(
        'TARGETS_MISSING',
        `${runbook.name} names nothing that it changes: say \`nothingToDo\` if there is nothing to do`,
        { runbook: runbook.name },
      )
    const begin = async (safePoint: () => void) => {
      record.to('running')
      record.show(dryRun ? 'says what it would do' : 'runs')
      try {
        const context = createRunContext({ ...hands, safePoint, mayChange: !isFree })
        const result = await runbook.run(context, input, prepared)
        endIfCancelled()
        return result
      } catch (error) {
        // while it holds its lease: nobody else may begin on the same targets in between
        left = await undone.unwind(record)
        throw error
      }
    }
    return done(dryRun || isFree ? await begin(() => undefined) : await withLease(need, grounds, record.note, begin))
  } catch (error) {
    throw ended(error)
  }

  function done(result: RunResult): RunResult {
    const { summary, ...more } = result
    Object.assign(record.view, { summary, ...(Object.keys(more).length > 0 && { result: more }) })
    record.to('succeeded')
    record.note(dryRun ? `dry run: ${summary}` : summary)
    return result
  }

  /** The end of a run that was not to be: the record says why, and what could not be taken back. */
  function ended(error: unknown): unknown {
    const code = codeOf(error)
    const state: RunState = isCancellation(error) ? 'cancelled' : stops.has(code) ? 'stopped' : 'failed'
    const said = isCancellation(error) ? 'cancelled' : messageOf(error)
    const summary = left ? `${said}; ${left}` : said
    Object.assign(record.view, { summary, ...(state !== 'cancelled' && { code: code ?? 'RUN_FAILED' }) })
    record.to(state)
    record.note(summary)
    if (isCancellation(error)) return error
    // a plain Error would only fail the workflow task, again and again
    return failure(code ?? 'RUN_FAILED', summary, { runbook: order.runbook })
  }
}

/** Every workflow has modules of its own, made when it begins; few need those for expressions. @throws RUNBOOK_INVALID */
async function runbookOf(document: RunbookDocument): Promise<Runbook> {
  const { declaredRunbook } = await import(/* webpackMode: "eager" */ './sdk/declared/runbook.ts')
  return declaredRunbook(document)
}

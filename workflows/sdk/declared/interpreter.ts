import { isCancellation } from '@temporalio/workflow'
import { declaredLimits, type Step } from '../../../core/declared-runbook.ts'
import { codeOf, failure, messageOf } from '../../../core/errors.ts'
import type { Target } from '../../../core/governor.ts'
import { type Evaluator, unknown } from '../../../policies/declared/evaluate.ts'
import type { RunContext } from '../context.ts'
import { failedOnes, inNumbers } from '../outcomes.ts'
import { canBeHandled, withinTime, withRetries } from './attempts.ts'
import { createDeeds } from './deeds.ts'
import type { Scope } from './scope.ts'

export interface InterpreterParts {
  readonly run: RunContext
  readonly evaluator: Evaluator
  /** Steps that may still be done; shared by all that works for one run. */
  readonly left: { steps: number }
  /** Begins nothing more once the run, or the step around, is to end. @throws CancelledFailure */
  endIfCancelled(): void
  /** What the run holds its lease on; nothing is changed without. */
  readonly targets?: readonly Target[]
}

export interface Interpreter {
  /** Does steps one after the other. @throws EXPRESSION_FAILED, RUNBOOK_LIMIT, RUN_TIMED_OUT and what steps fail with */
  sequence(steps: readonly Step[], scope: Scope): Promise<void>
}

/** Does what a document says, step by step, with the hands of a run. */
export function createInterpreter(parts: InterpreterParts): Interpreter {
  const { run, evaluator, left, endIfCancelled, targets = [] } = parts
  const deeds = createDeeds({ run, evaluator, targets, count })

  /** However steps are nested and repeated, there is an end to them. */
  function count(): void {
    if (left.steps-- > 0) return
    throw failure('RUNBOOK_LIMIT', `this run has done ${declaredLimits.done} steps, looks and tries included`)
  }

  async function sequence(steps: readonly Step[], scope: Scope, canLeave = true): Promise<void> {
    for (const step of steps) {
      endIfCancelled()
      if (canLeave) run.safePoint()
      await one(step, scope, canLeave)
    }
  }

  async function one(step: Step, scope: Scope, canLeave: boolean): Promise<void> {
    try {
      if (!isWanted(step, scope)) return leaveOut(step, scope)
      if (step.title !== undefined) run.note(step.title)
      const given = await withRetries(step, run, () => {
        count()
        return withinTime(step, run, () => act(step, scope, canLeave))
      })
      if (step.saves !== undefined) scope.save(step.saves, given)
      if (step.undo && !wasSoAlready(given)) remember(step.undo, scope.inner())
    } catch (error) {
      await afterError(step, scope, canLeave, withLine(error, step))
    }
  }

  function isWanted({ when }: Step, scope: Scope): boolean {
    if (when === undefined) return true
    const verdict = evaluator.value(when, scope)
    if (typeof verdict === 'boolean') return verdict
    if (verdict !== unknown) throw failure('EXPRESSION_FAILED', `${when}: this must be true or false`)
    run.note(`only if ${when}, which is known when it runs`)
    return true
  }

  /** Later steps find null, unless an earlier step has saved something there. */
  function leaveOut({ saves }: Step, scope: Scope): void {
    if (saves !== undefined && !(saves in scope.known)) scope.save(saves, null)
  }

  async function afterError(step: Step, scope: Scope, canLeave: boolean, error: unknown): Promise<void> {
    const { onError = 'fail', saves } = step
    if (onError === 'fail' || !canBeHandled(error)) throw error
    const [code, message] = [codeOf(error) ?? 'INTERNAL', messageOf(error)]
    run.note(`goes on after ${code}: ${message}`)
    if (saves !== undefined) scope.save(saves, null)
    if (onError !== 'continue') await sequence(onError, scope.knowing({ error: { code, message } }), canLeave)
  }

  /** Taking back is not kept from its end by what the run has done before. */
  function remember(undo: Step, scope: Scope): void {
    const title = undo.title ?? ('action' in undo ? undo.action : `what line ${undo.line} says`)
    const free = createInterpreter({ ...parts, left: { steps: declaredLimits.done } })
    run.undo(title, () => free.sequence([undo], scope))
  }

  async function act(step: Step, scope: Scope, canLeave: boolean): Promise<unknown> {
    if ('run' in step) return sequence(step.run, scope, canLeave)
    if ('parallel' in step) return sideBySide(step.parallel, scope)
    if ('forEach' in step) return each(step, scope)
    return deeds.act(step, scope)
  }

  /** All are seen through before the failure of one counts. */
  async function sideBySide(steps: readonly Step[], scope: Scope): Promise<void> {
    const ends = await Promise.allSettled(steps.map((step) => one(step, scope, false)))
    const errors = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []))
    const first = errors.find((error) => !canBeHandled(error)) ?? errors[0]
    if (first !== undefined) throw first
  }

  async function each({ forEach, line }: Step<'forEach'>, scope: Scope): Promise<unknown> {
    const items = evaluator.value(forEach.items, scope)
    if (items === unknown) {
      run.note(`for each of ${forEach.items}, which is known when it runs`)
      return unknown
    }
    if (!Array.isArray(items)) throw failure('EXPRESSION_FAILED', `${forEach.items}: this must be a list`)
    if (items.length > declaredLimits.items)
      throw failure('RUNBOOK_LIMIT', `line ${line}: ${items.length} items; a loop has at most ${declaredLimits.items}`)
    const [atOnce, canary, mayFail] = ([forEach.atOnce, forEach.canary, forEach.mayFail] as const).map((number) =>
      deeds.wholeNumber(number, scope),
    ) as [number, number, number]

    let ended: unknown
    const outcomes = await run.forEach(items, { atOnce: Math.max(1, atOnce), canary, mayFail }, async (item) => {
      const inner = scope.inner({ [forEach.as]: item })
      try {
        await sequence(forEach.steps, inner, false)
        return forEach.gives === undefined ? null : known(evaluator.filled(forEach.gives, inner))
      } catch (error) {
        // the others that are under way are seen through first
        if (!canBeHandled(error)) ended ??= error
        throw isCancellation(error) ? failure('RUN_FAILED', 'cancelled') : error
      }
    })
    if (ended !== undefined) throw ended
    const failed = failedOnes(outcomes)
    if (failed.length > mayFail || failed.some(({ outcome }) => outcome === 'not begun')) {
      const why = failed.flatMap(({ reason }) => reason ?? []).slice(0, 3)
      throw failure('RUN_FAILED', `line ${line}: ${inNumbers(outcomes)} went well; ${why.join('; ')}`)
    }
    return outcomes
  }

  return { sequence }
}

const known = (value: unknown) => (value === unknown ? null : value)

/** What was so already is not ours to take back. */
const wasSoAlready = (given: unknown) =>
  typeof given === 'object' &&
  given !== null &&
  'note' in given &&
  typeof given.note === 'string' &&
  given.note.startsWith('nothing to do')

/** Only what the document itself does wrong is told with its line; what the cloud says is said in the cloud's words. */
function withLine(error: unknown, { line }: Step): unknown {
  const message = messageOf(error)
  if (codeOf(error) !== 'EXPRESSION_FAILED' || message.startsWith('line ')) return error
  return failure('EXPRESSION_FAILED', `line ${line}: ${message}`, { line })
}

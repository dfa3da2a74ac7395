import type { z } from 'zod'
import { declaredLimits, RunbookDocument } from '../../../core/declared-runbook.ts'
import { failure } from '../../../core/errors.ts'
import { Target } from '../../../core/governor.ts'
import { createEvaluator, unknown } from '../../../policies/declared/evaluate.ts'
import { inputSchema } from '../../../policies/declared/input.ts'
import type { RunContext } from '../context.ts'
import { defineRunbook, type Runbook, type RunResult } from '../definition.ts'
import { endIfCancelled } from '../run-context.ts'
import { createInterpreter } from './interpreter.ts'
import { createScope, type Scope } from './scope.ts'

interface Prepared {
  readonly scope: Scope
  readonly targets: readonly Target[]
  /** Steps that may still be done. */
  readonly left: { steps: number }
}

/**
 * Makes a runbook of a document that `compileDeclared` gave.
 *
 * @throws RUNBOOK_INVALID when it is none
 */
export function declaredRunbook(given: unknown): Runbook {
  const parsed = RunbookDocument.safeParse(given)
  if (!parsed.success)
    throw failure('RUNBOOK_INVALID', `this is no document of a runbook: ${parsed.error.message}`.slice(0, 500))
  const document = parsed.data
  const { name, title, description, risk, needs, expectedMinutes } = document
  const evaluator = createEvaluator(document.input)

  const runbook = defineRunbook<z.ZodObject, Prepared>({
    ...{ name, title, description, risk, needs },
    input: inputSchema(document.input),

    async prepare(run, input) {
      const scope = createScope({ input, run: { id: run.id, dryRun: run.dryRun }, now: Math.floor(Date.now() / 1000) })
      for (const [key, value] of Object.entries(document.vars)) scope.save(key, evaluator.filled(value, scope))
      const left = { steps: declaredLimits.done }
      await createInterpreter({ run, evaluator, left, endIfCancelled }).sequence(document.prepare, scope)
      return { scope, targets: targetsIn(scope), left }
    },

    targets: (_, { targets }) => targets,
    expectedMinutes: () => expectedMinutes,

    async run(run: RunContext, _, { scope, targets, left }): Promise<RunResult> {
      await createInterpreter({ run, evaluator, left, endIfCancelled, targets }).sequence(document.steps, scope)
      const said = evaluator.text(document.summary ?? `${title}: done`, scope)
      const result = evaluator.filled(document.result ?? {}, scope)
      const summary = said === unknown ? `${title}: would be done` : said
      return { ...(result === unknown ? {} : (result as object)), summary }
    },
  })

  return { ...runbook, document }

  /** @throws INPUT_INVALID nothing, or what is no target */
  function targetsIn(scope: Scope): Target[] {
    const { targets } = document
    const found = typeof targets === 'string' ? evaluator.value(targets, scope) : evaluator.filled(targets, scope)
    const refuse = (why: string) => failure('INPUT_INVALID', `${name}: its targets ${why}`, { runbook: name })
    if (!Array.isArray(found)) throw refuse('must be a list')
    const wrong = found.find((one) => !Target.safeParse(one).success)
    if (wrong !== undefined) throw refuse(`must be such as server/ID, not ${JSON.stringify(wrong).slice(0, 100)}`)
    // without a target there would be no lease
    if (found.length === 0 && risk !== 'read') throw refuse('are none: there is nothing to do')
    return found
  }
}

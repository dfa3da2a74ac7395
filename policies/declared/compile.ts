import { z } from 'zod'
import { declaredLimits, documentHead, type RunbookDocument, type StepKind } from '../../core/declared-runbook.ts'
import { Target } from '../../core/governor.ts'
import type { Needs } from '../../core/runbook.ts'
import { looksSecret } from '../redact.ts'
import { createDeedCheck } from './check-deeds.ts'
import { createExpressionCheck } from './check-expressions.ts'
import { allKinds, createStepCheck } from './check-steps.ts'
import { wrongWithField } from './input.ts'
import { sayIssues } from './issues.ts'
import { nameProblem } from './names.ts'
import { type Problem, readSource, type Source } from './source.ts'
import { hasExpression } from './template.ts'

export type { Problem } from './source.ts'

export type Compiled =
  | { readonly runbook: RunbookDocument }
  | { readonly problems: readonly (Problem & { readonly text: string })[] }

const headWithSteps = documentHead.extend({
  prepare: z.array(z.unknown()).default([]),
  steps: z.array(z.unknown()).min(1, 'a runbook has at least one step'),
})
/** Without `input` when nobody can tell what that is. */
type Head = Omit<z.output<typeof headWithSteps>, 'input'> & { readonly input?: RunbookDocument['input'] }

const prepareKinds: ReadonlySet<StepKind> = new Set(['read', 'set', 'run', 'note', 'fail'])

/**
 * Makes a runbook of a YAML file, or says everything that is wrong with it: `text` of a problem is
 * `file.yaml:12:9: what`.
 */
export function compileDeclared(text: string, fileName: string): Compiled {
  const source = readSource(text)
  const runbook = source.problems.length === 0 ? checked(source) : undefined
  if (runbook && source.problems.length === 0) return { runbook }
  const sorted = source.problems.sort((a, b) => a.line - b.line || a.column - b.column)
  return { problems: sorted.map((one) => ({ ...one, text: `${fileName}:${one.line}:${one.column}: ${one.message}` })) }
}

function checked(source: Source): RunbookDocument | undefined {
  const given = source.content ?? {}
  const { success, data, error } = headWithSteps.safeParse(given)
  if (!success) sayIssues(source, [], headWithSteps, given, error.issues)
  const head = success ? data : restOf(given)
  if (!head) return undefined

  checkInput(source, head.input)
  const expressions = createExpressionCheck(source, head.input)
  const deeds = createDeedCheck(source, head.risk)
  const { sequence } = createStepCheck({ source, expressions, deeds })
  const names = new Set(['input', 'now', 'run'])
  for (const [name, value] of Object.entries(head.vars)) {
    expressions.template(['vars', name], value, names)
    const problem = nameProblem(name)
    if (problem !== undefined) source.sayOfKey(['vars', name], problem)
    names.add(name)
  }
  const place = { names, saved: new Set<string>(), fixed: new Set<string>(), depth: 1 }
  const prepare = sequence(head.prepare, ['prepare'], { ...place, kinds: prepareKinds })
  checkTargets(source, head, (path, value) =>
    typeof value === 'string' && path.length === 1
      ? expressions.expression(path, value, names, 'list')
      : expressions.template(path, value, names),
  )
  const steps = sequence(head.steps, ['steps'], { ...place, kinds: allKinds })
  expressions.template(['summary'], head.summary, names)
  expressions.template(['result'], head.result, names)
  const needs = checkNeeds(source, head, deeds.needs())
  return success ? { ...data, needs, prepare, steps } : undefined
}

/** What can be checked of a document with faults: as much of it as is whole. */
function restOf(given: unknown): Head | undefined {
  if (typeof given !== 'object' || given === null) return undefined
  const whole = Object.entries(headWithSteps.shape).flatMap(([key, schema]) => {
    const { success, data } = (schema as z.ZodType).safeParse((given as Record<string, unknown>)[key])
    return success ? [[key, data]] : []
  })
  // nothing further is said of what is missing or wrong itself
  const instead = { name: 'name', title: '', description: '', risk: 'destructive', targets: ['host/unknown'] }
  const empty = { vars: {}, prepare: [], steps: [], expectedMinutes: 1 }
  return { ...instead, ...empty, ...Object.fromEntries(whole) } as Head
}

function checkInput(source: Source, input: Head['input'] = {}): void {
  if (Object.keys(input).length > declaredLimits.inputFields)
    source.say(['input'], `an input has at most ${declaredLimits.inputFields} fields`)
  for (const [name, field] of Object.entries(input)) {
    if (looksSecret(name)) source.sayOfKey(['input', name], 'a secret is no input: every run shows what it was given')
    const wrong = wrongWithField(field)
    if (wrong) source.say(['input', name, wrong.key], wrong.message)
  }
}

function checkTargets(source: Source, { risk, targets }: Head, check: (path: string[], value: unknown) => void): void {
  check(['targets'], targets)
  if (targets.length === 0 && risk !== 'read')
    source.say([], 'a runbook that changes something says in `targets` what, such as `server/ID`')
  if (typeof targets === 'string') return
  for (const [index, target] of targets.entries())
    if (!hasExpression(target) && !Target.safeParse(target).success)
      source.say(['targets', index], 'a target is host/NAME, server/ID, project/ID or zone/NAME')
}

/** What the steps need; where the author says it, it must be all. */
function checkNeeds(source: Source, { needs }: Head, found: Needs): Needs {
  if (needs === undefined) return found
  for (const kind of ['actions', 'calls'] as const) {
    const missing = found[kind].filter((one) => !needs[kind].some((said) => covers(said, one)))
    if (missing.length > 0) source.say(['needs'], `\`needs.${kind}\` lacks ${missing.join(', ')}`)
  }
  return needs
}

/** What stands in braces is a name for people. */
const covers = (said: string, found: string) =>
  said === found || said.replaceAll(/\{[^}]*\}/g, '{}') === found.replaceAll(/\{[^}]*\}/g, '{}')

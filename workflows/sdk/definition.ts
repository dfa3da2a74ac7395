import { z } from 'zod'
import type { Activities } from '../../core/activities.ts'
import { sideEffects } from '../../core/audit.ts'
import type { RunbookDocument } from '../../core/declared-runbook.ts'
import { failure } from '../../core/errors.ts'
import type { Risk, Target } from '../../core/governor.ts'
import { dryRunByDefault, Needs, type RunbookCard, RunbookName } from '../../core/runbook.ts'
import { actionCatalogue } from '../../policies/catalogue/index.ts'
import { hidesInput, withoutSecretInputs } from '../../policies/redact.ts'
import type { RunContext } from './context.ts'

/** What the end of a run says. `summary` is one sentence for people; the rest is data for whoever reads it on. */
export interface RunResult {
  readonly summary: string
  readonly [more: string]: unknown
}

/** Everything about a runbook, as its author writes it. */
export interface RunbookSource<I extends z.ZodObject, P> {
  /** Part of ids and of the API: lower-case letters, digits and dashes; never renamed. */
  readonly name: string
  /** A few words, such as "Drain a host". */
  readonly title: string
  /** What it does, what it refuses, what it leaves behind: one paragraph. */
  readonly description: string
  readonly input: I
  /** What it can break; all but `read` begins as a dry run unless told otherwise. */
  readonly risk: Risk
  readonly needs: z.input<typeof Needs>
  /** Finds out, by reading only, what there is to do, before the lease is asked for. */
  prepare?(run: RunContext, input: z.output<I>): Promise<P>
  /** Why there is nothing to do, if there is not: the run is done then, without a lease. */
  nothingToDo?(input: z.output<I>, prepared: P): string | undefined
  /** What it changes; the run holds a lease on these. Empty only for `read`. */
  targets(input: z.output<I>, prepared: P): readonly Target[]
  /** What its targets lie in or lead to, such as hosts that servers move to: a lease on one of them is in the way. */
  within?(input: z.output<I>, prepared: P): readonly Target[]
  /** How long it should take; later than that it is asked to come to an end at its next safe point. @default 15 */
  expectedMinutes?(input: z.output<I>, prepared: P): number
  run(run: RunContext, input: z.output<I>, prepared: P): Promise<RunResult>
}

/** A runbook that has passed `defineRunbook`. */
// biome-ignore lint/suspicious/noExplicitAny: a registry holds runbooks of all inputs; `input` checks each before use
export type Runbook = RunbookSource<any, any> & {
  readonly needs: Needs
  readonly isRunbook: true
  readonly document?: RunbookDocument
}

/**
 * Declares a runbook: what it takes, what it may do, and how it is done.
 *
 * `run` is workflow code: it is replayed after a crash, so everything outside goes through the `RunContext` it is given.
 *
 * @throws RUNBOOK_INVALID when the declaration contradicts itself
 */
export function defineRunbook<I extends z.ZodObject, P = undefined>(source: RunbookSource<I, P>): Runbook {
  const refuse = (why: string): never => {
    throw failure('RUNBOOK_INVALID', `runbook ${source.name}: ${why}`, { runbook: source.name })
  }
  const name = RunbookName.safeParse(source.name)
  if (!name.success) refuse(`its name must be of lower-case letters, digits and dashes`)
  const needs = Needs.safeParse(source.needs)
  if (!needs.success)
    return refuse(`needs: ${needs.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`)
  const wrong = wrongWith(needs.data, source.risk)
  if (wrong !== undefined) refuse(wrong)
  if (source.title.trim() === '' || source.description.trim() === '') refuse('it needs a title and a description')
  return { ...source, needs: needs.data, isRunbook: true }
}

/** What a declaration names that is not there, or that its risk does not cover. */
function wrongWith({ calls, actions, steps }: Needs, risk: Risk): string | undefined {
  const noAction = actions.find((name) => !actionCatalogue.has(name))
  if (noAction !== undefined) return `there is no action ${noAction} in the catalogue (docs/actions.md)`
  const noStep = steps.find((name) => !Object.hasOwn(sideEffects, name))
  if (noStep !== undefined) return `there is no step ${noStep}`
  if (risk !== 'read') return undefined
  const changes = [
    ...actions,
    ...calls.filter((call) => call.split(' ')[1] !== 'GET'),
    ...steps.filter((name) => typeof sideEffects[name as keyof Activities] === 'object'),
  ]
  return changes[0] === undefined ? undefined : `its risk is \`read\`, and ${changes[0]} changes something`
}

/** What `GET /v1/runbooks` shows of it. @throws RUNBOOK_INVALID its input cannot be told as JSON Schema */
export function cardOf(
  { name, title, description, risk, needs, input, document }: Runbook,
  source: RunbookCard['source'],
): RunbookCard {
  return {
    ...{ name, title, description, risk, needs, source },
    input: schemaOf(name, input),
    dryRunByDefault: dryRunByDefault(risk),
    ...(document !== undefined && { document }),
  }
}

function schemaOf(name: string, input: z.ZodObject): RunbookCard['input'] {
  try {
    return z.toJSONSchema(input, { io: 'input' }) as RunbookCard['input']
  } catch (error) {
    throw failure('RUNBOOK_INVALID', `runbook ${name}: its input has no JSON Schema: ${(error as Error).message}`, {
      runbook: name,
    })
  }
}

/** What goes in is checked again by the worker, also where it was checked before. @throws INPUT_INVALID */
export function inputOf(runbook: Runbook, given: unknown): unknown {
  const parsed = runbook.input.safeParse(given)
  if (parsed.success) return parsed.data
  const said = parsed.error.issues.map(
    ({ path, message }: { path: PropertyKey[]; message: string }) =>
      `${['input', ...path].join('.')}: ${message}${givenAt(given, path)}`,
  )
  throw failure('INPUT_INVALID', `${runbook.name}: ${said.join('; ')}`.slice(0, 1000), { runbook: runbook.name })
}

const longestShown = 60

/** What stood there, in short, for who gave it; nothing of what may be a secret, and nothing of what is not there. */
function givenAt(given: unknown, path: readonly PropertyKey[]): string {
  if (path.some((key) => typeof key === 'string' && hidesInput(key))) return ''
  const value = path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined | null)?.[key], given)
  if (path.length === 0 || value === undefined) return ''
  const text = JSON.stringify(withoutSecretInputs(value, '***'))
  return `, given ${text.length > longestShown ? `${text.slice(0, longestShown)}…` : text}`
}

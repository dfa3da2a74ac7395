import type { Call } from '../core/call.ts'
import {
  type ActionReference,
  type Chain,
  Chain as ChainSchema,
  type ChainStep,
  chainLimits,
  type Deed,
  Reference,
  type StepRecord,
} from '../core/chain.ts'
import { failure } from '../core/errors.ts'
import { actionNamed } from './catalogue/index.ts'
import { issuesOf } from './chain-check.ts'
import { isReference, readPointer, sizeOf } from './chain-values.ts'

/** A value of a path: it must not lead anywhere else. */
const segment = /^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9_.:~-]{0,254}$/

/**
 * Reads a chain and checks all that can be known before it runs: its size, unknown actions, references to steps that
 * come later or not at all, and values that do not fit.
 *
 * @throws INPUT_INVALID naming every mistake
 */
export function createChain(given: unknown): Chain {
  const { bytes, depth } = sizeOf(given, chainLimits)
  if (bytes > chainLimits.bytes) throw refusal([`a chain is at most ${chainLimits.bytes >> 10} KiB of JSON`])
  if (depth > chainLimits.depth) throw refusal([`a chain is at most ${chainLimits.depth} levels deep`])
  const { success, data: chain, error } = ChainSchema.safeParse(given)
  if (!success) throw refusal(error.issues.map(({ path, message }) => `${path.join('.') || 'chain'}: ${message}`))
  const issues = issuesOf(chain)
  if (issues.length > 0) throw refusal(issues)
  return chain
}

const refusal = (issues: readonly string[]) =>
  failure('INPUT_INVALID', issues.join('; ').slice(0, 2000), { issues: issues.slice(0, 20) })

/**
 * Puts the values that earlier steps left in place of the references of a step.
 *
 * @throws RESULT_MISSING when an earlier step did not leave what is asked for; INPUT_INVALID when what it left does not fit
 */
export function resolveStep(chain: Chain, step: ChainStep, records: readonly StepRecord[]): Deed {
  const input = resolve(step.with, chain, records, step.id) as Record<string, unknown>
  if (typeof step.action === 'string') {
    actionNamed(step.action).calls(input)
    return { action: step.action, input }
  }
  const { body, path, ...rest } = step.action
  const filled = path.replace(/\{(\w+)\}/g, (_whole, key: string) => {
    const value = input[key]
    const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value
    if (typeof text === 'string' && segment.test(text)) return text
    throw failure('INPUT_INVALID', `step ${step.id}: ${key} is no value for a path`, { step: step.id, key })
  })
  return {
    call: {
      ...rest,
      path: filled,
      ...(body && { body: resolve(body, chain, records, step.id) as Call['body'] & {} }),
    },
  }
}

function resolve(value: unknown, chain: Chain, records: readonly StepRecord[], stepId: string): unknown {
  if (isReference(value)) return valueLeft(Reference.parse(value), chain, records, stepId)
  if (Array.isArray(value)) return value.map((inner) => resolve(inner, chain, records, stepId))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolve(inner, chain, records, stepId)]))
}

function valueLeft(
  { $from, pointer }: Reference,
  chain: Chain,
  records: readonly StepRecord[],
  stepId: string,
): unknown {
  const step = chain.steps.find(({ id }) => id === $from)
  const record = records.findLast(({ id }) => id === $from)
  const missing = (why: string) =>
    failure('RESULT_MISSING', `step ${stepId} needs ${pointer || 'the answer'} of step ${$from}, which ${why}`, {
      step: stepId,
      from: $from,
      pointer,
    })
  if (!step || !record) throw missing('has not run')
  if (record.state !== 'done') throw missing(record.state === 'failed' ? 'failed' : 'has an unknown outcome')
  const value = readPointer(leftBy(step, record.result), pointer)
  if (value === undefined) throw missing('did not leave it')
  return value
}

/** What a step leaves for later ones: its answer, or the parts of it that have names. */
export function leftBy({ saves }: Pick<ChainStep, 'saves'>, result: unknown): unknown {
  if (saves === undefined) return result
  const parts = Object.entries(saves).map(([name, pointer]) => [name, readPointer(result, pointer)] as const)
  return Object.fromEntries(parts.filter(([, value]) => value !== undefined))
}

/** What a chain does next. */
export type Next =
  | { readonly kind: 'run'; readonly step: ChainStep }
  | { readonly kind: 'undo'; readonly because: string; readonly plan: UndoPlan }
  | { readonly kind: 'end'; readonly outcome: 'done' | 'done in part' | 'failed'; readonly because?: string }

/**
 * Decides what follows the steps that have run. An unknown outcome counts as a failure: nothing that rests on it runs.
 *
 * @param records one for each step that has ended, in the order in which they ended
 */
export function nextOf(chain: Chain, records: readonly StepRecord[]): Next {
  let failures = 0
  for (const step of chain.steps) {
    const record = records.findLast(({ id }) => id === step.id)
    if (!record) return { kind: 'run', step }
    if (record.state === 'done') continue
    failures += 1
    if (step.onFailure === 'undo') return { kind: 'undo', because: step.id, plan: undoOf(chain, records) }
    if (step.onFailure === 'stop') return { kind: 'end', outcome: 'failed', because: step.id }
  }
  return { kind: 'end', outcome: failures === 0 ? 'done' : 'done in part' }
}

/** What is taken back, in this order, and what stays as it is. */
export interface UndoPlan {
  readonly undo: readonly { readonly id: string; readonly reference: ActionReference }[]
  readonly stays: readonly { readonly id: string; readonly reason: string }[]
}

/** Plans how to take back the steps that are done: the last one first. A step of unknown outcome is left to people. */
export function undoOf(chain: Chain, records: readonly StepRecord[]): UndoPlan {
  const plan = { undo: [] as UndoPlan['undo'][number][], stays: [] as UndoPlan['stays'][number][] }
  const ran = records.filter(({ id }, at) => records.findLastIndex((record) => record.id === id) === at)
  for (const record of ran.toReversed()) {
    if (record.state === 'failed') continue
    const outcome = undoStep(chain, record)
    if (typeof outcome === 'string') plan.stays.push({ id: record.id, reason: outcome })
    else plan.undo.push({ id: record.id, reference: outcome })
  }
  return plan
}

function undoStep(chain: Chain, { id, state, input, before, result }: StepRecord): ActionReference | string {
  const action = chain.steps.find((step) => step.id === id)?.action
  if (state === 'unknown') return 'nobody can tell whether it took effect'
  if (action === undefined) return 'the chain has no such step'
  if (typeof action !== 'string') return 'a call of your own has no known way back'
  const known = { ...(before !== undefined && { before }), ...(result !== undefined && { result }) }
  return actionNamed(action).undo?.(input, known) ?? `${action} cannot be taken back`
}

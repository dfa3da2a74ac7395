import type { Call } from '../core/call.ts'
import type { Chain, ChainStep } from '../core/chain.ts'
import type { Targets } from '../core/group.ts'
import type { Work } from '../core/work.ts'
import { type ActionSpec, actionNamed } from './catalogue/index.ts'
import { isReference } from './chain-values.ts'
import { targetKey } from './group.ts'
import { changedServer, serverActionOf } from './server-actions.ts'
import { chainOf } from './work.ts'

/** A call that work may make: one of its own, or a look before or after it. */
export type WorkCall = Pick<Call, 'service' | 'method' | 'path'>

export interface CallsOfWork {
  /** Each once; without queries. What is not known yet is `anything`. */
  readonly calls: readonly WorkCall[]
  /** What cannot be told beforehand, for people. */
  readonly unforeseen: readonly string[]
}

/** Stands for an id that is not known yet; it fits wherever ids do. */
export const anything = '00000000-0000-4000-8000-000000000000'

/** Every call that work may need, so that an application credential with access rules can be held against it. */
export function callsOf(work: Work): CallsOfWork {
  const { steps } = chainOf(work)
  const calls: WorkCall[] = []
  const unforeseen: string[] = []
  const undoes = steps.some(({ onFailure }) => onFailure === 'undo')
  if (work.targets && 'select' in work.targets)
    calls.push({ service: 'compute', method: 'GET', path: '/servers/detail' })
  for (const step of work.targets ? stepsOf(steps, work.targets, work.action ?? '') : steps) {
    const found = callsOfStep(step, undoes)
    calls.push(...found.calls)
    unforeseen.push(...found.unforeseen)
  }
  const seen = new Map(calls.map(bare).map((call) => [`${call.service} ${call.method} ${call.path}`, call]))
  return { calls: [...seen.values()], unforeseen: [...new Set(unforeseen)] }
}

/** The only step of work with targets, for each of them. */
function stepsOf(steps: Chain['steps'], targets: Targets, action: string): ChainStep[] {
  const key = targetKey(action, targets)
  const ids = 'ids' in targets ? targets.ids : [anything]
  return steps.flatMap((step) => ids.map((id) => ({ ...step, with: { ...step.with, [key]: id } })))
}

function callsOfStep({ action, with: input }: ChainStep, undoes: boolean): CallsOfWork {
  const known = filledIn(input) as Record<string, unknown>
  if (typeof action !== 'string') {
    const path = action.path.replace(/\{(\w+)\}/g, (_whole, key: string) => String(known[key] ?? anything))
    const server = changedServer({ ...action, path })
    const looks = server === undefined ? [] : [lookAt(`/servers/${server}`)]
    return { calls: [...withLook({ ...action, path }), ...looks], unforeseen: [] }
  }
  try {
    return callsOfAction(actionNamed(action), known, undoes)
  } catch {
    // a value of an earlier step stands where something other than an id is wanted
    return { calls: [], unforeseen: [`the calls of ${action}`] }
  }
}

function callsOfAction(spec: ActionSpec, input: unknown, undoes: boolean): CallsOfWork {
  const { name, alreadyDone, waitFor } = spec
  const end = waitFor?.read(input, {})
  const back = undoes ? spec.undo?.(input, {}) : undefined
  const backCalls = back ? callsOfAction(actionNamed(back.action), back.input, false) : { calls: [], unforeseen: [] }
  return {
    calls: [
      ...withLook(spec.calls(input)),
      ...(alreadyDone ? [alreadyDone.read(input)] : []),
      ...(end ? [end] : []),
      ...backCalls.calls,
    ],
    unforeseen: [
      ...(waitFor && !end ? [`the looks that wait for the end of ${name}`] : []),
      ...(undoes && spec.undo && !back ? [`the calls that take ${name} back`] : []),
      ...backCalls.unforeseen,
    ],
  }
}

/** A call, and the look whether it took effect when its answer was lost. */
function withLook(call: Call): WorkCall[] {
  const action = serverActionOf(call)
  return action?.recordedAs ? [call, lookAt(`/servers/${action.serverId}/os-instance-actions`)] : [call]
}

const lookAt = (path: string): WorkCall => ({ service: 'compute', method: 'GET', path })

/** An input with something in place of what earlier steps will leave. */
function filledIn(value: unknown): unknown {
  if (isReference(value)) return anything
  if (Array.isArray(value)) return value.map(filledIn)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, filledIn(inner)]))
}

const bare = ({ service, method, path }: WorkCall): WorkCall => ({ service, method, path: path.split('?', 1)[0] ?? '' })

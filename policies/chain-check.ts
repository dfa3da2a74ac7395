import { z } from 'zod'
import { type Chain, type ChainStep, Reference } from '../core/chain.ts'
import { messageOf } from '../core/errors.ts'
import { type ActionSpec, actionCatalogue, actionNamed } from './catalogue/index.ts'
import { isReference, referencesIn, tokensOf } from './chain-values.ts'

/** Everything that is wrong with a chain, in the order of its steps; empty when it may run. */
export function issuesOf({ steps }: Chain): string[] {
  return steps.flatMap((step, index) => {
    const earlier = steps.slice(0, index)
    const taken = earlier.some(({ id }) => id === step.id) ? [`steps.${index}.id: ${step.id} is taken already`] : []
    const found = [...referenceIssues(step, earlier, steps), ...inputIssues(step, earlier)]
    return [...taken, ...found.map((issue) => `steps.${index}.${issue}`)]
  })
}

/** Values of a step that references may stand in for, under the names people gave them. */
const partsOf = ({ action, with: input }: ChainStep) => ({
  with: input,
  ...(typeof action !== 'string' && action.body && { 'action.body': action.body }),
})

function referenceIssues(step: ChainStep, earlier: readonly ChainStep[], all: readonly ChainStep[]): string[] {
  return Object.entries(partsOf(step)).flatMap(([part, value]) =>
    referencesIn(value).flatMap((found) => {
      const where = [part, ...found.path].join('.')
      const { data: reference } = Reference.safeParse(found.value)
      if (!reference) return [`${where}: a reference has \`$from\` and \`pointer\`, and nothing else`]
      const { $from, pointer } = reference
      const from = earlier.find(({ id }) => id === $from)
      if (from) return leavesIssue(from, pointer).map((issue) => `${where}: ${issue}`)
      const exists = all.some(({ id }) => id === $from)
      return [exists ? `${where}: step ${$from} has not run by then` : `${where}: there is no step ${$from}`]
    }),
  )
}

function leavesIssue(from: ChainStep, pointer: string): string[] {
  const names = from.saves && Object.keys(from.saves)
  const [name] = tokensOf(pointer)
  if (names && (name === undefined || !names.includes(name)))
    return [`step ${from.id} saves ${names.join(', ') || 'nothing'}, not ${pointer || 'its answer'}`]
  const leaves = leavesOf(from)
  const at = pointerInAnswer(from, pointer)
  if (!leaves || Object.hasOwn(leaves, at)) return []
  return [
    `the answer of ${from.id} has ${Object.keys(leaves).join(', ') || 'no body'}, not ${at || 'itself as a value'}`,
  ]
}

const specOf = ({ action }: ChainStep): ActionSpec | undefined =>
  typeof action === 'string' ? actionCatalogue.get(action) : undefined
const leavesOf = (step: ChainStep) => specOf(step)?.leaves

/** Where a pointer into what a step leaves points in its answer. */
function pointerInAnswer({ saves }: ChainStep, pointer: string): string {
  if (!saves) return pointer
  const [name = '', ...rest] = pointer.split('/').slice(1)
  return [saves[name] ?? '', ...rest].join('/')
}

function inputIssues(step: ChainStep, earlier: readonly ChainStep[]): string[] {
  const { action, with: input } = step
  if (typeof action !== 'string') return pathIssues(action.path, input)
  try {
    const spec = actionNamed(action)
    return referencesIn(input).length === 0 ? wholeIssues(spec, input) : partIssues(spec, input, earlier)
  } catch (error) {
    return [`action: ${messageOf(error)}`]
  }
}

/** A path takes its values from `with`, each of which it has to name. */
function pathIssues(path: string, input: Readonly<Record<string, unknown>>): string[] {
  const wanted = [...path.matchAll(/\{(\w+)\}/g)].map(([, key = '']) => key)
  const missing = wanted.filter((key) => !Object.hasOwn(input, key))
  const spare = Object.keys(input).filter((key) => !wanted.includes(key))
  return [
    ...missing.map((key) => `with.${key}: the path needs it`),
    ...spare.map((key) => `with.${key}: the path has no {${key}}`),
  ]
}

const wholeIssues = ({ input: schema }: ActionSpec, input: unknown): string[] =>
  schema.safeParse(input).error?.issues.map(({ path, message }) => `${['with', ...path].join('.')}: ${message}`) ?? []

/** What can be said of an input some values of which are not known yet: keys, known values, and kinds of values. */
function partIssues(
  spec: ActionSpec,
  input: Readonly<Record<string, unknown>>,
  earlier: readonly ChainStep[],
): string[] {
  const shape: Readonly<Record<string, z.ZodType>> = spec.input.shape
  const unknown = Object.keys(input).filter((key) => !Object.hasOwn(shape, key))
  const wrong = Object.entries(shape).flatMap(([key, schema]) => {
    const value = input[key]
    if (isReference(value)) return kindIssue(schema, value, earlier).map((issue) => `with.${key}: ${issue}`)
    if (referencesIn(value).length > 0) return []
    return schema.safeParse(value).error?.issues.map(({ message }) => `with.${key}: ${message}`) ?? []
  })
  return [...unknown.map((key) => `with.${key}: ${spec.name} takes no such value`), ...wrong]
}

function kindIssue(schema: z.ZodType, value: unknown, earlier: readonly ChainStep[]): string[] {
  const { data: reference } = Reference.safeParse(value)
  const from = earlier.find(({ id }) => id === reference?.$from)
  const left = from && reference && leavesOf(from)?.[pointerInAnswer(from, reference.pointer)]
  const [wanted, given] = [kindOf(schema), left && kindOf(left)]
  return wanted && given && wanted !== given ? [`needs a ${wanted}, and step ${from?.id} leaves a ${given}`] : []
}

/** The JSON type a schema takes; undefined when it takes several. */
function kindOf(schema: z.ZodType): string | undefined {
  const { type } = z.toJSONSchema(schema, { io: 'input' })
  return typeof type === 'string' ? type : undefined
}

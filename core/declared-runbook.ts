import { z } from 'zod'
import { Call } from './call.ts'
import { ActionName } from './chain.ts'
import { risks } from './governor.ts'
import { Needs, RunbookName } from './runbook.ts'

/** Whatever its document says, a run of it ends, and its history stays below what the engine keeps. */
export const declaredLimits = {
  textLength: 128 << 10,
  /** Steps written in a document, and levels of steps inside steps. */
  steps: 200,
  depth: 8,
  expressionLength: 1000,
  inputFields: 40,
  /** Items of one `forEach`. */
  items: 500,
  /** Steps that one run does, looks of waits and new tries included. */
  done: 500,
  /** JSON of one saved value. */
  valueLength: 1 << 20,
  waitSeconds: 86_400,
  retries: 10,
} as const

/** A CEL expression. */
const Expression = z.string().trim().min(1).max(declaredLimits.expressionLength)
/** A text in which `${…}` stands for the value of an expression. */
const Template = z.string().min(1).max(4000)
/** A whole number, or one expression in `${…}` that gives one. */
const Count = z.union([z.int().min(0), z.string().regex(/^\$\{.+\}$/s, 'a whole number or ${…}')])
const Seconds = z.int().min(1).max(declaredLimits.waitSeconds)
export const VariableName = z
  .string()
  .regex(/^[a-z][A-Za-z0-9]{0,39}$/, 'a small letter, then letters and digits')
  .describe('name of a value, as expressions use it')

export const inputTypes = ['string', 'integer', 'number', 'boolean', 'uuid', 'list'] as const

/** One field of the input, in a small vocabulary. */
export const InputField = z.strictObject({
  type: z.enum(inputTypes),
  of: z.enum(['string', 'integer', 'number', 'boolean', 'uuid']).optional().describe('of a list: what it holds'),
  description: z.string().max(500).optional(),
  required: z.boolean().optional().describe('false: may be left out, and is null then'),
  default: z.json().optional(),
  min: z.number().optional().describe('of a number; of a text or a list, its length'),
  max: z.number().optional(),
  pattern: z.string().max(200).optional().describe('regular expression that the whole text fits'),
  enum: z
    .array(z.union([z.string(), z.number()]))
    .min(1)
    .max(50)
    .optional(),
})
export type InputField = z.infer<typeof InputField>

const Read = z.strictObject({
  service: Call.shape.service,
  path: Template,
  list: z.string().optional().describe('follows all pages of this list of the answer'),
  microversion: Call.shape.microversion,
})

const DeclaredCall = z.strictObject({
  service: Call.shape.service,
  method: z.enum(['POST', 'PUT', 'PATCH', 'DELETE']),
  path: Template,
  body: z.record(z.string(), z.json()).optional(),
  microversion: Call.shape.microversion,
})

const Wait = z.union([
  z.strictObject({ seconds: Count, why: z.string().max(200).optional() }),
  z.strictObject({
    until: Expression.describe('of `answer`, what the read answered'),
    read: Read,
    withinSeconds: Count,
    everySeconds: Seconds.optional(),
  }),
])

/** What every step may say besides what it does. */
const common = (steps: z.ZodType) => ({
  title: z.string().min(1).max(200).optional(),
  when: Expression.optional().describe('done only if this is true'),
  retry: z
    .strictObject({ times: z.int().min(1).max(declaredLimits.retries), everySeconds: Seconds.default(10) })
    .optional(),
  timeoutSeconds: Seconds.optional().describe('nothing more of it is begun later than that'),
  onError: z.union([z.enum(['fail', 'continue']), z.array(steps).min(1)]).optional(),
  undo: steps.optional().describe('takes it back, if the run fails later'),
  saves: VariableName.optional().describe('name for what it gives'),
  line: z.int().optional().describe('where it stands in its file'),
})

/** The kinds of steps, by the key that says what is done; `steps` is what is inside of them. */
export const stepKinds = (steps: z.ZodType) => {
  const kind = <S extends z.ZodRawShape>(shape: S) => z.strictObject({ ...common(steps), ...shape })
  const inside = z.array(steps).min(1)
  return {
    action: kind({ action: ActionName, with: z.record(z.string(), z.json()).default({}) }),
    call: kind({ call: DeclaredCall }),
    read: kind({ read: Read }),
    run: kind({ run: inside }),
    parallel: kind({ parallel: z.array(steps).min(2).max(10) }),
    forEach: kind({
      forEach: z.strictObject({
        items: Expression,
        as: VariableName,
        atOnce: Count.default(1),
        canary: Count.default(1),
        mayFail: Count.default(0),
        steps: inside,
        gives: z.json().optional().describe('result of one item, in the outcomes that the step saves'),
      }),
    }),
    wait: kind({ wait: Wait }),
    ask: kind({ ask: z.strictObject({ question: Template, withinSeconds: Seconds.default(3600) }) }),
    note: kind({ note: Template }),
    evidence: kind({ evidence: z.strictObject({ name: z.string().min(1).max(60), value: z.json() }) }),
    set: kind({ set: z.record(VariableName, z.json()) }),
    fail: kind({ fail: Template }),
  } as const
}
export type StepKind = keyof ReturnType<typeof stepKinds>

type Kinds = ReturnType<typeof stepKinds>
/** One step as its schema gives it, with the steps inside of it. */
export type Step<K extends StepKind = StepKind> = K extends StepKind
  ? Omit<z.output<Kinds[K]>, 'onError' | 'undo' | 'run' | 'parallel' | 'forEach'> & {
      readonly onError?: 'fail' | 'continue' | readonly Step[] | undefined
      readonly undo?: Step | undefined
    } & (K extends 'run' | 'parallel'
        ? { readonly [P in K]: readonly Step[] }
        : K extends 'forEach'
          ? {
              readonly forEach: Omit<z.output<Kinds['forEach']>['forEach'], 'steps'> & {
                readonly steps: readonly Step[]
              }
            }
          : unknown)
  : never

/** All of a document but its steps. */
export const documentHead = z.strictObject({
  name: RunbookName,
  title: z.string().trim().min(1).max(100),
  description: z.string().trim().min(1).max(2000),
  risk: z.enum(risks),
  targets: z
    .union([Expression, z.array(Template).max(declaredLimits.items)])
    .default([])
    .describe('what it changes: an expression that gives a list, or a list'),
  needs: Needs.optional().describe('found out from the steps when left out'),
  expectedMinutes: z.int().min(1).max(1440).default(15),
  input: z.record(VariableName, InputField).default({}),
  vars: z.record(VariableName, z.json()).default({}).describe('named values, from the input'),
  summary: Template.optional().describe('what a run says at its end'),
  result: z.record(z.string(), z.json()).optional().describe('data that a run gives at its end'),
})

const anyStep: z.ZodType<Step> = z.lazy(() => stepUnion)
const [firstKind, ...otherKinds] = Object.values(stepKinds(anyStep))
const stepUnion = z.union([firstKind!, ...otherKinds]) as unknown as z.ZodType<Step>

/** A runbook as data: what a file of it says once it is checked, and what a run of it carries along. */
export const RunbookDocument = documentHead.extend({
  needs: Needs,
  prepare: z.array(anyStep).default([]).describe('steps that only read, before the lease is asked for'),
  steps: z.array(anyStep).min(1),
})
export type RunbookDocument = z.infer<typeof RunbookDocument>

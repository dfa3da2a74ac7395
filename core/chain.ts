import { z } from 'zod'
import { Call } from './call.ts'

/** Most steps of a chain, and most bytes and levels of the JSON it is written in. */
export const chainLimits = { steps: 20, bytes: 64 << 10, depth: 32 } as const

const StepId = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'lower-case letters, digits and dashes')
  .describe('unique in the chain')

/** Where in a JSON document, as RFC 6901 writes it. */
const JsonPointer = z
  .string()
  .max(512)
  .regex(/^(?:\/(?:[^~/]|~[01])*)*$/, 'a JSON pointer such as /image_id')

/** Stands in place of a value that an earlier step leaves. */
export const Reference = z.strictObject({
  $from: StepId.describe('the earlier step'),
  pointer: JsonPointer.describe('where in what it leaves'),
})
export type Reference = z.infer<typeof Reference>

export const ActionName = z.string().regex(/^[a-z-]{1,64}\.[a-z-]{1,64}$/, 'a name such as server.stop')

export const ChainStep = z.strictObject({
  id: StepId,
  action: z
    .union([ActionName, Call])
    .describe('an action of the catalogue by name, or a call whose path may hold `{keys}` of `with`'),
  with: z
    .record(z.string(), z.json())
    .default({})
    .describe('input of the action; `{"$from": "snap", "pointer": "/image_id"}` stands for what a step leaves'),
  saves: z
    .record(z.string().regex(/^[A-Za-z][A-Za-z0-9]{0,31}$/), JsonPointer)
    .optional()
    .describe('names for parts of the answer; without it, a step leaves its whole answer'),
  retries: z.int().min(0).max(5).default(0).describe('how often it is tried again, where that is safe'),
  onFailure: z
    .enum(['stop', 'continue', 'undo'])
    .default('stop')
    .describe('what follows a failure: nothing, the next step, or taking back what was done'),
})
export type ChainStep = z.infer<typeof ChainStep>

/** Actions one after the other; later ones may use what earlier ones leave. */
export const Chain = z.strictObject({
  steps: z.array(ChainStep).min(1).max(chainLimits.steps),
})
export type Chain = z.infer<typeof Chain>

/** An action of the catalogue by name, with its input. */
export interface ActionReference {
  readonly action: string
  readonly input: Readonly<Record<string, unknown>>
}

/** One thing to do, with nothing left to put in. */
export type Deed = { readonly call: Call } | ActionReference

/** How a step went: `unknown` when nobody can tell whether it took effect. */
export interface StepRecord {
  readonly id: string
  readonly state: 'done' | 'failed' | 'unknown'
  /** Its input with all references resolved. */
  readonly input?: unknown
  /** What was read before it, where its action looks first. */
  readonly before?: unknown
  /** The body of its answer. */
  readonly result?: unknown
}

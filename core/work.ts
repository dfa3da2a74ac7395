import { z } from 'zod'
import { Call } from './call.ts'
import { ActionName, ChainStep, chainLimits } from './chain.ts'
import { Targets } from './group.ts'

/** What is done, in one of three ways; exactly one of `call`, `action` and `steps` is there. */
export const workFields = {
  call: Call.optional().describe('a call of your own'),
  action: ActionName.optional().describe('instead of `call`: an action of the catalogue, such as `server.stop`'),
  with: z.record(z.string(), z.json()).optional().describe('input of `action`'),
  targets: Targets.optional().describe(
    'of `action`: many, each in its turn; its input leaves the id of its target out',
  ),
  steps: z
    .array(ChainStep)
    .min(1)
    .max(chainLimits.steps)
    .optional()
    .describe('instead of `call`: several of them, one after the other'),
} as const

const Work = z.object(workFields)
export type Work = z.infer<typeof Work>

/** Whether it says what to do in exactly one way. */
export const isOneWork = ({ call, action, steps, with: input, targets }: Work): boolean =>
  [call, action, steps].filter((way) => way !== undefined).length === 1 &&
  (action !== undefined || (input === undefined && targets === undefined))

/** Whether it says nothing of what to do, so that that stays, or says it in one way. */
export const noneOrOneWork = (work: Work): boolean => saysNothing(work) || isOneWork(work)

export const saysNothing = ({ call, action, with: input, targets, steps }: Work): boolean =>
  [call, action, input, targets, steps].every((part) => part === undefined)

export const oneWorkOnly = 'give one of call, action (with its input and targets) and steps'

/** The parts of a thing that say what is done, without what is left out. */
export function workOf({ call, action, with: input, targets, steps }: Work): Work {
  if (call) return { call }
  if (action !== undefined) return { action, with: input ?? {}, ...(targets && { targets }) }
  return { steps: steps ?? [] }
}

/** Puts other work in the place of what a thing says now. */
export function putWork(into: Work, work: Work): void {
  for (const field of Object.keys(workFields)) delete into[field as keyof Work]
  Object.assign(into, work)
}

/** One line for people: what is called, and on what. */
export function titleOf({ call, action, with: input = {}, targets, steps = [] }: Work): string {
  if (call) return `${call.method} ${call.service}${call.path}`
  if (targets) return `${action} on ${'ids' in targets ? targets.ids.length : 'the servers that are meant'}`
  if (action !== undefined) return [action, firstText(input)].filter(Boolean).join(' ')
  const titles = steps.map((step) => (typeof step.action === 'string' ? step.action : titleOf({ call: step.action })))
  return titles.join(' → ').slice(0, 200)
}

const firstText = (input: Work['with'] & {}) => Object.values(input).find((value) => typeof value === 'string')

/** Why work could not be done if it were due now. */
export interface Hindrance {
  readonly code: string
  readonly detail: string
}

/** A look at what work is about, before it is due. */
export interface LookAhead {
  readonly read: Call
  /** Whether the work can do without it: what is to be deleted may be gone already. */
  mayBeGone(): boolean
}

/** What one step takes of a quota, once what it depends on has been read. */
export interface QuotaNeed {
  readonly reads: readonly Call[]
  /** By resource, as its service names it. @param seen the bodies that `reads` answered */
  takes(seen: readonly unknown[]): Readonly<Record<string, number>>
}

/** A look at what a project has left at one service. */
export interface QuotaLook {
  readonly needs: readonly QuotaNeed[]
  /** Where the service says how the project stands. */
  standing(projectId: string): Call
  /** A sentence for each resource of which more is wanted than is left. @param standing the body that answered */
  shortages(wanted: ReadonlyMap<string, number>, standing: unknown): string[]
}

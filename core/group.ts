import { z } from 'zod'

/** Most targets of one action; more are more actions. */
export const mostTargets = 10_000
/** Most outcomes that are shown one by one; those that are not `done` come first. */
export const mostShown = 500

const Word = z.string().min(1).max(255)

/** Which servers of the project, as it is found when the action is due. All that is said must hold. */
export const ServerSelector = z
  .strictObject({
    tags: z.array(Word).min(1).max(20).optional().describe('has all of these tags'),
    anyTag: z.array(Word).min(1).max(20).optional().describe('has at least one of these tags'),
    withoutTags: z.array(Word).min(1).max(20).optional().describe('has none of these tags'),
    metadata: z.record(Word, z.string().max(255)).optional().describe('has this metadata'),
    nameBegins: Word.optional().describe('its name begins with this'),
    status: z
      .array(z.string().regex(/^[A-Z_]{1,40}$/))
      .min(1)
      .max(20)
      .optional()
      .describe('such as `ACTIVE`'),
  })
  .refine((selector) => Object.keys(selector).length > 0, { message: 'nothing never means everything' })
export type ServerSelector = z.infer<typeof ServerSelector>

export const Targets = z.union([
  z.strictObject({
    ids: z
      .array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/))
      .min(1)
      .max(mostTargets)
      .refine((ids) => new Set(ids).size === ids.length, 'the same id twice')
      .describe('these'),
  }),
  z.strictObject({ select: ServerSelector.describe('servers of your project, found when it is due') }),
])
export type Targets = z.infer<typeof Targets>

/** What became of one target; `again`: nothing was sent, and it may be tried again. */
export interface TargetOutcome {
  readonly id: string
  readonly outcome: 'done' | 'failed' | 'unknown' | 'again'
  /** Why it is not `done`, or why there was nothing to do. */
  readonly detail?: string
  /** Accepted; its end is still to be seen, counted from this moment. */
  readonly goesOnSince?: string
  /** The answer, which may say what to look at for its end. */
  readonly result?: unknown
}

/** How a group went, for people. */
export const GroupView = z.object({
  total: z.int(),
  done: z.int(),
  failed: z.int(),
  unknown: z.int(),
  shown: z
    .array(z.object({ id: z.string(), outcome: z.enum(['done', 'failed', 'unknown']), detail: z.string().optional() }))
    .max(mostShown)
    .describe('one by one, those that are not `done` first'),
})
export type GroupView = z.infer<typeof GroupView>

/** What a selector finds now. */
export const FoundTargets = z.object({
  total: z.int(),
  servers: z.array(z.object({ id: z.string(), name: z.string(), status: z.string() })).max(mostShown),
})
export type FoundTargets = z.infer<typeof FoundTargets>

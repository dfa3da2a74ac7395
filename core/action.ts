import { z } from 'zod'
import { ApplicationCredential, DelegatedBy, type Delegation } from './delegation.ts'
import { GroupView } from './group.ts'
import { StepView } from './step.ts'
import { isOneWork, noneOrOneWork, oneWorkOnly, type Work, workFields } from './work.ts'

/** RFC 3339 with any offset. */
const Instant = z.iso.datetime({ offset: true })

const name = z.string().trim().min(1).max(200).describe('for people')
const dueFields = {
  runAt: Instant.optional().describe('due time, RFC 3339 with any offset'),
  runIn: z.iso
    .duration()
    .optional()
    .describe('instead of `runAt`: ISO 8601 duration from now, such as `PT2H`; `PT0S` is now'),
  notAfter: Instant.optional().describe(
    'skipped when it could not be begun by then; else `maxLatenessSeconds` after it is due',
  ),
} as const
const maxLatenessSeconds = z
  .int()
  .min(1)
  .max(86_400)
  .describe('how late it may still be begun when Keystone, the service or Steward is down at the due time')
const credentialField = {
  applicationCredential: ApplicationCredential.optional().describe(
    'rights to do it with, instead of a trust: for callers whose token cannot make one',
  ),
} as const
const placeFields = {
  windowSeconds: z
    .int()
    .min(0)
    .max(86_400)
    .default(0)
    .describe('it is due up to this much later, by an amount that is fixed for it: spreads the load of many'),
  priority: z.int().min(1).max(5).default(3).describe('of those that are due together, 1 goes first'),
  unchecked: z.boolean().default(false).describe('taken in although what it names is not there yet'),
} as const

export const CreateAction = z
  .strictObject({
    name: name.optional(),
    ...dueFields,
    ...workFields,
    ...placeFields,
    ...credentialField,
    maxLatenessSeconds: maxLatenessSeconds.default(3600),
  })
  .refine((a) => (a.runAt === undefined) !== (a.runIn === undefined), {
    message: 'give either runAt or runIn',
    path: ['runAt'],
  })
  .refine(isOneWork, { message: oneWorkOnly, path: ['call'] })
export type CreateAction = z.infer<typeof CreateAction>

/** What is left out stays as it was. */
export const ChangeOfAction = z
  .strictObject({
    name: name.optional(),
    ...dueFields,
    ...workFields,
    ...credentialField,
    maxLatenessSeconds: maxLatenessSeconds.optional(),
  })
  .refine((change) => Object.keys(change).length > 0, { message: 'nothing is to be changed' })
  .refine((a) => a.runAt === undefined || a.runIn === undefined, {
    message: 'give either runAt or runIn',
    path: ['runAt'],
  })
  .refine(noneOrOneWork, { message: oneWorkOnly, path: ['call'] })
export type ChangeOfAction = z.infer<typeof ChangeOfAction>

/** The same once more; what is left out is as in the original. */
export const CloneAction = z
  .strictObject({ name: name.optional(), ...dueFields, ...credentialField })
  .refine((a) => (a.runAt === undefined) !== (a.runIn === undefined), {
    message: 'give either runAt or runIn',
    path: ['runAt'],
  })
export type CloneAction = z.infer<typeof CloneAction>

/**
 * `scheduled`: waits for its time · `warned`: waits, but something is in its way · `paused`: waits for a person ·
 * `done-late`: done, over a minute after it was due · `skipped`: not begun, because it was too late for it ·
 * `outcome-unknown`: nobody can tell whether it took effect, so a person must look
 */
export const ActionState = z.enum([
  'scheduled',
  'warned',
  'paused',
  'running',
  'done',
  'done-late',
  'skipped',
  'failed',
  'outcome-unknown',
  'delegation-lost',
  'cancelled',
])
export type ActionState = z.infer<typeof ActionState>

/** It may still be changed. */
export const isWaiting = (state: ActionState): state is 'scheduled' | 'warned' | 'paused' =>
  state === 'scheduled' || state === 'warned' || state === 'paused'
/** In these it ended without having done what was asked for: somebody should look, and may have it done once more. */
export const deadStates: readonly ActionState[] = ['skipped', 'failed', 'outcome-unknown', 'delegation-lost']

/** What people read about an action. Kept as the memo of its workflow, so reading it needs no worker. */
export const ActionView = z.object({
  id: z.uuid(),
  occurrence: Instant.optional().describe('which occurrence of the recurring action `id` this is'),
  name: z.string().optional(),
  state: ActionState,
  projectId: z.string(),
  userId: z.string().describe('whose rights are used'),
  roles: z.array(z.string()).describe('roles delegated for it'),
  delegatedBy: DelegatedBy.optional(),
  ...workFields,
  runAt: Instant,
  notAfter: Instant.optional().describe('it is skipped when it could not be begun by then'),
  priority: z.int().optional(),
  createdAt: Instant,
  startedAt: Instant.optional().describe('when its first call was begun'),
  endedAt: Instant.optional(),
  latenessMs: z.number().optional().describe('startedAt − runAt'),
  result: z
    .object({
      status: z.int().describe('HTTP status of the answer'),
      requestId: z.string().optional().describe("the service's own request id"),
      body: z.unknown().optional().describe('the answer, when it is JSON and at most 16 KiB'),
      note: z.string().optional(),
    })
    .optional()
    .describe('of the last step'),
  group: GroupView.optional().describe('of an action on many targets'),
  progress: z
    .array(StepView)
    .optional()
    .describe('of a chain: its steps so far, in the order in which they were begun'),
  warning: z.object({ code: z.string(), detail: z.string() }).optional().describe('what is in its way'),
  reason: z.object({ code: z.string(), detail: z.string() }).optional().describe('why it did not end in `done`'),
  pausedBy: z.string().optional(),
  replayOf: z.uuid().optional().describe('the action whose work this one does once more'),
  trustDeleted: z.boolean().optional().describe('false: the trust outlives the action until it expires'),
  runRequestId: z.string().optional().describe('global request id sent to OpenStack: `req-` and the Temporal run id'),
})
export type ActionView = z.infer<typeof ActionView>

/** What the workflow of an action starts with. */
export type ScheduledAction = Delegation & {
  readonly view: ActionView
  readonly maxLatenessMs: number
  /** The trust is another's to delete: it serves more calls than this one. */
  readonly keepTrust?: boolean
  /** Workflow that is told the outcome. */
  readonly reportTo?: string
}

/** What a person may tell an action that waits. */
export type ActionCommand =
  | { readonly does: 'cancel' | 'pause' | 'resume' | 'runNow' }
  | ({ readonly does: 'change' } & ChangeAction)

/** What is changed of an action, with the delegation that replaces the present one where rights or times change. */
export interface ChangeAction {
  readonly name?: string
  readonly work?: Work
  readonly runAt?: string
  readonly notAfter?: string
  readonly maxLatenessMs?: number
  readonly delegated?: Delegation & {
    readonly delegationId?: string
    readonly roles: string[]
    readonly delegatedBy?: DelegatedBy
  }
}

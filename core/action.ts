import { z } from 'zod'

/** One OpenStack call as data: never code, never an absolute URL. */
export const Call = z.strictObject({
  service: z
    .string()
    .regex(/^[a-z][a-z0-9-]{1,62}$/)
    .describe('service type of the Keystone catalogue, such as `compute`'),
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']),
  path: z.string().min(1).max(1024).describe('path below the endpoint, such as `/servers/{id}/action`'),
  body: z.record(z.string(), z.json()).optional().describe('JSON body; never put a secret into it'),
  microversion: z
    .string()
    .regex(/^\d{1,3}\.\d{1,3}$/)
    .optional()
    .describe('microversion of the call, such as `2.96`; the service decides when left out'),
})
export type Call = z.infer<typeof Call>

/** RFC 3339 with any offset. */
const Instant = z.iso.datetime({ offset: true })

export const CreateAction = z
  .strictObject({
    name: z.string().trim().min(1).max(200).optional().describe('for people'),
    runAt: Instant.optional().describe('due time, RFC 3339 with any offset'),
    runIn: z.iso.duration().optional().describe('instead of `runAt`: ISO 8601 duration from now, such as `PT2H`'),
    call: Call,
    maxLatenessSeconds: z
      .int()
      .min(1)
      .max(86_400)
      .default(3600)
      .describe('how late the call may still be made when Keystone, the service or Steward is down at the due time'),
  })
  .refine((a) => (a.runAt === undefined) !== (a.runIn === undefined), {
    message: 'give either runAt or runIn',
    path: ['runAt'],
  })
export type CreateAction = z.infer<typeof CreateAction>

export const ActionState = z.enum([
  'scheduled',
  'running',
  'done',
  'failed',
  'outcome-unknown',
  'delegation-lost',
  'cancelled',
])
export type ActionState = z.infer<typeof ActionState>

/** What people read about an action. Kept as the memo of its workflow, so reading it needs no worker. */
export const ActionView = z.object({
  id: z.uuid(),
  occurrence: Instant.optional().describe('which occurrence of the recurring action `id` this is'),
  name: z.string().optional(),
  state: ActionState,
  projectId: z.string(),
  userId: z.string().describe('whose rights the call uses'),
  roles: z.array(z.string()).describe('roles delegated for the call'),
  call: Call,
  runAt: Instant,
  createdAt: Instant,
  startedAt: Instant.optional().describe('when the call was begun'),
  endedAt: Instant.optional(),
  latenessMs: z.number().optional().describe('startedAt − runAt'),
  result: z
    .object({
      status: z.int().describe('HTTP status of the answer'),
      requestId: z.string().optional().describe("the service's own request id"),
      body: z.unknown().optional().describe('the answer, when it is JSON and at most 16 KiB'),
      note: z.string().optional(),
    })
    .optional(),
  reason: z.object({ code: z.string(), detail: z.string() }).optional().describe('why it did not end in `done`'),
  trustDeleted: z.boolean().optional().describe('false: the trust outlives the action until it expires'),
  runRequestId: z.string().optional().describe('global request id sent to OpenStack: `req-` and the Temporal run id'),
})
export type ActionView = z.infer<typeof ActionView>

/** What the workflow of an action starts with. The trust id is the only credential in it, and is of no use alone. */
export interface ScheduledAction {
  readonly view: ActionView
  readonly trustId: string
  readonly maxLatenessMs: number
  /** The trust is another's to delete: it serves more calls than this one. */
  readonly keepTrust?: boolean
  /** Workflow that is told the outcome. */
  readonly reportTo?: string
}

import { z } from 'zod'
import { ApplicationCredential, DelegatedBy, type Delegation } from './delegation.ts'
import { isOneWork, noneOrOneWork, oneWorkOnly, type Work, workFields } from './work.ts'

/** RFC 3339 with any offset. */
const Instant = z.iso.datetime({ offset: true })

/** Local days and times, all of which must match: `weekdays: [mon]` with `monthDays: [1..7]` is the first Monday. */
export const Calendar = z.strictObject({
  times: z
    .array(z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'HH:MM'))
    .min(1)
    .max(48)
    .describe('local times, `HH:MM`'),
  weekdays: z
    .array(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']))
    .min(1)
    .max(7)
    .optional(),
  monthDays: z
    .array(z.int().min(-28).max(31).refine(Boolean, 'a day of the month is not 0'))
    .min(1)
    .max(31)
    .optional()
    .describe('1 to 31; -1 is the last day of the month, -2 the one before'),
  months: z.array(z.int().min(1).max(12)).min(1).max(12).optional(),
})
export type Calendar = z.infer<typeof Calendar>

/** When something is to happen again and again. Figures are bounded here, sense is checked by `policies/recurrence`. */
export const Recurrence = z
  .strictObject({
    cron: z
      .string()
      .trim()
      .max(200)
      .regex(/^[\dA-Za-z*,/#-]+(\s+[\dA-Za-z*,/#-]+){4}$/, 'five fields: minute hour day month weekday')
      .optional()
      .describe('five fields in local time: minute hour day month weekday'),
    calendar: Calendar.optional(),
    interval: z.iso
      .duration()
      .max(40)
      .optional()
      .describe(
        'ISO 8601 duration such as `PT6H`, counted from `start` or from 1970-01-01T00:00Z, blind to summer time',
      ),
    timeZone: z
      .string()
      .max(64)
      .regex(/^[A-Za-z][\w+-]*(\/[\w+-]+){0,2}$/, 'a name of the IANA time zone database')
      .default('UTC')
      .describe('IANA time zone such as `Europe/Berlin`'),
    start: Instant.optional().describe('no occurrence before this'),
    end: Instant.optional().describe('no occurrence after this'),
    count: z.int().min(1).max(10_000).optional().describe('most occurrences, made or skipped'),
    dst: z
      .enum(['skip', 'once', 'twice'])
      .default('once')
      .describe(
        'when clocks change: a local time that does not exist is left out (`skip`) or made up for as soon as the clock ' +
          'was put forward; one that comes twice counts the first time, or both times (`twice`)',
      ),
    except: z
      .array(z.string().regex(/^(\d{4}-\d\d-\d\d(\/\d{4}-\d\d-\d\d)?|\d\d-\d\d)$/, 'a date or two'))
      .max(366)
      .default([])
      .describe('local dates without occurrences: `2026-12-24`, `2026-12-24/2027-01-02`, or `12-25` for every year'),
    jitterSeconds: z
      .int()
      .min(0)
      .max(3600)
      .default(0)
      .describe('each occurrence starts up to this much later, by an amount that is fixed for it'),
    overlap: z
      .enum(['skip', 'queue', 'allow', 'cancel-other'])
      .default('skip')
      .describe('when the last one still runs: leave this one out, let one wait, run both, or ask the last one to end'),
    catchUpSeconds: z
      .int()
      .min(10)
      .max(86_400)
      .default(60)
      .describe('an occurrence that Steward slept through is made up for when it is no older than this'),
  })
  .refine((r) => [r.cron, r.calendar, r.interval].filter((kind) => kind !== undefined).length === 1, {
    message: 'give one of cron, calendar and interval',
    path: ['cron'],
  })
export type Recurrence = z.infer<typeof Recurrence>

export const Occurrence = z.object({
  at: Instant.describe('nominal time; it names the occurrence'),
  startsAt: Instant.describe('`at` and its jitter'),
  local: z.string().describe('`at` on the clocks of the time zone'),
  note: z.string().optional().describe('what the change of clocks did to it'),
})
export type Occurrence = z.infer<typeof Occurrence>

export const PastOccurrence = z.object({
  at: Instant,
  outcome: z.enum(['done', 'done-late', 'failed', 'outcome-unknown', 'delegation-lost', 'cancelled', 'skipped']),
  startedAt: Instant.optional(),
  endedAt: Instant,
  detail: z.string().optional().describe('why it did not end in `done`'),
})
export type PastOccurrence = z.infer<typeof PastOccurrence>

export const RecurringState = z.enum(['active', 'paused', 'snoozed', 'delegation-lost', 'ended', 'cancelled'])
export type RecurringState = z.infer<typeof RecurringState>

/** What people read about a recurring action. Kept as the memo of its workflow. */
export const RecurringActionView = z.object({
  id: z.uuid(),
  name: z.string().optional(),
  state: RecurringState,
  projectId: z.string(),
  userId: z.string().describe('whose rights the calls use'),
  roles: z.array(z.string()).describe('roles delegated for the calls'),
  delegatedBy: DelegatedBy.optional(),
  ...workFields,
  recurrence: Recurrence,
  maxLatenessSeconds: z.number().describe('how late a call may still be made when the cloud is away'),
  createdAt: Instant,
  delegated: z
    .object({ since: Instant, until: Instant })
    .describe('how long the delegation lasts; no call is begun that it might not outlast'),
  next: Occurrence.optional(),
  snoozedUntil: Instant.optional(),
  counted: z.int().describe('occurrences made or skipped so far'),
  running: z.array(Instant).describe('occurrences whose calls are being made'),
  queued: Instant.optional().describe('waits for the running one to end'),
  past: z.array(PastOccurrence).max(20).describe('the latest, newest last'),
  reason: z.string().optional().describe('why it is in this state'),
  endedAt: Instant.optional(),
  trustDeleted: z.boolean().optional().describe('false: a trust outlives it until it expires'),
})
export type RecurringActionView = z.infer<typeof RecurringActionView>

/** What gives the rights to act, and until when. */
export type Delegated = Delegation & {
  readonly delegationId?: string
  readonly until: string
  readonly roles: string[]
  readonly delegatedBy?: DelegatedBy
}

/** What the workflow of a recurring action starts with, and hands on to its next run. */
export type RecurringAction = Delegation & {
  readonly view: RecurringActionView
  /** Trusts that newer ones have replaced, to be deleted when no call uses them. */
  readonly spentTrustIds?: readonly string[]
  /** Occurrences up to this moment are dealt with, epoch ms. */
  readonly afterMs: number
  /** Shortest time between two occurrences. @default 60 000 */
  readonly minGapMs?: number
}

/** What may be changed of a recurring action; the rest stays. A new call may need another delegation. */
export interface ChangeRecurring {
  readonly name?: string
  readonly work?: Work
  readonly recurrence?: Recurrence
  readonly maxLatenessSeconds?: number
  /** Replaces the present delegation; a trust is deleted then. */
  readonly delegated?: Delegated
}

const maxLatenessSeconds = z
  .int()
  .min(1)
  .max(86_400)
  .describe('how late a call may still be made when Keystone, the service or Steward is down')
const delegateFor = z.iso
  .duration()
  .max(40)
  .describe('how long Steward may act for you, at most until the recurrence ends; ISO 8601, such as `P90D`')
const applicationCredential = ApplicationCredential.describe(
  'rights to do it with, instead of a trust: for callers whose token cannot make one',
)
const name = z.string().trim().min(1).max(200).describe('for people')

export const CreateRecurring = z
  .strictObject({
    name: name.optional(),
    ...workFields,
    recurrence: Recurrence,
    maxLatenessSeconds: maxLatenessSeconds.default(3600),
    delegateFor: delegateFor.default('P90D'),
    applicationCredential: applicationCredential.optional(),
  })
  .refine(isOneWork, { message: oneWorkOnly, path: ['call'] })
export type CreateRecurring = z.infer<typeof CreateRecurring>

/** What is left out stays. Another call needs another delegation, which is made at once. */
export const ChangeOfRecurring = z
  .strictObject({
    name: name.optional(),
    ...workFields,
    recurrence: Recurrence.optional(),
    maxLatenessSeconds: maxLatenessSeconds.optional(),
    delegateFor: delegateFor.optional().describe('a new delegation from now on, in place of the present one'),
    applicationCredential: applicationCredential.optional(),
  })
  .refine((change) => Object.keys(change).length > 0, { message: 'nothing is to be changed' })
  .refine(noneOrOneWork, { message: oneWorkOnly, path: ['call'] })
export type ChangeOfRecurring = z.infer<typeof ChangeOfRecurring>

export const PreviewRecurring = z.strictObject({
  recurrence: Recurrence,
  count: z.int().min(1).max(100).default(10).describe('how many occurrences to list'),
})

/** What a recurrence comes to, before anything is saved. */
export const Preview = z.object({
  occurrences: z.array(Occurrence.omit({ startsAt: true })).describe('the next ones; jitter is not in them'),
  warnings: z.array(z.string()).describe('what may surprise'),
})
export type Preview = z.infer<typeof Preview>

/** What a person may tell a recurring action. */
export type RecurringCommand =
  | { readonly does: 'pause' | 'resume' | 'runNow' | 'cancel' }
  | { readonly does: 'snooze'; readonly until: string }
  | ({ readonly does: 'change' } & ChangeRecurring)

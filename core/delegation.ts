import { z } from 'zod'

/** One that its owner lends to Steward. The secret is in inputs of workflows and activities only, which are encrypted. */
export const ApplicationCredential = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'the id of an application credential'),
  secret: z.string().min(1).max(1024),
})
export type ApplicationCredential = z.infer<typeof ApplicationCredential>

/** With whose rights something is done, and what gives them. */
export type Delegation =
  | { readonly trustId: string }
  | { readonly applicationCredential: Readonly<ApplicationCredential> }

/** Rights of whatever kind: of one owner, or the standing ones of remediation, whichever trust they come by now. */
export type Rights = Delegation | { readonly standing: true }

/** The delegation alone, of something that has one. */
export const delegationOf = (given: Delegation): Delegation =>
  'trustId' in given
    ? { trustId: given.trustId }
    : { applicationCredential: { id: given.applicationCredential.id, secret: given.applicationCredential.secret } }

/** Whether it takes the place of another: a repeated update must not have the trust deleted that it has just put there. */
export const replaces = (given: Delegation, present: Delegation): boolean =>
  !('trustId' in given && 'trustId' in present && given.trustId === present.trustId)

/** What is Steward's to delete when it is not needed any more: a trust; a credential belongs to its owner. */
export const trustsIn = (given: Rights): string[] => ('trustId' in given ? [given.trustId] : [])

/** How rights came to Steward, for people. */
export const DelegatedBy = z.object({
  kind: z.enum(['trust', 'application-credential']),
  applicationCredentialId: z
    .string()
    .optional()
    .describe('keep it until this has ended; Steward never deletes it, for it is yours'),
  warnings: z.array(z.string()).optional().describe('what was found when it was given'),
})
export type DelegatedBy = z.infer<typeof DelegatedBy>

/** One call that an application credential is good for, in the words of Keystone. A path may hold `*`, `**` and `{tag}`. */
export const AccessRule = z.object({ service: z.string(), method: z.string(), path: z.string() })
export type AccessRule = z.infer<typeof AccessRule>

/** A standing delegation as people see it. The trust id is shown to operators so that they can find it in Keystone. */
export const DelegationView = z.object({
  id: z.string().optional().describe('delegation id, as in the list of all'),
  state: z.enum(['active', 'revoked', 'expired', 'lost']),
  trustId: z.string(),
  trustorUserId: z.string(),
  trustorName: z.string(),
  projectId: z.string(),
  roles: z.array(z.string()),
  createdAt: z.string(),
  expiresAt: z.string(),
  reason: z.string().optional(),
  warning: z.string().optional().describe('it ends soon, or was lost: what to do'),
})
export type DelegationView = z.infer<typeof DelegationView>

/** The one standing delegation that remediation acts with. */
export const remediationDelegationId = 'delegation/remediation'

/** What trusts are given for: `unknown` is one that nothing in this installation knows. */
export const DelegationKind = z.enum(['remediation', 'action', 'recurring-action', 'unknown'])

/**
 * `active`: something acts with it, or has until a moment ago · `expiring`: it should be renewed · `orphan`: all that
 * acted with it has ended, so that it is of no use · `unknown`: another installation may act with it
 */
export const DelegationState = z.enum(['active', 'expiring', 'orphan', 'unknown'])
export type DelegationState = z.infer<typeof DelegationState>

/** One of all trusts that were given to Steward's user. Its id is a digest: that of the trust is not shown. */
export const GivenDelegation = z.object({
  id: z.string(),
  kind: DelegationKind,
  for: z.string().optional().describe('id of the action or recurring action; of the workflow, for remediation'),
  userId: z.string().describe('who gave it'),
  projectId: z.string(),
  roles: z.array(z.string()),
  expiresAt: z.string().optional(),
  state: DelegationState,
})
export type GivenDelegation = z.infer<typeof GivenDelegation>

/** What acts with a trust, as far as this installation knows. */
export interface TrustHolder {
  readonly kind: Exclude<z.infer<typeof DelegationKind>, 'unknown'>
  readonly for: string
  /** When the last of it ended; missing while something runs. */
  readonly endedAt?: string
}

/** A trust that nothing needs any more. */
export interface OrphanTrust {
  readonly id: string
  readonly trustId: string
}

/** What the last look for orphans came to. Kept as the memo of the workflow that looks. */
export const SweepView = z.object({
  state: z.enum(['swept', 'failed']),
  at: z.string(),
  deleted: z.int().describe('orphans that were deleted'),
  left: z.int().describe('orphans that could not be deleted; tried again'),
  used: z.int(),
  unknown: z.int().describe('trusts that nothing here knows; only people delete them'),
  reason: z.string().optional(),
})
export type SweepView = z.infer<typeof SweepView>

/** The one workflow that looks for orphans. */
export const delegationSweepId = 'delegation/sweep'

export const CreateDelegation = z.strictObject({
  roles: z
    .array(z.string().min(1).max(255))
    .min(1)
    .max(10)
    .default(['admin'])
    .describe('roles to delegate; the fewest'),
  expiresIn: z.iso.duration().default('P90D').describe('ISO 8601 duration'),
})

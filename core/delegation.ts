import { z } from 'zod'

/** A standing delegation as people see it. The trust id is shown to operators so that they can find it in Keystone. */
export const DelegationView = z.object({
  state: z.enum(['active', 'revoked', 'expired', 'lost']),
  trustId: z.string(),
  trustorUserId: z.string(),
  trustorName: z.string(),
  projectId: z.string(),
  roles: z.array(z.string()),
  createdAt: z.string(),
  expiresAt: z.string(),
  reason: z.string().optional(),
})
export type DelegationView = z.infer<typeof DelegationView>

/** The one standing delegation that remediation acts with. */
export const remediationDelegationId = 'delegation/remediation'

export const CreateDelegation = z.strictObject({
  roles: z
    .array(z.string().min(1).max(255))
    .min(1)
    .max(10)
    .default(['admin'])
    .describe('roles to delegate; the fewest'),
  expiresIn: z.iso.duration().default('P90D').describe('ISO 8601 duration'),
})

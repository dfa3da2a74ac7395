import { createHash } from 'node:crypto'
import type { Delegation } from '../core/delegation.ts'
import { attributes } from '../core/search-attributes.ts'

/**
 * The id a delegation is known by: a digest of its trust's. It is plain text in the engine's database and is shown to
 * people; the trust cannot be found by it. Workflows have no means to make one, so it is given to them.
 */
export const delegationIdOf = (trustId: string): string =>
  createHash('sha256').update(trustId).digest('base64url').slice(0, 16)

/** A delegation in a command to a workflow; a trust has its delegation id with it. */
export const identified = <T extends Delegation>(delegated: T) => ({
  ...delegated,
  ...('trustId' in delegated && { delegationId: delegationIdOf(delegated.trustId) }),
})

/** The search attribute of what acts with a delegation; none of one that is not Steward's to delete. */
export const delegationAttribute = (delegation: Delegation) =>
  'trustId' in delegation ? [{ key: attributes.delegation, value: delegationIdOf(delegation.trustId) }] : []

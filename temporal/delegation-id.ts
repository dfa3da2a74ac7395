import { createHash } from 'node:crypto'

/**
 * The id a delegation is known by: a digest of its trust's. It is plain text in the engine's database and is shown to
 * people; the trust cannot be found by it. Workflows have no means to make one, so it is given to them.
 */
export const delegationIdOf = (trustId: string): string =>
  createHash('sha256').update(trustId).digest('base64url').slice(0, 16)

/** A trust in a command to a workflow, with its delegation id. */
export const identified = <T extends { readonly trustId: string }>(delegated: T) => ({
  ...delegated,
  delegationId: delegationIdOf(delegated.trustId),
})

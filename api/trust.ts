import { randomInt } from 'node:crypto'
import { codeOf, detailsOf, failure, messageOf } from '../core/errors.ts'
import type { Delegated } from '../core/recurrence.ts'
import { roleFor } from '../policies/work.ts'
import type { Caller } from './callers.ts'
import { rulesFor } from './credential.ts'
import type { Asked, DelegationOptions, DelegationWish } from './delegation.ts'

/** A trust outlives the latest moment of its call, for clocks that differ and for its own deletion. */
const trustMarginMs = 600_000

/**
 * Makes a trust for work, with the caller's token and the fewest roles, and lets `use` have it. If that fails the trust is
 * deleted again. Not repeatable: each time makes a trust.
 *
 * @throws ROLE_MISSING, DELEGATION_REFUSED, KEYSTONE_UNREACHABLE, and what `use` throws
 */
export async function withTrust<T>(
  { work, untilMs }: DelegationWish,
  caller: Caller,
  options: DelegationOptions,
  { globalRequestId: requestId, log }: Asked,
  use: (delegated: Delegated) => Promise<T>,
): Promise<T> {
  const { keystone, trusteeUserId } = options
  const roles = [roleFor(work, caller.roles)]
  // an unrestricted one may make trusts where Keystone is older, or was told to allow it
  if (caller.isApplicationCredential && caller.applicationCredential?.restricted !== false) throw needsCredential()
  // Keystone refuses a second trust with equal ends, so each gets some seconds of its own
  const expiresAt = new Date(untilMs + trustMarginMs + randomInt(300) * 1000)
  const wish = { trusteeUserId: await trusteeUserId(), roles, expiresAt }
  const trust = await keystone.createTrust(caller, wish, { requestId }).catch((error: unknown) => {
    const isRefused = caller.isApplicationCredential && codeOf(error) === 'DELEGATION_REFUSED'
    throw isRefused ? needsCredential(detailsOf(error)) : error
  })
  try {
    const until = new Date(untilMs).toISOString()
    return await use({ trustId: trust.id, roles, until, delegatedBy: { kind: 'trust' } })
  } catch (error) {
    await keystone.deleteTrust(caller, trust.id, { requestId }).catch((reason: unknown) => {
      log.warn({ trustId: trust.id, reason: messageOf(reason) }, 'an unused trust is left to expire')
    })
    throw error
  }

  function needsCredential(details: Record<string, unknown> = {}) {
    const rules = rulesFor(work, caller, options)
    return failure(
      'DELEGATION_REFUSED',
      `tokens of application credentials cannot make trusts: give \`applicationCredential\`, with the id and secret of one \
of yours in this project that has the role ${roles.join(', ')}; these access rules are enough: ${JSON.stringify(rules)}`,
      details,
    )
  }
}

import { randomInt } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Call } from '../core/action.ts'
import { failure, messageOf } from '../core/errors.ts'
import type { Delegated } from '../core/recurrence.ts'
import { joinPath } from '../openstack/catalog.ts'
import type { Keystone } from '../openstack/keystone.ts'
import { leastRole, refuseInternalHints } from '../policies/least-role.ts'
import type { Caller } from './callers.ts'

export interface TrustOptions {
  keystone: Pick<Keystone, 'createTrust' | 'deleteTrust'>
  /** Steward's own user, who is trusted. */
  trusteeUserId: () => Promise<string>
  interface: 'public' | 'internal' | 'admin'
  region?: string | undefined
  maxDays: number
  now?: () => number
}

export type Asked = Pick<FastifyRequest, 'globalRequestId' | 'log'>

/** A trust outlives the latest moment of its call, for clocks that differ and for its own deletion. */
const trustMarginMs = 600_000

/**
 * Makes a trust for one call, with the caller's token and the fewest roles, and lets `use` have it. If `use` fails the
 * trust is deleted again. Not repeatable: each time makes a trust.
 *
 * @param untilMs the latest moment at which the call is made, epoch ms
 * @throws SERVICE_UNKNOWN, PATH_REFUSED, ROLE_MISSING, DELEGATION_REFUSED, KEYSTONE_UNREACHABLE, and what `use` throws
 */
export async function withTrust<T>(
  { call, untilMs }: { call: Call; untilMs: number },
  caller: Caller,
  options: TrustOptions,
  { globalRequestId: requestId, log }: Asked,
  use: (delegated: Delegated) => Promise<T>,
): Promise<T> {
  const { keystone, trusteeUserId } = options
  refuseInternalHints(call)
  joinPath(caller.catalog.endpoint(call.service, options), call.path)
  const roles = [leastRole(call, caller.roles)]
  if (caller.isApplicationCredential)
    throw failure('DELEGATION_REFUSED', 'tokens of application credentials cannot make trusts')
  // Keystone refuses a second trust with equal ends, so each gets some seconds of its own
  const expiresAt = new Date(untilMs + trustMarginMs + randomInt(300) * 1000)
  const wish = { trusteeUserId: await trusteeUserId(), roles, expiresAt }
  const trust = await keystone.createTrust(caller, wish, { requestId })
  try {
    return await use({ trustId: trust.id, roles, until: new Date(untilMs).toISOString() })
  } catch (error) {
    await keystone.deleteTrust(caller, trust.id, { requestId }).catch((reason: unknown) => {
      log.warn({ trustId: trust.id, reason: messageOf(reason) }, 'an unused trust is left to expire')
    })
    throw error
  }
}

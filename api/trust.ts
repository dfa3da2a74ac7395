import { randomInt } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { ErrorCode } from '../core/catalogue.ts'
import { codeOf, failure, messageOf } from '../core/errors.ts'
import type { Delegated } from '../core/recurrence.ts'
import type { Hindrance, Work } from '../core/work.ts'
import { joinPath } from '../openstack/catalog.ts'
import type { Keystone } from '../openstack/keystone.ts'
import { checkWork, roleFor, servicesOf } from '../policies/work.ts'
import type { Caller } from './callers.ts'

export interface TrustOptions {
  keystone: Pick<Keystone, 'createTrust' | 'deleteTrust'>
  /** Steward's own user, who is trusted. */
  trusteeUserId: () => Promise<string>
  /** What is in the way of work, seen through the trust; see `openstack/ahead.ts`. */
  lookAhead: (trustId: string, work: Work, requestId: string) => Promise<Hindrance | undefined>
  interface: 'public' | 'internal' | 'admin'
  region?: string | undefined
  maxDays: number
  now?: () => number
}

export type Asked = Pick<FastifyRequest, 'globalRequestId' | 'log'>

export interface TrustWish {
  readonly work: Work
  /** The latest moment at which something is done, epoch ms. */
  readonly untilMs: number
  /** Not looked at what the work names: it will be there in time. */
  readonly unchecked?: boolean
}

/** What `use` is given besides the trust. */
export interface Checked {
  /** The look could not be made; it says nothing about the work. */
  readonly warning?: Hindrance
}

/** A trust outlives the latest moment of its call, for clocks that differ and for its own deletion. */
const trustMarginMs = 600_000

/**
 * Makes a trust for work, with the caller's token and the fewest roles, looks through it at what the work names, and lets
 * `use` have it. If that fails the trust is deleted again. Not repeatable: each time makes a trust.
 *
 * @throws INPUT_INVALID, SERVICE_UNKNOWN, PATH_REFUSED, ROLE_MISSING, DELEGATION_REFUSED, KEYSTONE_UNREACHABLE,
 *   TARGET_MISSING, MICROVERSION_UNSUPPORTED, CLOUD_REFUSED, and what `use` throws
 */
export async function withTrust<T>(
  { work, untilMs, unchecked = false }: TrustWish,
  caller: Caller,
  options: TrustOptions,
  { globalRequestId: requestId, log }: Asked,
  use: (delegated: Delegated, checked: Checked) => Promise<T>,
): Promise<T> {
  const { keystone, trusteeUserId } = options
  checkWork(work)
  for (const { service, path } of servicesOf(work)) joinPath(caller.catalog.endpoint(service, options), path)
  const roles = [roleFor(work, caller.roles)]
  if (caller.isApplicationCredential)
    throw failure('DELEGATION_REFUSED', 'tokens of application credentials cannot make trusts')
  // Keystone refuses a second trust with equal ends, so each gets some seconds of its own
  const expiresAt = new Date(untilMs + trustMarginMs + randomInt(300) * 1000)
  const wish = { trusteeUserId: await trusteeUserId(), roles, expiresAt }
  const trust = await keystone.createTrust(caller, wish, { requestId })
  try {
    const checked = unchecked ? {} : await check(trust.id)
    return await use({ trustId: trust.id, roles, until: new Date(untilMs).toISOString() }, checked)
  } catch (error) {
    await keystone.deleteTrust(caller, trust.id, { requestId }).catch((reason: unknown) => {
      log.warn({ trustId: trust.id, reason: messageOf(reason) }, 'an unused trust is left to expire')
    })
    throw error
  }

  async function check(trustId: string): Promise<Checked> {
    let found: Hindrance | undefined
    try {
      found = await options.lookAhead(trustId, work, requestId)
    } catch (error) {
      // what is down now may be up when it is due
      const code = codeOf(error) ?? 'INTERNAL'
      return { warning: { code, detail: `it could not be looked at beforehand: ${messageOf(error)}` } }
    }
    if (found) throw failure(found.code as ErrorCode, found.detail)
    return {}
  }
}

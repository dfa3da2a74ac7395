import type { FastifyRequest } from 'fastify'
import type { ErrorCode } from '../core/catalogue.ts'
import type { ApplicationCredential, Delegation } from '../core/delegation.ts'
import { codeOf, failure, messageOf } from '../core/errors.ts'
import type { Delegated } from '../core/recurrence.ts'
import type { Hindrance, Work } from '../core/work.ts'
import { joinPath } from '../openstack/catalog.ts'
import type { Keystone } from '../openstack/keystone.ts'
import { checkWork, servicesOf } from '../policies/work.ts'
import type { Caller } from './callers.ts'
import { tryCredential } from './credential.ts'
import { withTrust } from './trust.ts'

export interface DelegationOptions {
  keystone: Pick<Keystone, 'createTrust' | 'deleteTrust' | 'authenticate' | 'credentialEnd'>
  /** Steward's own user, who is trusted. */
  trusteeUserId: () => Promise<string>
  /** What is in the way of work, seen through the delegation; see `openstack/ahead.ts`. */
  lookAhead: (delegation: Delegation, work: Work, requestId: string) => Promise<Hindrance | undefined>
  interface: 'public' | 'internal' | 'admin'
  region?: string | undefined
  maxDays: number
  now?: () => number
}

export type Asked = Pick<FastifyRequest, 'globalRequestId' | 'log'>

export interface DelegationWish {
  readonly work: Work
  /** The latest moment at which something is done, epoch ms. */
  readonly untilMs: number
  /** Not looked at what the work names: it will be there in time. */
  readonly unchecked?: boolean
  /** Used instead of a trust. */
  readonly applicationCredential?: ApplicationCredential | undefined
}

/** What `use` is given besides the delegation. */
export interface Checked {
  /** The look could not be made; it says nothing about the work. */
  readonly warning?: Hindrance
}

/**
 * Gets the rights for work, by the application credential that was given or else by a trust of the caller, looks with them
 * at what the work names, and lets `use` have them. A trust is deleted again if that fails.
 *
 * @throws INPUT_INVALID, SERVICE_UNKNOWN, PATH_REFUSED, ROLE_MISSING, DELEGATION_REFUSED, CREDENTIAL_REFUSED,
 *   ACCESS_RULE_MISSING, KEYSTONE_UNREACHABLE, TARGET_MISSING, MICROVERSION_UNSUPPORTED, CLOUD_REFUSED, and what `use` throws
 */
export async function withDelegation<T>(
  wish: DelegationWish,
  caller: Caller,
  options: DelegationOptions,
  asked: Asked,
  use: (delegated: Delegated, checked: Checked) => Promise<T>,
): Promise<T> {
  const { work, unchecked = false, applicationCredential } = wish
  checkWork(work)
  for (const { service, path } of servicesOf(work)) joinPath(caller.catalog.endpoint(service, options), path)
  const lookedAt = async (delegated: Delegated) => use(delegated, unchecked ? {} : await look(delegated))
  if (!applicationCredential) return withTrust(wish, caller, options, asked, lookedAt)
  return lookedAt(await tryCredential({ ...wish, applicationCredential }, caller, options, asked))

  async function look(delegation: Delegation): Promise<Checked> {
    let found: Hindrance | undefined
    try {
      found = await options.lookAhead(delegation, work, asked.globalRequestId)
    } catch (error) {
      // what is down now may be up when it is due
      const code = codeOf(error) ?? 'INTERNAL'
      return { warning: { code, detail: `it could not be looked at beforehand: ${messageOf(error)}` } }
    }
    // there may be enough when it is due
    if (found?.code === 'QUOTA_SHORT') return { warning: found }
    if (found) throw failure(found.code as ErrorCode, found.detail)
    return {}
  }
}

import { z } from 'zod'
import { failure } from '../core/errors.ts'
import type { AskKeystone, CallOptions, KeystoneAnswer } from './keystone.ts'
import { firstIssue, type ProjectToken, type Token } from './token.ts'

export interface Trust {
  readonly id: string
  readonly trustorUserId: string
  readonly trusteeUserId: string
  readonly projectId: string
  readonly impersonation: boolean
  readonly expiresAt: Date | undefined
  readonly roles: readonly string[]
}

export interface NewTrust {
  readonly trusteeUserId: string
  /** Names; the fewest that do, for losing one of them kills the whole trust. */
  readonly roles: readonly string[]
  /** Rounded up to whole seconds, and moved on by some when an equal trust is in the way. */
  readonly expiresAt: Date
}

export interface Trusts {
  /**
   * Makes the caller's project trust us: impersonating, not to be passed on, with an end. Each call makes another trust.
   *
   * Keystone keeps (trustor, trustee, project, expiry) unique, deleted trusts included, whatever the roles: on a 409
   * the expiry moves on by a second, five times at most. Spread the expiries of trusts that are made together.
   *
   * @throws DELEGATION_REFUSED, ROLE_MISSING, TOKEN_INVALID, CLOUD_BUSY (after the last 409), KEYSTONE_UNREACHABLE;
   *   OUTCOME_UNKNOWN when the answer was lost: an unused trust may be left, until it expires
   * @see https://docs.openstack.org/api-ref/identity/v3-ext/#create-trust
   */
  createTrust(caller: ProjectToken, trust: NewTrust, options?: CallOptions): Promise<Trust>
  /**
   * Deletes a trust. Needs a token got through that very trust: the trustee's own may not. Safe to repeat: a trust that
   * is gone is a success. A token of a deleted trust is dead too, so a late repeat ends in TOKEN_INVALID; a new login
   * through the trust then tells the truth (DELEGATION_LOST).
   *
   * @throws TOKEN_INVALID, CLOUD_REFUSED, KEYSTONE_UNREACHABLE
   */
  deleteTrust(trustToken: Token, trustId: string, options?: CallOptions): Promise<void>
  /**
   * Reads a trust, with the trustee's own token or one of the trust.
   *
   * @returns undefined when there is none (deleted, expired)
   * @throws TOKEN_INVALID, CLOUD_REFUSED, KEYSTONE_UNREACHABLE
   */
  getTrust(token: Token, trustId: string, options?: CallOptions): Promise<Trust | undefined>
  /**
   * All trusts that others gave to the owner of the token and that have not ended, without their roles, which Keystone
   * tells of single trusts only. Its list holds expired ones, too, until somebody flushes them.
   *
   * @throws TOKEN_INVALID, CLOUD_REFUSED, CLOUD_ANSWER_UNREADABLE, KEYSTONE_UNREACHABLE
   */
  listTrusts(trustee: Token, options?: CallOptions): Promise<ListedTrust[]>
}

export type ListedTrust = Omit<Trust, 'roles'>

const Listed = z.object({
  id: z.string(),
  trustor_user_id: z.string(),
  trustee_user_id: z.string(),
  project_id: z.string(),
  impersonation: z.boolean(),
  expires_at: z.iso.datetime().nullable(),
})
const TrustBody = z.object({
  trust: Listed.extend({ roles: z.array(z.object({ name: z.string() })).default([]) }),
})
/** Anybody may give anybody a trust without a project; it gives no rights. */
const ListBody = z.object({ trusts: z.array(Listed.extend({ project_id: z.string().nullable() })) })

/** Ways to log in whose roles come from groups that somebody else keeps. */
const federated: ReadonlySet<string> = new Set(['mapped', 'saml2', 'openid'])

/** Most times an expiry moves on by one second. */
const moves = 5

/** The trust calls of one Keystone. */
export function createTrusts(ask: AskKeystone): Trusts {
  return {
    async createTrust(caller, { trusteeUserId, roles, expiresAt }, options = {}) {
      if (roles.length === 0) throw failure('DELEGATION_REFUSED', 'a trust needs at least one role', {})
      const seconds = Math.ceil(expiresAt.getTime() / 1000)
      for (let move = 0; ; move += 1) {
        const answer = await ask({
          ...options,
          method: 'POST',
          path: '/OS-TRUST/trusts',
          token: caller.id,
          leavesTrace: true,
          body: {
            trust: {
              trustor_user_id: caller.userId,
              trustee_user_id: trusteeUserId,
              project_id: caller.projectId,
              impersonation: true,
              allow_redelegation: false,
              roles: roles.map((name) => ({ name })),
              expires_at: wholeSeconds(seconds + move),
            },
          },
        })
        if (answer.status < 300) return parseTrust(answer)
        if (answer.status !== 409 || move === moves) throw refusal(answer, caller, roles)
      }
    },

    async deleteTrust({ id: token }, trustId, options = {}) {
      const path = `/OS-TRUST/trusts/${encodeURIComponent(trustId)}`
      const answer = await ask({ ...options, method: 'DELETE', path, token })
      if (answer.status >= 300 && answer.status !== 404) throw unusable(answer, `delete trust ${trustId}`)
    },

    async getTrust({ id: token }, trustId, options = {}) {
      const path = `/OS-TRUST/trusts/${encodeURIComponent(trustId)}`
      const answer = await ask({ ...options, method: 'GET', path, token })
      if (answer.status === 404) return undefined
      if (answer.status >= 300) throw unusable(answer, `read trust ${trustId}`)
      return parseTrust(answer)
    },

    async listTrusts({ id: token, userId }, options = {}) {
      const path = `/OS-TRUST/trusts?trustee_user_id=${encodeURIComponent(userId)}`
      const answer = await ask({ ...options, method: 'GET', path, token })
      if (answer.status >= 300) throw unusable(answer, 'list the trusts given to Steward')
      const nowMs = Date.now()
      return parseList(answer).filter(
        ({ trustorUserId, expiresAt }) =>
          trustorUserId !== userId && (expiresAt === undefined || expiresAt.getTime() > nowMs),
      )
    },
  }
}

/** `2026-11-21T00:34:11Z`: Keystone rejects offsets, and databases differ in whether they keep a fraction. */
function wholeSeconds(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}

function parseTrust({ json, details }: KeystoneAnswer): Trust {
  const parsed = TrustBody.safeParse(json)
  if (!parsed.success) {
    const issue = firstIssue(parsed.error)
    throw failure('CLOUD_ANSWER_UNREADABLE', `the answer of Keystone is no trust: ${issue}`, details)
  }
  const { trust } = parsed.data
  return { ...listed(trust), roles: trust.roles.map(({ name }) => name) }
}

function parseList({ json, details }: KeystoneAnswer): ListedTrust[] {
  const parsed = ListBody.safeParse(json)
  if (!parsed.success) {
    const issue = firstIssue(parsed.error)
    throw failure('CLOUD_ANSWER_UNREADABLE', `the answer of Keystone is no list of trusts: ${issue}`, details)
  }
  return parsed.data.trusts.flatMap(({ project_id, ...trust }) =>
    project_id === null ? [] : [listed({ ...trust, project_id })],
  )
}

const listed = (trust: z.infer<typeof Listed>): ListedTrust => ({
  id: trust.id,
  trustorUserId: trust.trustor_user_id,
  trusteeUserId: trust.trustee_user_id,
  projectId: trust.project_id,
  impersonation: trust.impersonation,
  expiresAt: trust.expires_at === null ? undefined : new Date(trust.expires_at),
})

function refusal({ status, details }: KeystoneAnswer, caller: ProjectToken, roles: readonly string[]) {
  const reason = details.reason ?? `status ${status}`
  if (status === 401) return failure('TOKEN_INVALID', 'Keystone no longer accepts the token', details)
  if (status === 409) return failure('CLOUD_BUSY', `trusts with equal expiry are in the way: ${reason}`, details)
  // Keystone names the role by an id the caller never saw
  if (status === 404 && /role/i.test(reason)) {
    const names = roles.join(', ')
    if (caller.methods.some((method) => federated.has(method)) && roles.every((role) => caller.roles.includes(role)))
      return failure(
        'DELEGATION_REFUSED',
        `${names} in project ${caller.projectName} comes from a group of a federated login, and Keystone delegates only what \
is assigned to the user: ask whoever administers the project to assign it to you`,
        { ...details, roles, projectId: caller.projectId },
      )
    const message = `the caller does not hold every role of ${names} in project ${caller.projectName}: ${reason}`
    return failure('ROLE_MISSING', message, { ...details, roles, projectId: caller.projectId })
  }
  if (status === 403 && caller.isApplicationCredential)
    return failure('DELEGATION_REFUSED', 'tokens of application credentials cannot make trusts', details)
  if (status === 403 && caller.trust)
    return failure('DELEGATION_REFUSED', 'a token got through a trust cannot make another trust', details)
  return failure('DELEGATION_REFUSED', `Keystone refused to make the trust: ${reason}`, details)
}

function unusable({ status, details }: KeystoneAnswer, what: string) {
  const reason = details.reason ?? `status ${status}`
  if (status === 401) return failure('TOKEN_INVALID', `Keystone does not accept the token to ${what}`, details)
  return failure('CLOUD_REFUSED', `Keystone refused to ${what}: ${reason}`, details)
}

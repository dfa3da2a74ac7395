import { z } from 'zod'
import { failure } from '../core/errors.ts'
import type { AskKeystone, CallOptions } from './keystone.ts'
import { firstIssue, type Token } from './token.ts'

export interface ApplicationCredentials {
  /**
   * Until when an application credential is good, read with a token got with it. `never`: it has no end.
   *
   * @returns undefined when its access rules do not let it be read, or Keystone does not say
   * @throws KEYSTONE_UNREACHABLE, CLOUD_ANSWER_UNREADABLE
   * @see https://docs.openstack.org/api-ref/identity/v3/#show-application-credential-details
   */
  credentialEnd(token: Token, options?: CallOptions): Promise<Date | 'never' | undefined>
}

/** Unlike all other times of Keystone these may come without a zone; they are UTC. */
const Body = z.object({
  application_credential: z.object({ expires_at: z.iso.datetime({ local: true }).nullish() }),
})

/** The calls of one Keystone about application credentials. */
export function createApplicationCredentials(ask: AskKeystone): ApplicationCredentials {
  return {
    async credentialEnd({ id: token, userId, applicationCredential }, options = {}) {
      if (!applicationCredential) return undefined
      const path = `/users/${encodeURIComponent(userId)}/application_credentials/${encodeURIComponent(applicationCredential.id)}`
      const { status, json, details } = await ask({ ...options, method: 'GET', path, token })
      // 401 is what access rules answer with, 403 what an older Keystone does
      if (status >= 400) return undefined
      const parsed = Body.safeParse(json)
      if (!parsed.success) {
        const issue = firstIssue(parsed.error)
        throw failure(
          'CLOUD_ANSWER_UNREADABLE',
          `the answer of Keystone is no application credential: ${issue}`,
          details,
        )
      }
      const { expires_at: end } = parsed.data.application_credential
      return end ? new Date(end.endsWith('Z') ? end : `${end}Z`) : 'never'
    },
  }
}

import type { Logger } from 'pino'
import { codeOf, messageOf } from '../core/errors.ts'
import type { Foundation } from './foundation.ts'

const trustLifeMs = 120_000

/**
 * Makes a trust from Steward to itself, logs in through it and deletes it: what every delegation rests on. The log says how
 * that went; a Keystone that is away just now must not keep Steward from starting. Never rejects.
 */
export async function testTrusts(
  { keystone, sessions }: Pick<Foundation, 'keystone' | 'sessions'>,
  log: Pick<Logger, 'info' | 'error'>,
): Promise<void> {
  try {
    const { id } = await sessions.own.token()
    const token = await keystone.validate(id)
    const [role = ''] = token.roles
    const expiresAt = new Date(Date.now() + trustLifeMs)
    const trust = await keystone.createTrust(token, { trusteeUserId: token.userId, roles: [role], expiresAt })
    try {
      await sessions.throughTrust(trust.id).token()
    } finally {
      sessions.forget({ trustId: trust.id })
      await keystone.deleteTrust(token, trust.id)
    }
    log.info('trusts work: one was made, used and deleted')
  } catch (error) {
    log.error({ code: codeOf(error), reason: messageOf(error) }, 'no trust could be made and used: nobody can delegate')
  }
}

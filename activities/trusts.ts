import type { Activities } from '../core/activities.ts'
import { codeOf } from '../core/errors.ts'
import type { Keystone } from '../openstack/keystone.ts'
import { runRequestId, type Sessions } from './sessions.ts'

export interface TrustActivitiesOptions {
  sessions: Sessions
  keystone: Pick<Keystone, 'deleteTrust' | 'getTrust'>
}

export const createTrustActivities = ({
  sessions,
  keystone,
}: TrustActivitiesOptions): Pick<Activities, 'deleteTrust' | 'checkTrust'> => ({
  /**
   * Deletes a trust through itself: Steward's own token may not. Safe to repeat; one that is gone is a success.
   *
   * @throws DELEGATION_LOST it is still there but cannot be used, since its owner lacks the role for now;
   *   KEYSTONE_UNREACHABLE, SERVICE_LOGIN_REFUSED (both retried)
   */
  async deleteTrust({ trustId }) {
    const session = sessions.throughTrust(trustId)
    try {
      const token = await session.token()
      try {
        await keystone.deleteTrust(token, trustId, { requestId: runRequestId() })
      } catch (error) {
        if (codeOf(error) !== 'TOKEN_INVALID') throw error
        // the token may be dead because the trust is: a new login tells
        await keystone.deleteTrust(await session.renew(token), trustId, { requestId: runRequestId() })
      }
    } catch (error) {
      if (codeOf(error) !== 'DELEGATION_LOST') throw error
      // one that only sleeps would wake with the role: it must not be reported as deleted
      if (await keystone.getTrust(await sessions.own.token(), trustId, { requestId: runRequestId() })) throw error
    }
    sessions.forget({ trustId })
  },

  /** Logs in through a trust, to see that it still works. @throws DELEGATION_LOST, KEYSTONE_UNREACHABLE (retried) */
  async checkTrust({ trustId }) {
    sessions.forget({ trustId })
    await sessions.throughTrust(trustId).token()
  },
})

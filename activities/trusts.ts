import type { Activities } from '../core/activities.ts'
import { codeOf } from '../core/errors.ts'
import type { Keystone } from '../openstack/keystone.ts'
import { runRequestId, type Sessions } from './sessions.ts'

export interface TrustActivitiesOptions {
  sessions: Sessions
  keystone: Pick<Keystone, 'deleteTrust'>
}

export const createTrustActivities = ({
  sessions,
  keystone,
}: TrustActivitiesOptions): Pick<Activities, 'deleteTrust' | 'checkTrust'> => ({
  /**
   * Deletes a trust through itself: Steward's own token may not. Safe to repeat; one that is gone is a success.
   * @throws KEYSTONE_UNREACHABLE, SERVICE_LOGIN_REFUSED (both retried)
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
    }
    sessions.forget(trustId)
  },

  /** Logs in through a trust, to see that it still works. @throws DELEGATION_LOST, KEYSTONE_UNREACHABLE (retried) */
  async checkTrust({ trustId }) {
    sessions.forget(trustId)
    await sessions.throughTrust(trustId).token()
  },
})

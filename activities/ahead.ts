import type { Activities } from '../core/activities.ts'
import { lookAhead } from '../openstack/ahead.ts'
import { looksAhead } from '../policies/ahead.ts'
import { quotaLooks } from '../policies/quota.ts'
import { runRequestId, type Sessions } from './sessions.ts'

export const createAheadActivities = (
  sessions: Pick<Sessions, 'through' | 'forget'>,
): Pick<Activities, 'checkAhead'> => ({
  /**
   * Looks what is in the way of work that is not due yet, with a new login, so that a lost role is seen. Safe to repeat.
   *
   * @throws KEYSTONE_UNREACHABLE, CLOUD_UNREACHABLE, CLOUD_BUSY (all retried)
   */
  async checkAhead({ work, ...delegation }) {
    sessions.forget(delegation)
    return (
      (await lookAhead(sessions.through(delegation), looksAhead(work), quotaLooks(work), {
        requestId: runRequestId(),
      })) ?? null
    )
  },
})

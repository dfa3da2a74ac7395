import type { Activities } from '../core/activities.ts'
import type { OrphanTrust } from '../core/delegation.ts'
import { codeOf } from '../core/errors.ts'
import type { Keystone } from '../openstack/keystone.ts'
import { standingOf } from '../policies/delegation.ts'
import { delegationIdOf } from '../temporal/delegation-id.ts'
import type { TrustHolders } from '../temporal/trust-holders.ts'
import { runRequestId, type Sessions } from './sessions.ts'

export interface TrustActivitiesOptions {
  sessions: Sessions
  keystone: Pick<Keystone, 'deleteTrust' | 'getTrust' | 'listTrusts'>
  holders: TrustHolders
  now?: () => number
}

export const createTrustActivities = ({
  sessions,
  keystone,
  holders,
  now = Date.now,
}: TrustActivitiesOptions): Pick<Activities, 'deleteTrust' | 'checkTrust' | 'findOrphans'> => ({
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

  /**
   * Looks which of all trusts given to Steward nothing needs any more. Those that nothing in this installation knows are
   * only counted: another one may share the user.
   *
   * @throws KEYSTONE_UNREACHABLE, ENGINE_UNREACHABLE (both retried)
   */
  async findOrphans({ most }) {
    const trusts = await keystone.listTrusts(await sessions.own.token(), { requestId: runRequestId() })
    const ids = trusts.map(({ id }) => delegationIdOf(id))
    const held = await holders.find(ids)
    const orphans: OrphanTrust[] = []
    let unknown = 0
    for (const { id: trustId, expiresAt } of trusts) {
      const id = delegationIdOf(trustId)
      const state = standingOf(held.get(id), expiresAt, now())
      if (state === 'orphan') orphans.push({ id, trustId })
      if (state === 'unknown') unknown++
    }
    return { orphans: orphans.slice(0, most), used: trusts.length - orphans.length - unknown, unknown }
  },
})

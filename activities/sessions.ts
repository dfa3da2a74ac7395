import { Context } from '@temporalio/activity'
import type { CloudConfig } from '../openstack/clouds-yaml.ts'
import type { Http } from '../openstack/http.ts'
import type { Keystone } from '../openstack/keystone.ts'
import { createSession, type Session } from '../openstack/session.ts'
import type { Delegations } from '../temporal/delegations.ts'

/** Sessions with the cloud, by whose rights they use. Tokens live in memory only. */
export interface Sessions {
  /** Steward's own login, which has no power. */
  readonly own: Session
  /** With the rights of a trust. The same trust gives the same session. */
  throughTrust(trustId: string): Session
  /** With the rights of the standing delegation. @throws DELEGATION_MISSING */
  forRemediation(): Promise<Session>
  /** Forgets the token of a trust that is no more. */
  forget(trustId: string): void
}

export interface SessionsOptions {
  cloud: CloudConfig
  keystone: Keystone
  http: Http
  delegations: Pick<Delegations, 'active'>
  now?: () => number
}

/** Sessions kept for re-use of their tokens; the least recently used one goes. */
const mostSessions = 1000
/** How long the standing delegation is believed without asking again: a revoked one is refused by Keystone anyway. */
const delegationKeptMs = 5_000

export function createSessions({ cloud, keystone, http, delegations, now = Date.now }: SessionsOptions): Sessions {
  const base = { keystone, http, login: cloud.auth, region: cloud.region, interface: cloud.interface, now }
  const byTrust = new Map<string, Session>()
  let standing: { trustId: string; until: number } | undefined

  /**
   * Services answer 503, not 401, while Keystone refuses to speak of a token, as it does once its owner lost a delegated
   * role: the next attempt logs in anew, and learns which of the two it is.
   */
  const doubting =
    (trustId: string): Http =>
    async (request) => {
      const answer = await http(request)
      if (answer.status === 503) byTrust.delete(trustId)
      return answer
    }

  function throughTrust(trustId: string): Session {
    const session = byTrust.get(trustId) ?? createSession({ ...base, http: doubting(trustId), scope: { trustId } })
    byTrust.delete(trustId)
    byTrust.set(trustId, session)
    for (const oldest of byTrust.keys()) if (byTrust.size > mostSessions) byTrust.delete(oldest)
    return session
  }

  return {
    own: createSession({ ...base, scope: cloud.scope }),
    throughTrust,
    async forRemediation() {
      if (!standing || standing.until <= now()) {
        const { trustId } = await delegations.active()
        standing = { trustId, until: now() + delegationKeptMs }
      }
      return throughTrust(standing.trustId)
    },
    forget(trustId) {
      byTrust.delete(trustId)
      if (standing?.trustId === trustId) standing = undefined
    },
  }
}

/** Joins every OpenStack request of a run in all logs of the cloud: `req-` and the Temporal run id. */
export const runRequestId = (): string => `req-${Context.current().info.workflowExecution?.runId}`

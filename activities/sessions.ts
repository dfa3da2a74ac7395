import { createHash } from 'node:crypto'
import { Context } from '@temporalio/activity'
import type { Delegation, Rights } from '../core/delegation.ts'
import type { CloudConfig } from '../openstack/clouds-yaml.ts'
import type { Http } from '../openstack/http.ts'
import type { Keystone } from '../openstack/keystone.ts'
import { loginWith } from '../openstack/login.ts'
import { createSession, type Session } from '../openstack/session.ts'
import type { Delegations } from '../temporal/delegations.ts'

/** Sessions with the cloud, by whose rights they use. Tokens live in memory only. */
export interface Sessions {
  /** Steward's own login, which has no power. */
  readonly own: Session
  /** With the rights somebody delegated. The same delegation gives the same session. */
  through(delegation: Delegation): Session
  throughTrust(trustId: string): Session
  /** With rights of whatever kind. @throws DELEGATION_MISSING */
  of(rights: Rights): Promise<Session>
  /** With the rights of the standing delegation. @throws DELEGATION_MISSING */
  forRemediation(): Promise<Session>
  /** Forgets the token of a delegation that may be no more. */
  forget(delegation: Delegation): void
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
  const base = { keystone, http, region: cloud.region, interface: cloud.interface, now }
  const byKey = new Map<string, Session>()
  let standing: { trustId: string; until: number } | undefined

  /**
   * Services answer 503, not 401, while Keystone refuses to speak of a token, as it does once its owner lost a delegated
   * role: the next attempt logs in anew, and learns which of the two it is.
   */
  const doubting =
    (key: string): Http =>
    async (request) => {
      const answer = await http(request)
      if (answer.status === 503) byKey.delete(key)
      return answer
    }

  function through(delegation: Delegation): Session {
    const key = keyOf(delegation)
    const session = byKey.get(key) ?? createSession({ ...base, http: doubting(key), ...loginBy(delegation) })
    byKey.delete(key)
    byKey.set(key, session)
    for (const oldest of byKey.keys()) if (byKey.size > mostSessions) byKey.delete(oldest)
    return session
  }

  function loginBy(delegation: Delegation) {
    if ('trustId' in delegation) return { login: cloud.auth, scope: { trustId: delegation.trustId } }
    return { login: loginWith(delegation.applicationCredential), isLent: true }
  }

  const throughTrust = (trustId: string) => through({ trustId })

  async function forRemediation(): Promise<Session> {
    if (!standing || standing.until <= now()) {
      const { trustId } = await delegations.active()
      standing = { trustId, until: now() + delegationKeptMs }
    }
    return throughTrust(standing.trustId)
  }

  return {
    own: createSession({ ...base, login: cloud.auth, scope: cloud.scope }),
    through,
    throughTrust,
    forRemediation,
    of: async (rights) => ('standing' in rights ? forRemediation() : through(rights)),
    forget(delegation) {
      byKey.delete(keyOf(delegation))
      if ('trustId' in delegation && standing?.trustId === delegation.trustId) standing = undefined
    },
  }
}

/** The id of a credential is known to many; a session is only for those who know its secret. */
function keyOf(delegation: Delegation): string {
  if ('trustId' in delegation) return delegation.trustId
  const { id, secret } = delegation.applicationCredential
  return `application-credential/${id}/${createHash('sha256').update(secret).digest('base64')}`
}

/** Joins every OpenStack request of a run in all logs of the cloud: `req-` and the Temporal run id. */
export const runRequestId = (): string => `req-${Context.current().info.workflowExecution?.runId}`

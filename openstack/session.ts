import { codeOf, detailsOf, failure, messageOf } from '../core/errors.ts'
import type { EndpointChoice, Interface } from './catalog.ts'
import type { Http } from './http.ts'
import type { Keystone } from './keystone.ts'
import type { Login, Scope } from './login.ts'
import { createVersions } from './microversion.ts'
import { createServiceClient, type ServiceClient } from './service.ts'
import type { Token } from './token.ts'

export interface SessionOptions {
  readonly keystone: Keystone
  readonly http: Http
  readonly login: Login
  /** Our own project, or that of a trust. Without one Keystone picks; application credentials bring their own. */
  readonly scope?: Scope | undefined
  /** The login is that of somebody who lent it to us: when it is refused, the delegation is lost. @default false */
  readonly isLent?: boolean
  readonly region?: string | undefined
  /** @default public */
  readonly interface?: Interface
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: () => number
}

export interface ServiceOptions extends EndpointChoice {
  /** Sent with every request: `2.96`. See also `ServiceClient.negotiate`. */
  readonly microversion?: string
}

export interface Session {
  /**
   * Gives a token that is good for at least a minute (or half its life, if that is less), logging in when needed.
   * Calls made together share one login; cancelling one stops only its own wait.
   *
   * @throws DELEGATION_LOST, SERVICE_LOGIN_REFUSED, KEYSTONE_UNREACHABLE, CLOUD_ANSWER_UNREADABLE
   */
  token(options?: { signal?: AbortSignal | undefined }): Promise<Token>
  /** Gives another token than `rejected`, which a service did not accept. Throws like `token`. */
  renew(rejected: Token, options?: { signal?: AbortSignal | undefined }): Promise<Token>
  /** How far Keystone's clock is ahead of ours, by its last token and to about a second; 0 before the first one. */
  aheadMs(): number
  /** A client of one service; asks nothing of the cloud yet. */
  service(type: string, options?: ServiceOptions): ServiceClient
}

/** Tokens are renewed this long before they expire. */
const marginMs = 60_000

/**
 * Makes a session: a login that renews itself. Nothing is sent before the first use; the token lives in memory only.
 *
 * @throws CONFIG_INVALID for a trust with an application credential: Keystone gives those no other scope than their own
 */
export function createSession(options: SessionOptions): Session {
  const { keystone, http, login, scope, isLent = false, region, interface: face = 'public', now = Date.now } = options
  const trustId = typeof scope === 'object' && 'trustId' in scope ? scope.trustId : undefined
  if (trustId !== undefined && login.method === 'application_credential')
    throw failure('CONFIG_INVALID', 'a login by application credential cannot use trusts: give a password', { trustId })

  const versions = createVersions({ now })
  let current: { token: Token; renewAt: number } | undefined
  let pending: Promise<Token> | undefined
  let aheadMs = 0

  async function logIn(): Promise<Token> {
    const token = await keystone.authenticate(login, scope).catch(async (error: unknown) => {
      if (isLent) throw lost(error)
      throw trustId === undefined ? error : await whyRefused(error, trustId)
    })
    if (trustId !== undefined) checkTrustToken(token, trustId)
    if (isLent) checkLentToken(token, login)
    const lifeMs = token.expiresAt.getTime() - token.issuedAt.getTime()
    // counted from here rather than compared with Keystone's clock, which may differ from ours
    current = { token, renewAt: now() + lifeMs - Math.min(marginMs, lifeMs / 2) }
    // whole seconds: on average it is half a second old
    aheadMs = token.issuedAt.getTime() + 500 - now()
    return token
  }

  /** Tells a lost delegation from a login of ours that is refused everywhere. */
  async function whyRefused(error: unknown, id: string): Promise<unknown> {
    if (codeOf(error) !== 'SERVICE_LOGIN_REFUSED') return error
    await keystone.authenticate(login, 'unscoped')
    const details = detailsOf(error)
    return failure('DELEGATION_LOST', `trust ${id} cannot be used any more: ${messageOf(error)}`, {
      ...details,
      trustId: id,
    })
  }

  const session: Session = {
    async token({ signal } = {}) {
      signal?.throwIfAborted()
      if (current && now() < current.renewAt) return current.token
      pending ??= logIn().finally(() => {
        pending = undefined
      })
      return untilAborted(pending, signal)
    },
    async renew(rejected, waiting) {
      if (current?.token === rejected) current = undefined
      return session.token(waiting)
    },
    aheadMs: () => aheadMs,
    service(type, { microversion, ...choice } = {}) {
      const chosen = { interface: choice.interface ?? face, region: choice.region ?? region }
      return createServiceClient({ http, session, versions, type, choice: chosen, microversion })
    },
  }
  return session
}

/** A session with a token somebody else holds: it cannot be renewed. For what is read on behalf of whoever sent it. */
export function sessionWith(token: Token, options: Pick<SessionOptions, 'http' | 'region' | 'interface'>): Session {
  const { http, region, interface: face = 'public' } = options
  const versions = createVersions({ now: Date.now })
  const session: Session = {
    token: async () => token,
    async renew() {
      throw failure('TOKEN_INVALID', 'a service does not accept the token any more')
    },
    aheadMs: () => 0,
    service(type, { microversion, ...choice } = {}) {
      const chosen = { interface: choice.interface ?? face, region: choice.region ?? region }
      return createServiceClient({ http, session, versions, type, choice: chosen, microversion })
    },
  }
  return session
}

/** What Keystone says of a credential that was deleted, has expired, or whose owner may not use it any more. */
function lost(error: unknown): unknown {
  if (codeOf(error) !== 'SERVICE_LOGIN_REFUSED') return error
  const why = 'deleted, expired, or its owner disabled or without its roles'
  const message = `the application credential cannot be used any more (${why}): ${messageOf(error)}`
  return failure('DELEGATION_LOST', message, detailsOf(error))
}

function checkLentToken({ applicationCredential }: Token, login: Login): void {
  const isById = login.method === 'application_credential' && 'id' in login.credential
  if (isById && applicationCredential?.id === login.credential.id) return
  throw failure('CLOUD_ANSWER_UNREADABLE', 'Keystone gave a token that is not of the application credential', {})
}

/** A trust token that is not what was asked for would act with the wrong rights. */
function checkTrustToken({ trust, userId }: Token, trustId: string): void {
  if (trust?.id === trustId && trust.impersonation && userId === trust.trustorUserId) return
  throw failure('CLOUD_ANSWER_UNREADABLE', `Keystone gave a token that does not impersonate through trust ${trustId}`, {
    trustId,
  })
}

/** Waits for work that others wait for too: cancelling ends this wait and leaves the work alone. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

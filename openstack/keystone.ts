import { failure } from '../core/errors.ts'
import { type ApplicationCredentials, createApplicationCredentials } from './application-credentials.ts'
import { reasonOf, traceOf } from './fault.ts'
import { type Http, jsonOf, type Method } from './http.ts'
import { authBody, type Login, type Scope, secretsOf } from './login.ts'
import { isProjectToken, type ProjectToken, parseToken, type Token } from './token.ts'
import { createTrusts, type Trusts } from './trusts.ts'

export interface CallOptions {
  readonly requestId?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs?: number
}

export interface Keystone extends Trusts, ApplicationCredentials {
  /**
   * Logs in. Safe to repeat: every call makes one more token. Without a scope Keystone picks the user's default project.
   *
   * @throws SERVICE_LOGIN_REFUSED (`details.status`, `details.reason`), KEYSTONE_UNREACHABLE
   * @see https://docs.openstack.org/api-ref/identity/v3/#authentication-and-token-management
   */
  authenticate(login: Login, scope?: Scope, options?: CallOptions): Promise<Token>
  /**
   * Asks Keystone about a caller's token, with that same token: this needs no right of our own.
   *
   * @throws TOKEN_INVALID when Keystone rejects it or it has no project, KEYSTONE_UNREACHABLE
   * @see https://docs.openstack.org/api-ref/identity/v3/#validate-and-show-information-for-token
   */
  validate(callerToken: string, options?: CallOptions): Promise<ProjectToken>
}

/** One request to Keystone; `path` is below `/v3`. */
export interface KeystoneRequest extends CallOptions {
  readonly method: Method
  readonly path: string
  readonly token?: string
  readonly subjectToken?: string
  readonly body?: unknown
  /** Keystone speaks of tokens with access rules only to those who say that they know what these are. */
  readonly knowsAccessRules?: boolean
  /** Whether a lost answer leaves something behind in Keystone. @default false */
  readonly leavesTrace?: boolean
  readonly secrets?: readonly string[]
}

export interface KeystoneAnswer {
  readonly status: number
  readonly json: unknown
  readonly subjectToken: string | undefined
  /** What a refusal is reported with. */
  readonly details: { status: number; service: string; reason?: string; requestId?: string; retryAfterSeconds?: number }
}

/** Sends to Keystone; comes back with 2xx that is JSON (or empty) and with 4xx, throws everything else. */
export type AskKeystone = (request: KeystoneRequest) => Promise<KeystoneAnswer>

/** Talks to one Keystone. `authUrl` may end in `/v3` or not. Repeats nothing by itself. */
export function createKeystone({ authUrl, http }: { authUrl: string; http: Http }): Keystone {
  const ask = createAsk(`${authUrl.replace(/\/(v3|v2\.0)?\/*$/, '')}/v3`, http)

  return {
    ...createTrusts(ask),
    ...createApplicationCredentials(ask),

    async authenticate(login, scope, options = {}) {
      const answer = await ask({
        ...options,
        method: 'POST',
        path: '/auth/tokens',
        body: authBody(login, scope),
        secrets: secretsOf(login),
      })
      const { status, subjectToken, json, details } = answer
      if (status >= 400) {
        const reason = details.reason ?? `status ${status}`
        throw failure('SERVICE_LOGIN_REFUSED', `Keystone refused the login: ${reason}`, details)
      }
      const token = isToken(subjectToken) ? parseToken(subjectToken, json) : 'no x-subject-token'
      if (typeof token === 'string') throw unreadable(token, details)
      return token
    },

    async validate(callerToken, options = {}) {
      const id = callerToken.trim()
      if (!isToken(id)) throw failure('TOKEN_INVALID', 'this is not the form of a Keystone token', {})
      const path = '/auth/tokens'
      const answer = await ask({ ...options, method: 'GET', path, token: id, subjectToken: id, knowsAccessRules: true })
      const { status, json, details } = answer
      if (status >= 400) throw failure('TOKEN_INVALID', `Keystone does not accept the token (${status})`, details)
      const token = parseToken(id, json)
      if (typeof token === 'string') throw unreadable(token, details)
      if (!isProjectToken(token)) throw notOfProject(token, details)
      return token
    },
  }
}

function createAsk(root: string, http: Http): AskKeystone {
  return async (request) => {
    const { path, method, body, token, subjectToken, knowsAccessRules, leavesTrace = false, ...rest } = request
    const { secrets = [], ...options } = rest
    const answer = await http({
      ...options,
      service: 'identity',
      method,
      url: root + path,
      ...(body !== undefined && { body }),
      headers: {
        ...(token && { 'x-auth-token': token }),
        ...(subjectToken && { 'x-subject-token': subjectToken }),
        ...(knowsAccessRules && { 'openstack-identity-access-rules': '1' }),
      },
      safeToRepeat: !leavesTrace,
      unreachable: 'KEYSTONE_UNREACHABLE',
    })
    const { status } = answer
    const failed = status >= 400
    const hidden = token === undefined ? secrets : [...secrets, token]
    const reason = failed ? reasonOf(answer, hidden) : undefined
    const details = { status, service: 'identity', ...(reason && { reason }), ...traceOf(answer, hidden) }
    if (status >= 300 && status < 400)
      throw failure('CLOUD_ANSWER_UNREADABLE', `Keystone answered ${status}; redirects are not followed`, details)
    if (status >= 500 || status === 429) {
      const isUnclear = leavesTrace && status !== 503 && status !== 429
      throw failure(isUnclear ? 'OUTCOME_UNKNOWN' : 'KEYSTONE_UNREACHABLE', `Keystone answered ${status}`, details)
    }
    const json = jsonOf(answer)
    // a captive portal or a proxy's page, not Keystone
    if (!failed && json === undefined && answer.text !== '')
      throw failure('KEYSTONE_UNREACHABLE', `something other than Keystone answered ${status} without JSON`, details)
    return { status, json, subjectToken: answer.headers['x-subject-token'], details }
  }
}

/** Fernet, JWS and UUID tokens are all far shorter than this; servers refuse longer headers. */
function isToken(text: string | undefined): text is string {
  return text !== undefined && /^[\x21-\x7e]{1,8192}$/.test(text)
}

function notOfProject({ isFor }: Token, details: Record<string, unknown>) {
  const scope = isFor === undefined ? 'has no scope' : `is scoped to ${isFor}`
  return failure('TOKEN_INVALID', `the token is not scoped to a project: it ${scope}`, details)
}

function unreadable(issue: string, details: Record<string, unknown>) {
  return failure('CLOUD_ANSWER_UNREADABLE', `the answer of Keystone is no token: ${issue}`, details)
}

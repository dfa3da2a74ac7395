import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import { type AccessPolicy, type Permission, permissionNames, refusalOf, rolesThatGive } from '../core/access.ts'
import { failure } from '../core/errors.ts'
import type { Person } from '../core/person.ts'
import type { Caller, TokenCheck } from './callers.ts'

/** Who may use a route. Every route must say it; there is no default. */
export type Access = 'open' | 'alertmanager' | 'logs' | Permission

/** Whether a route asks for a token of Keystone. */
export const isPermission = (access: Access | undefined): access is Permission =>
  (permissionNames as readonly unknown[]).includes(access)

/** A configured sender of signals, with the SHA-256 of its bearer token. */
export interface SignalSource {
  readonly name: string
  readonly kind: 'alertmanager' | 'logs'
  readonly tokenHash: Buffer
}

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
  }
  interface FastifyInstance {
    /** Everything that is registered, so that it can be seen who may use it. */
    routes: readonly RouteOptions[]
  }
  interface FastifyRequest {
    caller: Caller | null
    source: string | null
  }
}

export interface AccessOptions {
  checkToken: TokenCheck
  sources: readonly SignalSource[]
  policy: AccessPolicy
}

/** Guards every route before its body is read. A route that does not say who may use it does not start. */
export function guardRoutes(app: FastifyInstance, { checkToken, sources, policy }: AccessOptions): void {
  app.decorateRequest('caller', null)
  app.decorateRequest('source', null)
  const routes: RouteOptions[] = []
  app.decorate('routes', routes)
  app.addHook('onRoute', (route) => {
    routes.push(route)
  })
  app.addHook('onReady', async () => {
    for (const { config, url } of routes)
      if (!config?.access) throw failure('CONFIG_INVALID', `route ${url} does not say who may use it`)
  })
  app.addHook('onRequest', async (request) => {
    const { access } = request.routeOptions.config
    // an unknown route has no access; it gets its 404
    if (access === undefined || access === 'open') return
    if (access === 'alertmanager' || access === 'logs') {
      request.source = sourceOf(request, sources, access).name
      return
    }
    const token = request.headers['x-auth-token']
    if (typeof token !== 'string' || token.trim() === '') throw failure('TOKEN_MISSING', 'no X-Auth-Token')
    request.caller = await checkToken(token.trim(), { requestId: request.globalRequestId })
    assertMay(policy, request.caller, access)
  })
}

/** @throws ROLE_MISSING, PERSON_NEEDED */
export function assertMay(policy: AccessPolicy, caller: Caller, permission: Permission): void {
  const refusal = refusalOf(policy, caller, permission)
  if (refusal === 'person')
    throw failure('PERSON_NEEDED', `${permission} is not given through a trust: whoever holds it is not who made it`)
  if (refusal === undefined) return
  const roles = rolesThatGive(policy, permission)
  throw failure(
    'ROLE_MISSING',
    `this needs the permission ${permission}, which these roles give: ${roles.join(', ')}`,
    {
      permission,
      roles,
    },
  )
}

function sourceOf(request: FastifyRequest, sources: readonly SignalSource[], kind: SignalSource['kind']): SignalSource {
  const [, token] = /^Bearer ([\x21-\x7e]{1,512})$/.exec(request.headers.authorization ?? '') ?? []
  if (!token) throw failure('TOKEN_MISSING', 'no bearer token of a signal source')
  const hash = hashOf(token)
  const found = sources.find((source) => source.kind === kind && timingSafeEqual(source.tokenHash, hash))
  if (!found) throw failure('SOURCE_REFUSED', `the token is not one of a configured ${kind} source`)
  return found
}

export const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest()

/** The caller of a route that asks for a permission. */
export function callerOf(request: FastifyRequest): Caller {
  if (!request.caller) throw failure('TOKEN_MISSING', 'no X-Auth-Token')
  return request.caller
}

/** The same as the incidents know them. */
export const personOfCaller = (request: FastifyRequest): Person => personOf(callerOf(request))

export const personOf = ({ userId, userName }: Caller): Person => ({ userId, name: userName })

import { lets } from '../../policies/access-rules.ts'
import { forbidden, notFound } from './identity.ts'
import { type Answer, field, type Request } from './listener.ts'
import type { Caller } from './rights.ts'
import { type Credential, hexId, type RoleName, type World } from './world.ts'

export const credentialOf = (world: World, id: string | undefined): Credential | undefined =>
  world.credentials.find((one) => one.id === id)

/** Whether the access rules of a token let a request pass. Its own validation always passes. */
export function isLet({ credential }: Caller, { service, method, path }: Request): boolean {
  if (!credential?.accessRules) return true
  if (service === 'identity' && method === 'GET' && path === '/v3/auth/tokens') return true
  const seen = { services: [service], method: method as 'GET', paths: [path] }
  return credential.accessRules.some((rule) => lets(rule, seen))
}

/** What a token says of the credential it was got with. */
export const rulesShown = ({ id, name, unrestricted, accessRules }: Credential) => ({
  ...{ id, name, restricted: !unrestricted },
  ...(accessRules && { access_rules: accessRules.map((rule) => ({ id: hexId(), ...rule })) }),
})

/** `/v3/users/{id}/application_credentials`, by Keystone's own rules. */
export function answerCredentials(world: World, { method, path, body }: Request, caller: Caller): Answer {
  const [, userId, id] = /^\/v3\/users\/([^/]+)\/application_credentials(?:\/([^/]+))?$/.exec(path) ?? []
  if (id === undefined) {
    if (userId !== caller.user.id || (caller.credential && !caller.credential.unrestricted)) return forbidden()
    const credential = made(field(body, 'application_credential'), caller)
    world.credentials.push(credential)
    return { status: 201, body: { application_credential: { ...shown(credential), secret: credential.secret } } }
  }
  const credential = credentialOf(world, id)
  if (!credential) return notFound(`Application Credential: ${id}`)
  if (credential.ownerId !== caller.user.id) return forbidden('identity:get_application_credential')
  if (method === 'GET') return { status: 200, body: { application_credential: shown(credential) } }
  if (caller.credential && !caller.credential.unrestricted) return forbidden()
  world.credentials.splice(world.credentials.indexOf(credential), 1)
  return { status: 204 }
}

function made(given: unknown, { user, projectId = '', roles }: Caller): Credential {
  const names = (field(given, 'roles') as { name: RoleName }[] | undefined)?.map(({ name }) => name)
  const accessRules = field(given, 'access_rules') as Credential['accessRules']
  const end = field(given, 'expires_at')
  return {
    id: hexId(),
    name: String(field(given, 'name')),
    secret: `secret-${hexId()}${hexId()}`,
    ownerId: user.id,
    projectId,
    // a role brings those it implies
    roles: names ? roles.slice(0, Math.max(...names.map((name) => roles.indexOf(name))) + 1) : roles,
    unrestricted: field(given, 'unrestricted') === true,
    expiresAt: typeof end === 'string' ? `${end.slice(0, 19)}.000000` : null,
    ...(accessRules && { accessRules }),
  }
}

const shown = ({ id, name, ownerId, projectId, unrestricted, expiresAt, accessRules }: Credential) => ({
  ...{ id, name, description: null, user_id: ownerId, project_id: projectId, system: null },
  ...{ expires_at: expiresAt, unrestricted: unrestricted || null },
  ...(accessRules && { access_rules: accessRules }),
})

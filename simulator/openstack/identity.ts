import { randomBytes } from 'node:crypto'
import { answerCredentials, credentialOf, isLet, rulesShown } from './credentials.ts'
import { type Answer, field, type Request } from './listener.ts'
import { answerPeople } from './people.ts'
import { type Caller, callerOf, headerOf, isOver, ownerMay, rolesOf, rolesOfCredential } from './rights.ts'
import { answerTrusts } from './trusts.ts'
import { type Credential, nowOf, type Token, type Trust, type World } from './world.ts'

/** The other services, by type; known once all of them listen. */
export type Endpoints = () => Readonly<Record<string, string>>

/** Keystone: logins, validation, trusts, and the grants of roles. */
export const createIdentity = (world: World, endpoints: Endpoints) => {
  return (request: Request): Answer => {
    const { method, path } = request
    if (path === '/v3/auth/tokens' && method === 'POST') return logIn(world, request, endpoints)
    const found = callerOf(world, headerOf(request, 'x-auth-token'))
    if (found === 'unknown') return unauthorized
    if (found === 'trust gone')
      return notFound(`trust: ${world.tokens.get(headerOf(request, 'x-auth-token') ?? '')?.trustId}`)
    if (found === 'credential gone')
      return notFound(
        `Application Credential: ${world.tokens.get(headerOf(request, 'x-auth-token') ?? '')?.credentialId}`,
      )
    if (found === 'owner refused') return forbidden()
    if (!isLet(found, request)) return unauthorized
    if (path === '/v3/auth/tokens' && method === 'GET') return validate(world, request, found, endpoints)
    if (path === '/v3/auth/tokens' && method === 'DELETE') return revoke(world, request, found)
    if (path.startsWith('/v3/OS-TRUST/trusts')) return answerTrusts(world, request, found)
    if (path.includes('/application_credentials')) return answerCredentials(world, request, found)
    return administer(world, request, found)
  }
}

const fault = (status: number, title: string, message: string): Answer => ({
  status,
  body: { error: { code: status, message, title } },
})
export const unauthorized = fault(401, 'Unauthorized', 'The request you have made requires authentication.')
export const forbidden = (why?: string) =>
  fault(403, 'Forbidden', `You are not authorized to perform the requested action${why ? `: ${why}` : ''}.`)
export const notFound = (what: string) => fault(404, 'Not Found', `Could not find ${what}.`)
export const badRequest = (why: string) =>
  fault(
    400,
    'Bad Request',
    `${why} The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.`,
  )
export const conflict = (why: string) => fault(409, 'Conflict', why)
export const keystoneFault = fault

function logIn(world: World, { body }: Request, endpoints: Endpoints): Answer {
  const asked = field(body, 'auth', 'identity', 'application_credential')
  if (asked !== undefined) return logInWith(world, asked, field(body, 'auth', 'scope'), endpoints)
  const given = field(body, 'auth', 'identity', 'password', 'user')
  const [id, name] = [field(given, 'id'), field(given, 'name')]
  const user = world.users.find((u) => (id === undefined ? u.name === name : u.id === id))
  if (!user?.enabled || user.password !== field(given, 'password')) return unauthorized
  const scope = field(body, 'auth', 'scope')
  const trustId = field(scope, 'OS-TRUST:trust', 'id')
  if (trustId !== undefined) {
    const trust = world.trusts.find((t) => t.id === trustId)
    if (!trust || trust.deleted || isOver(world, trust)) return unauthorized
    if (trust.trusteeId !== user.id || !ownerMay(world, trust)) return forbidden()
    const whose = trust.impersonation ? trust.trustorId : user.id
    return issue(world, { userId: whose, loginId: user.id, projectId: trust.projectId, trust }, endpoints)
  }
  const wanted = field(scope, 'project')
  if (field(scope, 'system') !== undefined && user.name !== 'admin') return unauthorized
  const isForSystem = field(scope, 'system') !== undefined
  if (wanted === undefined) return issue(world, { userId: user.id, loginId: user.id, isForSystem }, endpoints)
  const project = world.projects.find((p) => p.id === field(wanted, 'id') || p.name === field(wanted, 'name'))
  if (!project || rolesOf(world, user.id, project.id).length === 0) return unauthorized
  return issue(world, { userId: user.id, loginId: user.id, projectId: project.id }, endpoints)
}

/** An unknown id and a wrong secret are told apart. */
function logInWith(world: World, given: unknown, scope: unknown, endpoints: Endpoints): Answer {
  const id = String(field(given, 'id'))
  const credential = credentialOf(world, id)
  if (!credential) return notFound(`Application Credential: ${id}`)
  const user = world.users.find((u) => u.id === credential.ownerId)
  const isOverdue = credential.expiresAt !== null && Date.parse(`${credential.expiresAt}Z`) <= nowOf(world)
  const isRight = credential.secret === field(given, 'secret') && scope === undefined
  if (!user?.enabled || isOverdue || !isRight) return unauthorized
  if (rolesOfCredential(world, credential).length === 0) return unauthorized
  const { projectId } = credential
  return issue(world, { userId: user.id, loginId: user.id, projectId, credential }, endpoints)
}

interface Issue {
  readonly userId: string
  readonly loginId: string
  readonly projectId?: string
  readonly trust?: Trust
  readonly credential?: Credential
  readonly isForSystem?: boolean
}

function issue(
  world: World,
  { userId, loginId, projectId, trust, credential, isForSystem = false }: Issue,
  endpoints: Endpoints,
): Answer {
  const issuedMs = Math.floor(nowOf(world) / 1000) * 1000
  const ownEnd = issuedMs + world.tokenSeconds * 1000
  const token: Token = {
    // Keystone's are of this form, too, and so are recognised where they must not be
    id: `gAAAAAB${randomBytes(120).toString('base64url')}`,
    userId,
    loginId,
    projectId,
    trustId: trust?.id,
    credentialId: credential?.id,
    isForSystem,
    issuedMs,
    expiresMs: Math.min(ownEnd, endOf(trust?.expiresAt), endOf(credential?.expiresAt)),
  }
  world.tokens.set(token.id, token)
  return { status: 201, headers: { 'x-subject-token': token.id }, body: tokenBody(world, token, endpoints) }
}

function methodOf({ groupGrants }: World, { credentialId, loginId }: Token): string {
  if (credentialId !== undefined) return 'application_credential'
  return [...groupGrants].some((grant) => grant.startsWith(`${loginId}/`)) ? 'mapped' : 'password'
}

const endOf = (time: string | null | undefined) =>
  time ? Date.parse(time.endsWith('Z') ? time : `${time}Z`) : Number.POSITIVE_INFINITY

function validate(world: World, request: Request, caller: Caller, endpoints: Endpoints): Answer {
  const subject = headerOf(request, 'x-subject-token')
  if (subject !== caller.token.id) return forbidden('identity:validate_token')
  // who does not say that they know access rules is told nothing of a token that has some
  if (caller.credential?.accessRules && !headerOf(request, 'openstack-identity-access-rules'))
    return fault(404, 'Not Found', 'Failed to validate token')
  return { status: 200, headers: { 'x-subject-token': subject }, body: tokenBody(world, caller.token, endpoints) }
}

function revoke(world: World, request: Request, caller: Caller): Answer {
  if (headerOf(request, 'x-subject-token') !== caller.token.id) return forbidden('identity:revoke_token')
  world.tokens.delete(caller.token.id)
  return { status: 204 }
}

function tokenBody(world: World, token: Token, endpoints: Endpoints) {
  const domain = { id: 'default', name: 'Default' }
  const user = world.users.find(({ id }) => id === token.userId)
  const project = world.projects.find(({ id }) => id === token.projectId)
  const caller = callerOf(world, token.id)
  const roles = typeof caller === 'object' ? caller.roles : []
  const trust = world.trusts.find(({ id }) => id === token.trustId)
  const credential = credentialOf(world, token.credentialId)
  const catalog = Object.entries(endpoints()).map(([type, url]) => ({
    type,
    endpoints: ['public', 'internal', 'admin'].map((face) => ({
      interface: face,
      region_id: 'RegionOne',
      region: 'RegionOne',
      url,
    })),
  }))
  return {
    token: {
      methods: [methodOf(world, token)],
      ...(credential && { application_credential: rulesShown(credential) }),
      ...(token.isForSystem && { system: { all: true }, roles: world.roles }),
      user: { id: user?.id, name: user?.name, domain, password_expires_at: null },
      issued_at: keystoneTime(token.issuedMs),
      expires_at: keystoneTime(token.expiresMs),
      ...(project && {
        project: { ...project, domain },
        roles: world.roles.filter(({ name }) => roles.includes(name)),
        catalog,
      }),
      ...(trust && {
        'OS-TRUST:trust': {
          id: trust.id,
          impersonation: trust.impersonation,
          trustor_user: { id: trust.trustorId },
          trustee_user: { id: trust.trusteeId },
        },
      }),
    },
  }
}

/** Lists of users, projects and roles, and the grants: for administrators. */
function administer(world: World, request: Request, caller: Caller): Answer {
  const { method, path, query } = request
  if (!caller.roles.includes('admin')) return forbidden('identity:update')
  if (/^\/v3\/(users|projects)(\/|$)/.test(path) && method !== 'GET' && !path.includes('/roles/'))
    return answerPeople(world, request)
  const [, kind] = /^\/v3\/(users|projects|roles)$/.exec(path) ?? []
  if (kind && method === 'GET') {
    const list = world[kind as 'users' | 'projects' | 'roles'].map(({ id, name }) => ({ id, name }))
    const name = query.get('name')
    return { status: 200, body: { [kind]: list.filter((one) => name === null || one.name === name) } }
  }
  const [, projectId, userId, roleId] = /^\/v3\/projects\/(\w+)\/users\/(\w+)\/roles\/(\w+)$/.exec(path) ?? []
  const role = world.roles.find(({ id }) => id === roleId)
  if (!role) return notFound('the resource')
  const grant = `${userId}/${projectId}/${role.name}`
  if (method === 'PUT') world.grants.add(grant)
  else world.grants.delete(grant)
  return { status: 204 }
}

const keystoneTime = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, '.000000Z')

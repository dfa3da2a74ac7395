import { badRequest, conflict, forbidden, keystoneFault, notFound } from './identity.ts'
import { type Answer, field, type Request } from './listener.ts'
import { assignedRolesOf, type Caller, headerOf, isOver } from './rights.ts'
import { hexId, ladder, type RoleName, type Trust, type World } from './world.ts'

/** `/v3/OS-TRUST/trusts`, by Keystone's own rules. */
export function answerTrusts(world: World, request: Request, caller: Caller): Answer {
  const { method, path, query } = request
  const [, id] = /^\/v3\/OS-TRUST\/trusts\/([^/]+)$/.exec(path) ?? []
  if (id === undefined) {
    if (method === 'POST') return create(world, request, caller)
    if (caller.credential) return delegated()
    const side = query.has('trustor_user_id') ? 'trustor' : 'trustee'
    if (query.get(`${side}_user_id`) !== caller.user.id) return forbidden(`identity:list_trusts_for_${side}`)
    // those that have ended stay in the list until somebody flushes them
    const own = world.trusts.filter((t) => t[`${side}Id`] === caller.user.id && !t.deleted)
    return { status: 200, body: { trusts: own.map(({ roles: _roles, ...t }) => shown(world, { ...t, roles: [] })) } }
  }
  const trust = world.trusts.find((t) => t.id === id && !t.deleted && !isOver(world, t))
  if (!trust) return notFound(`trust: ${id}`)
  if (method === 'GET') {
    const mayRead = [trust.trustorId, trust.trusteeId].includes(caller.user.id)
    return mayRead ? { status: 200, body: { trust: shown(world, trust) } } : forbidden('identity:get_trust')
  }
  // by an impersonating token of the trust its trustor deletes it, too
  if (trust.trustorId !== caller.user.id) return forbidden('identity:delete_trust')
  trust.deleted = true
  note(world, request, caller, 'trust deleted', trust.id)
  return { status: 204 }
}

function create(world: World, request: Request, caller: Caller): Answer {
  const given = field(request.body, 'trust')
  const trustorId = String(field(given, 'trustor_user_id'))
  const projectId = String(field(given, 'project_id'))
  const names = (field(given, 'roles') as { name: string }[] | undefined)?.map(({ name }) => name) ?? []
  if (trustorId !== caller.user.id) return forbidden('identity:create_trust')
  if (caller.credential) return delegated()
  if (caller.token.trustId !== undefined) return forbidden()
  if (names.length === 0) return forbidden('At least one role should be specified.')
  const held = assignedRolesOf(world, trustorId, projectId)
  for (const name of names) {
    const role = world.roles.find((r) => r.name === name)
    if (!role) return keystoneFault(404, 'Not Found', `Role ${name} is not defined`)
    if (!held.includes(role.name)) return notFound(`role: ${role.id}`)
  }
  const expiry = String(field(given, 'expires_at'))
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?$/.test(expiry)) return badRequest('Timestamp not in expected format.')
  const expiresAt = `${expiry.slice(0, 19)}.000000Z`
  if (Date.parse(expiresAt) <= world.now()) return badRequest("The 'expires_at' must not be before now.")
  const trust: Trust = {
    id: hexId(),
    trustorId,
    trusteeId: String(field(given, 'trustee_user_id')),
    projectId,
    impersonation: field(given, 'impersonation') === true,
    roles: ladder.filter((role) => names.includes(role)) as RoleName[],
    expiresAt,
    deleted: false,
  }
  const equal = (other: Trust) =>
    (['trustorId', 'trusteeId', 'projectId', 'impersonation', 'expiresAt'] as const).every(
      (key) => other[key] === trust[key],
    )
  // deleted ones count, whatever their roles
  if (world.trusts.some(equal))
    return conflict(`Conflict occurred attempting to store trust - Duplicate entry found with ID ${trust.id}.`)
  world.trusts.push(trust)
  note(world, request, caller, 'trust created', trust.id)
  return { status: 201, body: { trust: shown(world, trust) } }
}

const delegated = () => forbidden('Delegated tokens cannot manage trusts.')

const shown = (world: World, trust: Trust) => ({
  id: trust.id,
  trustor_user_id: trust.trustorId,
  trustee_user_id: trust.trusteeId,
  project_id: trust.projectId,
  impersonation: trust.impersonation,
  expires_at: trust.expiresAt,
  remaining_uses: null,
  deleted_at: null,
  redelegation_count: 0,
  ...(trust.roles.length > 0 && { roles: world.roles.filter(({ name }) => trust.roles.includes(name)) }),
})

/** Counts something that changed the cloud. */
export function note(world: World, request: Request, caller: Caller, kind: string, target: string): void {
  world.effects.push({
    kind,
    target,
    userId: caller.user.id,
    sentRequestId: headerOf(request, 'x-openstack-request-id'),
  })
}

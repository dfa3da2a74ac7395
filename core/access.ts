import { z } from 'zod'

interface PermissionSpec {
  /** `project`: what belongs to the caller's project · `cloud`: hosts, incidents and rights of the whole cloud. */
  readonly reach: 'project' | 'cloud'
  /** Nobody can do it through a trust: who holds one is not who made it. */
  readonly inPerson?: true
  readonly allows: string
}

/** What routes ask for. Every route names one, or says that it needs none. */
export const permissions = {
  'actions:read': { reach: 'project', allows: 'see the deferred actions of the project' },
  'actions:write': { reach: 'project', allows: 'defer calls, and cancel them' },
  'audit:read': { reach: 'project', allows: 'read the audit trail of the project' },
  'incidents:read': { reach: 'cloud', allows: 'see incidents' },
  'incidents:act': { reach: 'cloud', inPerson: true, allows: 'acknowledge, take over, hand back, close, comment' },
  'approvals:answer': { reach: 'cloud', inPerson: true, allows: 'say yes or no to a plan, make approval links' },
  'governor:read': { reach: 'cloud', allows: 'see modes, budgets, queue and stop button' },
  'governor:stop': { reach: 'cloud', allows: 'press the stop button' },
  'governor:resume': { reach: 'cloud', inPerson: true, allows: 'release the stop button' },
  'governor:mode': { reach: 'cloud', inPerson: true, allows: 'set how far machines may go' },
  'leases:read': { reach: 'cloud', allows: 'see who may act on what' },
  'leases:write': { reach: 'cloud', inPerson: true, allows: 'hold hosts and servers for own work' },
  'delegations:read': { reach: 'cloud', allows: 'see the standing delegation, and all others' },
  'delegations:write': { reach: 'cloud', inPerson: true, allows: 'delegate own rights to remediation, take back any' },
  'delegations:revoke': { reach: 'project', inPerson: true, allows: 'take back the rights one gave' },
  'plans:read': { reach: 'cloud', allows: 'see plans that move servers between hosts' },
  'plans:write': { reach: 'cloud', allows: 'have plans made, discard and stop them' },
  'plans:execute': { reach: 'cloud', inPerson: true, allows: 'say yes to a plan: servers are moved by it' },
  'reports:read': { reach: 'cloud', allows: 'see how runbooks do' },
  'runbooks:read': { reach: 'cloud', allows: 'see runbooks and their runs' },
  'runbooks:run': { reach: 'cloud', inPerson: true, allows: 'start, cancel and answer runs of runbooks' },
  'notifications:read': { reach: 'cloud', allows: 'see whom events have reached' },
  'notifications:test': { reach: 'cloud', allows: 'send a test event to those who are told' },
  'why:read': { reach: 'project', allows: 'ask why an action of the project was done, or was not' },
  'cloud:read': { reach: 'cloud', allows: 'with audit:read and why:read: about all projects and hosts' },
} as const satisfies Record<string, PermissionSpec>
export type Permission = keyof typeof permissions
export const permissionNames = Object.keys(permissions) as Permission[]
const specOf = (permission: Permission): PermissionSpec => permissions[permission]

const reader: Permission[] = ['actions:read', 'audit:read', 'delegations:revoke']
const member: Permission[] = [...reader, 'actions:write']

/** What the built-in personas may do. `operator` may do everything, whatever a file says. */
const builtInPersonas: Readonly<Record<string, readonly Permission[]>> = {
  reader,
  member,
  manager: member,
  admin: member,
  operator: permissionNames,
}

/** Roles that every Keystone has; others must be declared, so that a slip of the pen is not taken for one. */
const keystoneRoles = ['reader', 'member', 'manager', 'admin', 'service']

/** Roles to personas, when no file says otherwise. `service` gives none: Nova has no business here. */
const builtInRoles: Readonly<Record<string, readonly Grant[]>> = {
  reader: [{ persona: 'reader' }],
  member: [{ persona: 'member' }],
  manager: [{ persona: 'manager' }],
  admin: [{ persona: 'admin' }],
}

const Grant = z.strictObject({
  persona: z.string(),
  projects: z
    .array(z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'an id of a project'))
    .min(1)
    .optional()
    .describe('ids; only who has the role in one of these. All projects when left out'),
})
type Grant = z.infer<typeof Grant>

const RoleName = z.string().min(1).max(255)
const PersonaName = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'lower-case letters, digits and dashes')

const AccessFile = z.strictObject({
  customRoles: z.array(RoleName).default([]).describe("roles of this cloud that are not Keystone's own"),
  roles: z
    .record(RoleName, z.array(Grant))
    .default({})
    .describe('what a role of Keystone makes of its holder; replaces what is built in for that role'),
  personas: z
    .record(PersonaName, z.array(z.enum(permissionNames)))
    .default({})
    .describe('what a persona may do; replaces what is built in for that persona'),
})
export type AccessFile = z.infer<typeof AccessFile>

/**
 * The schema of an access file, in an installation whose operators have this role.
 *
 * Everybody with an own project has `reader` there, so what shows the whole cloud is only given to a role in projects
 * that are named, or to operators.
 */
export const accessFileOf = (operatorRole: string) =>
  AccessFile.superRefine((file, context) => {
    const refuse = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message })
    const roles = new Set([...keystoneRoles, ...file.customRoles])
    const personas: Record<string, readonly Permission[]> = { ...builtInPersonas, ...file.personas }
    const given = new Set<string>()
    if (Object.hasOwn(file.personas, 'operator')) refuse(['personas', 'operator'], 'an operator may do everything')
    for (const [role, grants] of Object.entries(file.roles)) {
      if (role === operatorRole) refuse(['roles', role], 'is the operatorRole of steward.yaml')
      else if (!roles.has(role)) refuse(['roles', role], 'is no role of Keystone itself: declare it in customRoles')
      for (const [index, { persona, projects }] of grants.entries()) {
        const at = ['roles', role, index, 'persona']
        given.add(persona)
        const may = Object.hasOwn(personas, persona) ? personas[persona] : undefined
        const cloud = may?.find((permission) => permissions[permission].reach === 'cloud')
        if (!may) refuse(at, `there is no persona ${persona}`)
        else if (persona === 'operator') refuse(at, 'operators are who has the operatorRole of steward.yaml')
        else if (cloud && !projects)
          refuse(at, `${persona} has ${cloud}, which reaches the whole cloud: name the projects`)
      }
    }
    for (const [persona, may] of Object.entries(file.personas)) {
      const isBuiltIn = Object.hasOwn(builtInPersonas, persona)
      if (!(isBuiltIn || given.has(persona))) refuse(['personas', persona], 'is given to no role')
      const cloud = may.find((permission) => permissions[permission].reach === 'cloud')
      if (isBuiltIn && persona !== 'operator' && cloud)
        refuse(['personas', persona], `${cloud} reaches the whole cloud: make a persona of your own for it`)
    }
  })

/** One line of the effective table: who has this role, in one of these projects, is this persona. */
export interface RoleGrant {
  readonly role: string
  readonly persona: string
  /** Ids; all projects when missing. */
  readonly projects?: readonly string[]
}

/** Who may do what. */
export interface AccessPolicy {
  readonly grants: readonly RoleGrant[]
  readonly personas: Readonly<Record<string, readonly Permission[]>>
}

/** The built-in policy, and what a file changes of it. */
export function accessPolicy(operatorRole: string, file?: AccessFile): AccessPolicy {
  const roles = { ...builtInRoles, ...file?.roles, [operatorRole]: [{ persona: 'operator' }] }
  const grants = Object.entries(roles).flatMap(([role, given]) =>
    given.map(({ persona, projects }: Grant): RoleGrant => ({ role, persona, ...(projects && { projects }) })),
  )
  return { grants, personas: { ...builtInPersonas, ...file?.personas } }
}

/** What Keystone says of a caller, as far as it counts here. */
export interface Credentials {
  readonly roles: readonly string[]
  readonly projectId: string
  readonly trust?: unknown
}

/** `role`: none of the caller's roles gives it · `person`: it is not done through a trust. */
export function refusalOf(
  policy: AccessPolicy,
  caller: Credentials,
  permission: Permission,
): 'role' | 'person' | undefined {
  const isGiven = policy.grants.some(
    ({ role, persona, projects }) =>
      caller.roles.includes(role) &&
      (projects === undefined || projects.includes(caller.projectId)) &&
      policy.personas[persona]?.includes(permission),
  )
  if (!isGiven) return 'role'
  return specOf(permission).inPerson && caller.trust !== undefined ? 'person' : undefined
}

export const may = (policy: AccessPolicy, caller: Credentials, permission: Permission): boolean =>
  refusalOf(policy, caller, permission) === undefined

/** The roles that give a permission, as a refusal names them: of which projects is not everybody's business. */
export function rolesThatGive({ grants, personas }: AccessPolicy, permission: Permission): string[] {
  const giving = grants.filter(({ persona }) => personas[persona]?.includes(permission))
  return [...new Set(giving.map(({ role, projects }) => (projects ? `${role} (in certain projects)` : role)))]
}

import { isLet } from './credentials.ts'
import type { Answer, Request } from './listener.ts'
import {
  type Credential,
  ladder,
  nowOf,
  type RoleName,
  type Token,
  type Trust,
  type User,
  type World,
} from './world.ts'

/** Whom a token speaks for, and what they may do there. */
export interface Caller {
  readonly user: User
  readonly token: Token
  readonly projectId: string | undefined
  readonly roles: readonly RoleName[]
  /** What the token was got with. */
  readonly credential?: Credential
}

/** Why a token is no good: unknown or expired, its trust or credential gone, or its owner not allowed any more. */
export type Refusal = 'unknown' | 'trust gone' | 'credential gone' | 'owner refused'

const withImplied = (roles: Iterable<RoleName>): RoleName[] => {
  const highest = Math.max(-1, ...[...roles].map((role) => ladder.indexOf(role)))
  return ladder.slice(0, highest + 1)
}

/** The roles a user has in a project, implied ones included. */
export function rolesOf({ grants, groupGrants }: World, userId: string, projectId: string): RoleName[] {
  return withImplied(
    ladder.filter((role) => [grants, groupGrants].some((all) => all.has(`${userId}/${projectId}/${role}`))),
  )
}

/** Those of them that are the user's own, and not those of a group. */
export const assignedRolesOf = (world: World, userId: string, projectId: string): RoleName[] =>
  rolesOf({ ...world, groupGrants: new Set() }, userId, projectId)

/** Of the roles it was made with those that its owner still has. */
export const rolesOfCredential = (world: World, { ownerId, projectId, roles }: Credential): RoleName[] => {
  const held = rolesOf(world, ownerId, projectId)
  return roles.filter((role) => held.includes(role))
}

export const isOver = ({ now }: World, { expiresAt }: Trust) => Date.parse(expiresAt) <= now()

/** Whether the owner of a trust may still do all that they delegated. */
export function ownerMay(world: World, { trustorId, projectId, roles }: Trust): boolean {
  const owner = world.users.find((user) => user.id === trustorId)
  const held = assignedRolesOf(world, trustorId, projectId)
  return owner?.enabled === true && roles.every((role) => held.includes(role))
}

export function callerOf(world: World, tokenId: string | undefined): Caller | Refusal {
  const token = world.tokens.get(tokenId ?? '')
  const user = world.users.find(({ id }) => id === token?.userId)
  if (!token || !user || token.expiresMs <= nowOf(world)) return 'unknown'
  const { projectId, trustId, credentialId } = token
  if (credentialId !== undefined) {
    const credential = world.credentials.find(({ id }) => id === credentialId)
    if (!credential) return 'credential gone'
    const roles = rolesOfCredential(world, credential)
    return user.enabled && roles.length > 0 ? { user, token, projectId, roles, credential } : 'unknown'
  }
  if (trustId === undefined) {
    const roles = projectId === undefined ? [] : rolesOf(world, user.id, projectId)
    return user.enabled && (projectId === undefined || roles.length > 0) ? { user, token, projectId, roles } : 'unknown'
  }
  const trust = world.trusts.find(({ id }) => id === trustId)
  if (!trust || trust.deleted) return 'trust gone'
  if (!ownerMay(world, trust)) return 'owner refused'
  return { user, token, projectId, roles: withImplied(trust.roles) }
}

/** What stands before Nova and Placement: turns bad tokens away, and 503 when Keystone will not talk about one. */
export function authenticated(world: World, request: Request): Caller | Answer {
  const caller = callerOf(world, headerOf(request, 'x-auth-token'))
  if (typeof caller === 'object' && isLet(caller, request)) return caller
  if (caller === 'owner refused') {
    const message =
      'The server is currently unavailable. Please try again at a later time.<br /><br />\nThe Keystone service is temporarily unavailable.\n\n'
    return { status: 503, body: { message, code: '503 Service Unavailable', title: 'Service Unavailable' } }
  }
  const message = 'The request you have made requires authentication.'
  return { status: 401, body: { error: { code: 401, title: 'Unauthorized', message } } }
}

export const isCaller = (outcome: Caller | Answer): outcome is Caller => 'user' in outcome

export function headerOf({ headers }: Request, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}

/** Whether a service has the microversion asked for; undefined: none was. */
export function microversionOf(request: Request, service: string): { minor: number; asked: string } | undefined {
  const [, major, minor] =
    new RegExp(`^${service} (\\d+)\\.(\\d+)$`).exec(headerOf(request, 'openstack-api-version') ?? '') ?? []
  return major && minor ? { minor: Number(minor), asked: `${major}.${minor}` } : undefined
}

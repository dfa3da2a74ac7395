import { readFileSync } from 'node:fs'
import { type Received, type Reply, type Served, serve } from './server.ts'

/** An answer of a real Keystone to a login through a trust. */
const sample = JSON.parse(readFileSync(new URL('./fixtures/trust-token.json', import.meta.url), 'utf8'))

export const trustor = { id: sample.token.user.id as string, name: sample.token.user.name as string }
export const trustee = { id: sample.token['OS-TRUST:trust'].trustee_user.id as string, name: 'steward' }
export const project = { id: sample.token.project.id as string, name: sample.token.project.name as string }
export const trustId = sample.token['OS-TRUST:trust'].id as string

export interface FakeKeystone extends Served {
  authUrl: string
  /** Tokens given out so far, oldest first. */
  tokens: string[]
  /** How many seconds a token lives. */
  lifeSeconds: number
  /** Set to answer logins (of a scope) otherwise. */
  onLogin?: (scope: LoginScope, request: Received) => Reply | undefined | Promise<Reply | undefined>
  /** Set to answer everything but logins. */
  onOther?: (request: Received) => Reply | undefined
}
export type LoginScope = 'trust' | 'project' | 'unscoped' | 'none'

/** A Keystone that lets everybody in and whose catalogue leads to the given endpoints. */
export async function fakeKeystone(endpoints: Record<string, string> = {}): Promise<FakeKeystone> {
  const fake: Partial<FakeKeystone> & { tokens: string[]; lifeSeconds: number } = { tokens: [], lifeSeconds: 3600 }
  const served = await serve(async (request): Promise<Reply | undefined> => {
    if (request.method !== 'POST' || request.path !== '/v3/auth/tokens') {
      return fake.onOther?.(request) ?? keystoneFault(404, 'The resource could not be found.')
    }
    const scope = scopeOf(request.body)
    const reply = await fake.onLogin?.(scope, request)
    if (reply) return reply
    const id = `token-${fake.tokens.length + 1}`
    fake.tokens.push(id)
    return {
      status: 201,
      headers: { 'x-subject-token': id },
      body: tokenBody({ scope, lifeSeconds: fake.lifeSeconds, endpoints }),
    }
  })
  return Object.assign(fake, served, { authUrl: served.url }) as FakeKeystone
}

export interface TokenShape {
  scope?: LoginScope
  lifeSeconds?: number
  endpoints?: Record<string, string>
  changes?: Record<string, unknown>
}

/** The body of a token answer; `changes` are laid over its fields. */
export function tokenBody({ scope = 'project', lifeSeconds = 3600, endpoints = {}, changes = {} }: TokenShape = {}) {
  const { 'OS-TRUST:trust': trust, ...rest } = sample.token
  const issued = Date.now()
  const catalog = Object.entries(endpoints).map(([type, url]) => ({
    type,
    endpoints: [{ interface: 'public', region_id: 'RegionOne', region: 'RegionOne', url }],
  }))
  const token = {
    ...rest,
    issued_at: new Date(issued).toISOString(),
    expires_at: new Date(issued + lifeSeconds * 1000).toISOString(),
    user: scope === 'trust' ? rest.user : { ...rest.user, ...trustee },
    catalog,
    ...(scope === 'trust' && { 'OS-TRUST:trust': trust }),
    ...changes,
  }
  if (scope === 'unscoped') for (const name of ['project', 'roles', 'catalog']) delete token[name]
  return { token }
}

export function keystoneFault(status: number, message: string): Reply {
  return { status, body: { error: { code: status, message, title: 'Fault' } } }
}

function scopeOf(body: unknown): LoginScope {
  const { scope } = (body as { auth: { scope?: unknown } }).auth
  if (scope === undefined) return 'none'
  if (scope === 'unscoped') return 'unscoped'
  return 'OS-TRUST:trust' in (scope as object) ? 'trust' : 'project'
}

import { createHttp, jsonOf, type Method } from '../../openstack/http.ts'
import { createKeystone, type Keystone } from '../../openstack/keystone.ts'
import type { Scope } from '../../openstack/login.ts'
import { microversionHeaders } from '../../openstack/microversion.ts'
import { withSecrets } from '../../openstack/secret.ts'
import { createSession, type Session } from '../../openstack/session.ts'
import type { Token } from '../../openstack/token.ts'

/** A cloud with the users, projects, hosts and flavors of the test cloud, whoever plays it. */
export interface CloudUnderTest {
  readonly authUrl: string
  /** Of every user. */
  readonly password: string
  /** Reference of an image that servers can be made of. */
  image(): Promise<string>
  /** Has live migrations off this host fail, until called without a reason. */
  failMigrations(host: string, reason?: string): Promise<void>
  letPass(ms: number): Promise<void>
  /** Between two looks at something that takes time. */
  readonly everyMs: number
  down(): Promise<void>
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  // biome-ignore lint/suspicious/noExplicitAny: the contract is about its shape
  readonly json: any
}

export interface AskOptions {
  readonly microversion?: string
  readonly body?: unknown
  /** In place of the caller's own; `null` for none. */
  readonly token?: string | null
  readonly headers?: Readonly<Record<string, string>>
}

/** Somebody who is logged in. */
export interface Caller {
  readonly session: Session
  readonly token: Token
  ask(service: string, method: Method, path: string, options?: AskOptions): Promise<Answer>
}

export type ServiceType = 'identity' | 'compute' | 'placement'

const http = createHttp()
const domain = { id: 'default' }

export const keystoneOf = ({ authUrl }: CloudUnderTest): Keystone => createKeystone({ authUrl, http })
export const projectScope = (name: string): Scope => ({ project: { name, domain } })
export const loginOf = (name: string, password: string) =>
  withSecrets({ method: 'password' as const, user: { name, domain } }, { password })

/** Logs a user in and lets them ask anything, whatever the answer is. */
export async function logIn(cloud: CloudUnderTest, name: string, scope: Scope): Promise<Caller> {
  const session = createSession({
    keystone: keystoneOf(cloud),
    http,
    login: loginOf(name, cloud.password),
    scope,
    region: 'RegionOne',
  })
  const token = await session.token()
  const ask: Caller['ask'] = async (service, method, path, options = {}) => {
    const { microversion, body, token: given = token.id, headers } = options
    const answer = await http({
      service,
      method,
      url: `${token.catalog.endpoint(service)}${path}`,
      ...(body !== undefined && { body }),
      headers: {
        ...(given !== null && { 'x-auth-token': given }),
        ...(microversion !== undefined && microversionHeaders(service, microversion)),
        ...headers,
      },
    })
    return { status: answer.status, headers: answer.headers, json: jsonOf(answer) }
  }
  return { session, token, ask }
}

/** The ids of users, projects and roles by name, as an administrator sees them. */
export async function idsOf(admin: Caller, kind: 'users' | 'projects' | 'roles'): Promise<Map<string, string>> {
  const { json } = await admin.ask('identity', 'GET', `/${kind}`)
  return new Map((json[kind] as { id: string; name: string }[]).map(({ id, name }) => [name, id]))
}

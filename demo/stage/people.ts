import got, { type Method } from 'got'
import { loadCloud } from '../../openstack/clouds-yaml.ts'
import { createHttp } from '../../openstack/http.ts'
import { createKeystone } from '../../openstack/keystone.ts'
import { createSession, type Session } from '../../openstack/session.ts'
import type { Cloud } from '../../test/cloud/cloud.ts'

/** One user of the cloud: what they see of OpenStack, and of Steward. */
export interface Person {
  readonly name: string
  readonly session: Session
  token(): Promise<string>
  /** Calls Steward with their own token. */
  steward(method: Method, path: string, json?: object): Promise<{ status: number; body: unknown; requestId: string }>
}

export async function personOf(cloud: Cloud, name: string, stewardUrl: string): Promise<Person> {
  const {
    auth,
    scope,
    authUrl,
    region,
    interface: face,
    tls,
  } = await loadCloud(name, {
    OS_CLIENT_CONFIG_FILE: cloud.cloudsYaml,
  })
  const http = createHttp({ tls })
  const session = createSession({
    keystone: createKeystone({ authUrl, http }),
    http,
    login: auth,
    scope,
    region,
    interface: face,
  })
  const token = async () => (await session.token()).id
  return {
    name,
    session,
    token,
    async steward(method, path, json) {
      const { statusCode, body, headers } = await got(`${stewardUrl}${path}`, {
        method,
        ...(json && { json }),
        headers: { 'x-auth-token': await token() },
        throwHttpErrors: false,
        retry: { limit: 0 },
      })
      return {
        status: statusCode,
        body: body ? JSON.parse(body) : undefined,
        requestId: String(headers['x-openstack-request-id']),
      }
    },
  }
}

export const microversion = '2.96'

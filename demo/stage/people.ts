import got, { type Method } from 'got'
import { z } from 'zod'
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

const Created = z.object({ server: z.object({ id: z.string() }) })
const Shown = z.object({
  server: z.object({
    id: z.string(),
    name: z.string(),
    status: z.string(),
    'OS-EXT-SRV-ATTR:host': z.string().nullish(),
  }),
})
const Images = z.object({ images: z.array(z.object({ id: z.string() })) })

export const microversion = '2.96'

/** Starts a server; naming the host needs an operator. Returns its id at once. */
export async function createServer(
  { session }: Person,
  { name, flavor, host }: { name: string; flavor: string; host?: string },
): Promise<string> {
  const { images } = await session.service('image').get('/v2/images', Images)
  const { body } = await session.service('compute', { microversion }).request({
    method: 'POST',
    path: '/servers',
    body: { server: { name, imageRef: images[0]?.id, flavorRef: flavor, networks: 'none', ...(host && { host }) } },
  })
  return Created.parse(body).server.id
}

export async function showServer({ session }: Person, id: string) {
  const { server } = await session.service('compute', { microversion }).get(`/servers/${id}`, Shown)
  return { name: server.name, status: server.status, host: server['OS-EXT-SRV-ATTR:host'] ?? undefined }
}

export async function deleteServer({ session }: Person, id: string): Promise<void> {
  await session.service('compute', { microversion }).request({ method: 'DELETE', path: `/servers/${id}` })
}

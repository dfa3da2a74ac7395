import { z } from 'zod'
import { detailsOf } from '../../core/errors.ts'
import { eventually } from './eventually.ts'
import { microversion, type Person } from './people.ts'

const Created = z.object({ server: z.object({ id: z.string() }) })
const Shown = z.object({
  server: z.object({
    id: z.string(),
    name: z.string(),
    status: z.string(),
    'OS-EXT-SRV-ATTR:host': z.string().nullish(),
    'OS-EXT-STS:task_state': z.string().nullish(),
    fault: z.object({ message: z.string() }).optional(),
  }),
})
const Listed = z.object({ servers: z.array(z.object({ name: z.string() })) })
const Images = z.object({ images: z.array(z.object({ id: z.string() })) })

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

/** Their names. */
export async function serversOf({ session }: Person): Promise<string[]> {
  const { servers } = await session.service('compute', { microversion }).get('/servers', Listed)
  return servers.map(({ name }) => name)
}

export async function showServer({ session }: Person, id: string) {
  const { server } = await session.service('compute', { microversion }).get(`/servers/${id}`, Shown)
  return {
    name: server.name,
    status: server.status,
    host: server['OS-EXT-SRV-ATTR:host'] ?? undefined,
    doing: server['OS-EXT-STS:task_state'] ?? undefined,
    fault: server.fault?.message,
  }
}

/** Asks for it; Nova answers before its agent has heard of it. */
export async function deleteServer({ session }: Person, id: string): Promise<void> {
  await session.service('compute', { microversion }).request({ method: 'DELETE', path: `/servers/${id}` })
}

/**
 * Deletes them and waits until they are gone: a deletion still on its way when the next story stops RabbitMQ or a
 * compute is lost, and the server stays where it is for ever.
 */
export async function removeServers(person: Person, ids: readonly string[]): Promise<void> {
  await Promise.all(ids.map((id) => deleteServer(person, id)))
  await eventually('the servers to be gone', async () => {
    const shown = await Promise.allSettled(ids.map((id) => showServer(person, id)))
    return shown.every((look) => look.status === 'rejected' && detailsOf(look.reason).status === 404)
  })
}

/** Waits until all of them are ACTIVE; says of the others what they are instead, at once when one is in ERROR. */
export async function untilActive(person: Person, ids: readonly string[]): Promise<void> {
  let others: string[] = []
  let isBroken = false
  await eventually(
    'the servers to be active',
    async () => {
      const shown = await Promise.all(ids.map((id) => showServer(person, id)))
      const waiting = shown.filter(({ status }) => status !== 'ACTIVE')
      isBroken = waiting.some(({ status }) => status === 'ERROR')
      others = waiting.map(
        ({ name, status, host = 'no host', doing = 'nothing', fault = '' }) =>
          `${name} is ${status} on ${host}, doing ${doing} ${fault}`,
      )
      return isBroken || waiting.length === 0
    },
    { seen: () => others.join('; ') },
  )
  if (isBroken) throw new Error(`a server went to ERROR: ${others.join('; ')}`)
}

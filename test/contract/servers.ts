import { eventually } from '../../demo/stage/eventually.ts'
import type { Caller } from './cloud-under-test.ts'
import type { People } from './people.ts'

export const microversion = '2.96'

/** Starts a server and waits until it runs. */
export async function startServer(people: People, owner: Caller, { host }: { host?: string } = {}): Promise<string> {
  const server = {
    name: 'contract',
    imageRef: await people.cloud.image(),
    flavorRef: '2',
    networks: 'none',
    ...(host && { host }),
  }
  const { status, json } = await owner.ask('compute', 'POST', '/servers', { microversion, body: { server } })
  if (status !== 202) throw new Error(`no server: ${status} ${JSON.stringify(json)}`)
  await settled(people, json.server.id, 'ACTIVE')
  return json.server.id
}

/** Waits until nothing happens to a server any more, and says how it is. */
export async function settled({ cloud, olga }: People, id: string, status: string) {
  return eventually(
    `server ${id} to be ${status}`,
    async () => {
      const { json } = await olga.ask('compute', 'GET', `/servers/${id}`, { microversion })
      return json.server.status === status && json.server['OS-EXT-STS:task_state'] === null && json.server
    },
    { withinMs: 60_000, everyMs: cloud.everyMs },
  )
}

export const act = ({ ask }: Caller, id: string, body: Record<string, unknown>) =>
  ask('compute', 'POST', `/servers/${id}/action`, { microversion, body })

export const remove = ({ ask }: Caller, id: string) => ask('compute', 'DELETE', `/servers/${id}`, { microversion })

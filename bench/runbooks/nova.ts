import { z } from 'zod'
import { detailsOf } from '../../core/errors.ts'
import { eventually } from '../../demo/stage/eventually.ts'
import { microversion } from '../../demo/stage/people.ts'
import { removeServers, showServer, untilActive } from '../../demo/stage/servers.ts'
import type { Stage } from '../../demo/stage/stage.ts'

const Aggregate = z.object({ aggregate: z.object({ id: z.int() }) })
const Images = z.object({
  images: z.array(z.object({ id: z.string(), name: z.string().nullish(), status: z.string() })),
})
const Created = z.object({ server: z.object({ id: z.string() }) })
const Actions = z.object({ instanceActions: z.array(z.object({ action: z.string() })) })
const Allocations = z.object({ allocations: z.record(z.string(), z.unknown()) })
const Provider = z.object({ name: z.string() })
const Migrations = z.object({
  migrations: z.array(z.object({ status: z.string(), migration_type: z.string() })),
})
const Services = z.object({
  services: z.array(
    z.object({
      ...{ id: z.string(), host: z.string(), state: z.string(), status: z.string(), forced_down: z.boolean() },
      disabled_reason: z.string().nullish(),
    }),
  ),
})
const Locked = z.object({ server: z.object({ locked: z.boolean() }) })

const ended = new Set(['completed', 'done', 'error', 'failed', 'cancelled', 'confirmed', 'reverted'])

/** The cloud as its operator sees it, without Steward: what is there, and what Nova has written down. */
export type Nova = ReturnType<typeof novaOf>

export function novaOf({ olga }: Pick<Stage, 'olga'>) {
  const compute = olga.session.service('compute', { microversion })
  const placement = olga.session.service('placement', { microversion: '1.39' })
  const image = olga.session.service('image')

  const service = async (host: string) => {
    const { services } = await compute.get('/os-services?binary=nova-compute', Services)
    const found = services.find((one) => one.host === host)
    if (!found) throw new Error(`Nova lists no nova-compute on ${host}`)
    return found
  }
  const put = async (host: string, body: object) => {
    const { id } = await service(host)
    await compute.request({ method: 'PUT', path: `/os-services/${id}`, body })
  }
  const act = (id: string, body: object) =>
    compute.request({ method: 'POST', path: `/servers/${id}/action`, body }).then(() => undefined)

  return {
    service,
    act,

    async addZone(name: string, hosts: readonly string[]): Promise<void> {
      const body = { aggregate: { name, availability_zone: name } }
      const made = await compute.request({ method: 'POST', path: '/os-aggregates', body })
      const { id } = Aggregate.parse(made.body).aggregate
      for (const host of hosts)
        await compute.request({ method: 'POST', path: `/os-aggregates/${id}/action`, body: { add_host: { host } } })
    },

    /** Servers that stay in their zone, wherever they are moved. */
    async createServers(zone: string, host: string, count: number, flavor = '1'): Promise<string[]> {
      const { images } = await image.get('/v2/images?name=tiny', Images)
      const wish = { imageRef: images[0]?.id, flavorRef: flavor, networks: 'none' }
      const ids: string[] = []
      for (let n = 1; n <= count; n++) {
        const body = { server: { ...wish, name: `${zone}-${n}`, availability_zone: `${zone}:${host}` } }
        ids.push(Created.parse((await compute.request({ method: 'POST', path: '/servers', body })).body).server.id)
      }
      await untilActive(olga, ids)
      return ids
    },
    removeServers: (ids: readonly string[]) => removeServers(olga, ids),
    show: (id: string) => showServer(olga, id),
    isLocked: async (id: string) => (await compute.get(`/servers/${id}`, Locked)).server.locked,

    /** Where Placement holds room for a server. */
    async roomOf(id: string): Promise<string[]> {
      const { allocations } = await placement.get(`/allocations/${id}`, Allocations)
      const of = async (uuid: string) => (await placement.get(`/resource_providers/${uuid}`, Provider)).name
      return Promise.all(Object.keys(allocations).map(of))
    },

    /** What was done to a server, by Nova's record of its actions. */
    async actionsOf(id: string): Promise<string[]> {
      const { instanceActions } = await compute.get(`/servers/${id}/os-instance-actions`, Actions)
      return instanceActions.map(({ action }) => action).filter((action) => action !== 'create')
    },
    async migrationsOf(id: string): Promise<{ type: string; isOver: boolean }[]> {
      const { migrations } = await compute.get(`/os-migrations?instance_uuid=${id}`, Migrations)
      return migrations.map(({ status, migration_type }) => ({ type: migration_type, isOver: ended.has(status) }))
    },

    async copiesOf(prefix: string): Promise<{ id: string; status: string }[]> {
      const { images } = await image.get('/v2/images', Images)
      return images.filter(({ name }) => name?.startsWith(prefix))
    },
    deleteImage: (id: string) => image.request({ method: 'DELETE', path: `/v2/images/${id}` }),

    untilState: (host: string, state: 'up' | 'down') =>
      eventually(`${host} to be ${state}`, async () => (await service(host)).state === state),
    /** As it was before anything was done to it: not forced down, up, enabled. Its process has to run. */
    async open(host: string): Promise<void> {
      const taken = () =>
        put(host, { forced_down: false }).then(
          () => true,
          (error: unknown) => {
            // evacuations from it are still to be settled
            if (detailsOf(error).status !== 400) throw error
            return false
          },
        )
      if ((await service(host)).forced_down) await eventually(`${host} to be let back`, taken, { everyMs: 500 })
      await eventually(`${host} to be up`, async () => (await service(host)).state === 'up')
      await put(host, { status: 'enabled' })
    },
  }
}

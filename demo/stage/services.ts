import { z } from 'zod'
import { microversion, type Person } from './people.ts'

const Services = z.object({
  services: z.array(
    z.object({ id: z.string(), binary: z.string(), host: z.string(), state: z.string(), status: z.string() }),
  ),
})
const Providers = z.object({ resource_providers: z.array(z.object({ uuid: z.string(), name: z.string() })) })
const Inventories = z.object({ inventories: z.record(z.string(), z.object({ total: z.number() })) })
const Usages = z.object({ usages: z.record(z.string(), z.number()) })

export async function listServices({ session }: Person) {
  return (await session.service('compute', { microversion }).get('/os-services', Services)).services
}

/** Share of a host's vCPUs that Placement has given away, 0..1: what a monitor would measure. */
export async function vcpuShare({ session }: Person, host: string): Promise<number> {
  const placement = session.service('placement', { microversion: '1.39' })
  const { resource_providers } = await placement.get('/resource_providers', Providers, { query: { name: host } })
  const uuid = resource_providers[0]?.uuid
  if (!uuid) throw new Error(`Placement does not know ${host}`)
  const [{ inventories }, { usages }] = await Promise.all([
    placement.get(`/resource_providers/${uuid}/inventories`, Inventories),
    placement.get(`/resource_providers/${uuid}/usages`, Usages),
  ])
  return (usages.VCPU ?? 0) / (inventories.VCPU?.total ?? 1)
}

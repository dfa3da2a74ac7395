import { z } from 'zod'
import type { Resources } from '../core/plan.ts'
import type { ServiceClient } from '../openstack/service.ts'
import type { Room } from '../policies/planner/cloud-reading.ts'
import { inLanes } from './in-lanes.ts'

const Provider = z.object({ uuid: z.string(), name: z.string(), parent_provider_uuid: z.string().nullish() })
const Providers = z.object({ resource_providers: z.array(Provider) })
const Summary = z.object({
  resources: z.record(z.string(), z.object({ capacity: z.number(), used: z.number() })),
  traits: z.array(z.string()),
})
const Candidates = z.object({ provider_summaries: z.record(z.string(), Summary) })
const Inventory = z.object({
  total: z.number(),
  reserved: z.number(),
  allocation_ratio: z.number(),
  max_unit: z.number(),
})
const Inventories = z.object({ inventories: z.record(z.string(), Inventory) })
const Usages = z.object({ usages: z.record(z.string(), z.number()) })
const Traits = z.object({ traits: z.array(z.string()) })

const providersAtOnce = 8

/**
 * Reads the room of all root providers, by name, in few calls: Placement has no list of inventories, but a question for
 * a place for one vCPU (then: for one MiB) is answered with capacity, use and traits of every provider that has one.
 * Only those without either are asked one by one.
 *
 * @param client 1.29 or later: all resource classes (1.27) and traits (1.17) in the summaries
 */
export async function readRooms(client: ServiceClient, requestId: string): Promise<Map<string, Room>> {
  const { resource_providers: all } = await client.get('/resource_providers', Providers, { requestId })
  const roots = all.filter(({ parent_provider_uuid: parent }) => !parent)
  const rooms = new Map<string, Room>()
  for (const kind of ['VCPU', 'MEMORY_MB']) {
    if (roots.every(({ name }) => rooms.has(name))) break
    const query = { resources: `${kind}:1` }
    const answer = await client.get('/allocation_candidates', Candidates, { query, requestId })
    for (const { uuid, name } of roots) {
      const summary = answer.provider_summaries[uuid]
      if (summary) rooms.set(name, rooms.get(name) ?? roomOf(summary))
    }
  }
  const unknown = roots.filter(({ name }) => !rooms.has(name))
  await inLanes(unknown, providersAtOnce, async ({ uuid, name }) => {
    rooms.set(name, await readOne(client, uuid, requestId))
  })
  return rooms
}

function roomOf({ resources: by, traits }: z.infer<typeof Summary>): Room {
  return {
    capacity: resources((kind) => by[kind]?.capacity ?? 0),
    used: resources((kind) => by[kind]?.used ?? 0),
    traits,
    hasDisk: by.DISK_GB !== undefined,
  }
}

async function readOne(client: ServiceClient, uuid: string, requestId: string): Promise<Room> {
  const path = `/resource_providers/${uuid}`
  const [{ inventories }, { usages }, { traits }] = await Promise.all([
    client.get(`${path}/inventories`, Inventories, { requestId }),
    client.get(`${path}/usages`, Usages, { requestId }),
    client.get(`${path}/traits`, Traits, { requestId }),
  ])
  const capacityOf = (kind: string) => {
    const { total, reserved, allocation_ratio } = inventories[kind] ?? { total: 0, reserved: 0, allocation_ratio: 1 }
    return Math.floor((total - reserved) * allocation_ratio)
  }
  return {
    capacity: resources(capacityOf),
    used: resources((kind) => usages[kind] ?? 0),
    largest: resources((kind) => inventories[kind]?.max_unit ?? 0),
    traits,
    hasDisk: inventories.DISK_GB !== undefined,
  }
}

const resources = (of: (kind: string) => number): Resources => ({
  vcpu: of('VCPU') + of('PCPU'),
  memoryMiB: of('MEMORY_MB'),
  diskGiB: of('DISK_GB'),
})

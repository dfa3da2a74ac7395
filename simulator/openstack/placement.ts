import type { Answer, Request } from './listener.ts'
import { authenticated, isCaller, microversionOf } from './rights.ts'
import type { Amounts, Host, World } from './world.ts'

const maxMinor = 39

/** Placement: who has how much room, and who holds it. */
export const createPlacement = (world: World) => {
  return (request: Request): Answer => {
    // its versions are for everybody
    if (request.path === '/') return { status: 200, body: { versions: [version] } }
    const caller = authenticated(world, request)
    if (!isCaller(caller)) return caller
    const { minor = 0, asked = '1.0' } = microversionOf(request, 'placement') ?? {}
    if (minor > maxMinor)
      return fault(
        406,
        'Not Acceptable',
        `The resource could not be generated that was acceptable to your browser (content of type application/json. \n\n Invalid microversion: Unacceptable version header: ${asked}`,
        { max_version: version.max_version, min_version: version.min_version },
      )
    if (!caller.roles.includes('admin'))
      return fault(
        403,
        'Forbidden',
        'Access was denied to this resource.\n\n Policy does not allow placement:resource_providers:list to be performed.  ',
      )
    return route(world, request)
  }
}

const version = { id: 'v1.0', max_version: `1.${maxMinor}`, min_version: '1.0', status: 'CURRENT', links: [] }

function route(world: World, { path, query }: Request): Answer {
  const known = world.hosts.filter(({ provider }) => provider)
  if (path === '/resource_providers') {
    const name = query.get('name')
    const resource_providers = known
      .filter(({ node }) => name === null || name === node)
      .map(({ id, node }) => ({
        uuid: id,
        name: node,
        generation: 1,
        root_provider_uuid: id,
        parent_provider_uuid: null,
      }))
    return { status: 200, body: { resource_providers } }
  }
  if (path === '/allocation_candidates') return candidatesFor(world, known, query.get('resources') ?? '')
  const [, serverId] = /^\/allocations\/([^/]+)$/.exec(path) ?? []
  if (serverId) return { status: 200, body: { allocations: allocationsOf(world, serverId) } }
  const [, id, below] = /^\/resource_providers\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? []
  const host = known.find((one) => one.id === id)
  if (!host)
    return fault(404, 'Not Found', `The resource could not be found.\n\n No resource provider with uuid ${id} found  `)
  if (below === 'inventories')
    return { status: 200, body: { resource_provider_generation: 1, inventories: inventoriesOf(host) } }
  if (below === 'usages')
    return { status: 200, body: { resource_provider_generation: 1, usages: usagesOf(world, host) } }
  if (below === 'traits') return { status: 200, body: { resource_provider_generation: 1, traits: host.traits ?? [] } }
  return { status: 200, body: { uuid: host.id, name: host.node, generation: 1 } }
}

const kinds = ['VCPU', 'MEMORY_MB', 'DISK_GB'] as const

/** Providers with room for it, with all they have (as from 1.27 on). */
function candidatesFor(world: World, known: readonly Host[], asked: string): Answer {
  const [, kind = '', amount = '0'] = /^([A-Z_]+):(\d+)$/.exec(asked) ?? []
  const fitting = known.flatMap((host) => {
    const usages = usagesOf(world, host)
    const resources = Object.fromEntries(
      kindsOf(host).map((one) => [
        one,
        { capacity: Math.floor((host.size[one] - host.reserved[one]) * host.ratios[one]), used: usages[one] },
      ]),
    )
    const room = resources[kind]
    return room && room.used + Number(amount) <= room.capacity ? [{ host, resources }] : []
  })
  return {
    status: 200,
    body: {
      allocation_requests: fitting.map(({ host }) => ({
        allocations: { [host.id]: { resources: { [kind]: Number(amount) } } },
        mappings: { '': [host.id] },
      })),
      provider_summaries: Object.fromEntries(
        fitting.map(({ host, resources }) => [
          host.id,
          { resources, traits: host.traits ?? [], parent_provider_uuid: null, root_provider_uuid: host.id },
        ]),
      ),
    },
  }
}

const kindsOf = ({ ownDisk }: Host) => kinds.filter((kind) => kind !== 'DISK_GB' || ownDisk !== false)

const inventoriesOf = (host: Host) => {
  const { size, reserved, ratios } = host
  return Object.fromEntries(
    kindsOf(host).map((kind) => [
      kind,
      {
        total: size[kind],
        reserved: reserved[kind],
        min_unit: 1,
        max_unit: size[kind],
        step_size: 1,
        allocation_ratio: ratios[kind],
      },
    ]),
  )
}

function usagesOf({ allocations }: World, { name }: Host): Amounts {
  const sum = (kind: keyof Amounts) =>
    [...allocations.values()].reduce((total, by) => total + (by.get(name)?.[kind] ?? 0), 0)
  return { VCPU: sum('VCPU'), MEMORY_MB: sum('MEMORY_MB'), DISK_GB: sum('DISK_GB') }
}

const allocationsOf = ({ allocations, hosts }: World, serverId: string) =>
  Object.fromEntries(
    [...(allocations.get(serverId) ?? [])].map(([name, resources]) => [
      hosts.find((host) => host.name === name)?.id ?? name,
      { resources, generation: 1 },
    ]),
  )

const fault = (status: number, title: string, detail: string, more: object = {}): Answer => ({
  status,
  body: { errors: [{ status, title, detail, ...more }] },
})

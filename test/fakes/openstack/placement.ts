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
  return { status: 200, body: { uuid: host.id, name: host.node, generation: 1 } }
}

const kinds = ['VCPU', 'MEMORY_MB', 'DISK_GB'] as const

const inventoriesOf = ({ size, reserved, ratios }: Host) =>
  Object.fromEntries(
    kinds.map((kind) => [
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

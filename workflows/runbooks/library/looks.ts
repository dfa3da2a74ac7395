import { z } from 'zod'
import { codeOf, failure } from '../../../core/errors.ts'
import {
  type ComputeService,
  type MigrationFacts,
  migrationsIn,
  read,
  type ServerFacts,
  serverIn,
  serverMicroversion,
  servicesIn,
} from '../../../policies/nova-facts.ts'
import type { Place } from '../../../policies/server-migration.ts'
import type { RunContext } from '../../sdk/context.ts'

/** What runbooks read of servers and hosts, and what they have to declare for it. */
export const lookCalls = {
  server: ['compute GET /servers/{server}'],
  migrations: ['compute GET /os-migrations'],
  services: ['compute GET /os-services'],
  reason: [
    'compute GET /servers/{server}/os-instance-actions',
    'compute GET /servers/{server}/os-instance-actions/{request}',
  ],
  place: [
    'placement GET /allocations/{server}',
    'placement GET /resource_providers/{provider}',
    'network GET /v2.0/ports',
  ],
} as const

type Reads = Pick<RunContext, 'read'>

/** @throws TARGET_MISSING there is no such server */
export async function lookAtServer(run: Reads, serverId: string): Promise<ServerFacts> {
  const server = await findServer(run, serverId)
  if (!server) throw failure('TARGET_MISSING', `there is no server ${serverId}`, { serverId })
  return server
}

/** A server that may have been deleted meanwhile. */
export async function findServer(run: Reads, serverId: string): Promise<ServerFacts | undefined> {
  const { status, body } = await run.read({
    service: 'compute',
    path: `/servers/${serverId}`,
    microversion: serverMicroversion,
  })
  return status === 404 ? undefined : serverIn(body)
}

/** Migrations that fit, newest first. */
export async function findMigrations(
  run: Reads,
  query: Readonly<Partial<Record<'instance_uuid' | 'migration_type' | 'source_compute' | 'status', string>>>,
): Promise<MigrationFacts[]> {
  const asked = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  const { body } = await run.read({
    service: 'compute',
    path: `/os-migrations?${asked.join('&')}`,
    microversion: serverMicroversion,
    list: 'migrations',
  })
  return migrationsIn(body)
}

/** All compute services, or that of one host. */
export async function findServices(run: Reads, host?: string): Promise<ComputeService[]> {
  const { body } = await run.read({
    service: 'compute',
    path: `/os-services?binary=nova-compute${host === undefined ? '' : `&host=${encodeURIComponent(host)}`}`,
    microversion: '2.53',
    list: 'services',
  })
  return servicesIn(body)
}

/** @throws HOST_UNKNOWN */
export async function lookAtHost(run: Reads, host: string): Promise<ComputeService> {
  const found = (await findServices(run, host)).find((service) => service.host === host)
  if (!found) throw failure('HOST_UNKNOWN', `Nova lists no nova-compute on ${host}`, { host })
  return found
}

const Allocations = z.object({ allocations: z.record(z.string(), z.unknown()) })
const Provider = z.object({ name: z.string() })
const Ports = z.object({
  ports: z.array(z.object({ id: z.string(), status: z.string(), 'binding:host_id': z.string().default('') })),
})

/** Where a server is by all that know of it: Nova, Placement and Neutron. */
export async function lookAtPlace(run: Reads, server: ServerFacts): Promise<Place> {
  const placement = { service: 'placement', microversion: '1.20' }
  const { body } = await run.read({ ...placement, path: `/allocations/${server.id}` })
  const holders: string[] = []
  for (const uuid of Object.keys(read(Allocations, body, 'a list of allocations').allocations)) {
    const provider = await run.read({ ...placement, path: `/resource_providers/${uuid}` })
    holders.push(read(Provider, provider.body, 'a resource provider').name)
  }
  const ports = await portsOf(run, server.id)
  return { server, holders, ...(ports && { ports }) }
}

async function portsOf(run: Reads, serverId: string): Promise<Place['ports']> {
  try {
    const { body } = await run.read({ service: 'network', path: `/v2.0/ports?device_id=${serverId}`, list: 'ports' })
    return read(Ports, body, 'a list of ports').ports.map((port) => ({ ...port, host: port['binding:host_id'] }))
  } catch (error) {
    // a cloud may have no Neutron, and then no ports either
    if (codeOf(error) === 'SERVICE_UNKNOWN') return undefined
    throw error
  }
}

const Actions = z.object({
  instanceActions: z.array(z.object({ action: z.string(), request_id: z.string() })),
})
const Events = z.object({
  instanceAction: z.object({
    message: z.string().nullish(),
    events: z.array(z.object({ result: z.string().nullish(), details: z.string().nullish() })).default([]),
  }),
})

/** Nova's own words on why the last action of this name failed; empty when it says nothing, or cannot be asked. */
export async function reasonOf(run: Reads, serverId: string, action: string): Promise<string> {
  try {
    const base = `/servers/${serverId}/os-instance-actions`
    const { body } = await run.read({ service: 'compute', path: base })
    const last = read(Actions, body, 'a list of actions').instanceActions.find((one) => one.action === action)
    if (!last) return ''
    const shown = await run.read({ service: 'compute', path: `${base}/${last.request_id}`, microversion: '2.84' })
    const { events, message } = read(Events, shown.body, 'an action').instanceAction
    const said = events.find(({ result }) => result === 'Error')?.details ?? message
    return said ? `: ${said.slice(0, 300)}` : ''
  } catch (error) {
    // what failed is what is reported, not that nobody could say why
    if (codeOf(error) === undefined) throw error
    return ''
  }
}

/** Somebody else had a hand in it. */
export const changed = ({ id, name }: Pick<ServerFacts, 'id' | 'name'>, how: string) =>
  failure('SERVER_CHANGED', `${name} ${how} meanwhile`, { serverId: id })

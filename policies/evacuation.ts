import { z } from 'zod'
import type { ServiceInCompany } from '../core/activities.ts'
import { massOutage } from './confirm.ts'
import { type ComputeService, read } from './nova-facts.ts'
import { compare } from './placement.ts'

/** What an operator says of the disks of servers, since no API of Nova does. */
export type Storage = 'shared' | 'volumes-only'

const Body = z.object({
  servers: z.array(
    z.object({
      id: z.string(),
      name: z.string().default(''),
      status: z.string(),
      locked: z.boolean().default(false),
      metadata: z.record(z.string(), z.string()).default({}),
      image: z.union([z.literal(''), z.object({ id: z.string() }), z.null()]).optional(),
      flavor: z.object({
        ram: z.number(),
        ephemeral: z.number().default(0),
        swap: z.number().default(0),
        extra_specs: z.record(z.string(), z.string()).default({}),
      }),
      'OS-EXT-STS:vm_state': z.string().default(''),
      'OS-EXT-STS:task_state': z.string().nullish(),
    }),
  ),
})

/** A server on a host that is given up. */
export interface Stranded {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly vmState: string
  readonly taskState: string | null
  readonly locked: boolean
  readonly memoryMiB: number
  /** By metadata `steward:priority`; the higher, the sooner. */
  readonly priority: number
  /** Part of its disks is on the host itself, unless its storage is shared. */
  readonly hasLocalDisk: boolean
  readonly hasTpm: boolean
}

const priorityKey = 'steward:priority'

/** @throws CLOUD_ANSWER_UNREADABLE */
export const strandedIn = (body: unknown): Stranded[] =>
  read(Body, body, 'a list of servers').servers.map((server) => {
    const { image, flavor, metadata } = server
    const wished = Number(metadata[priorityKey] ?? 0)
    return {
      id: server.id,
      name: server.name || server.id,
      status: server.status,
      vmState: server['OS-EXT-STS:vm_state'],
      taskState: server['OS-EXT-STS:task_state'] ?? null,
      locked: server.locked,
      memoryMiB: flavor.ram,
      priority: Number.isFinite(wished) ? wished : 0,
      hasLocalDisk: (image !== '' && image !== null) || flavor.ephemeral > 0 || flavor.swap > 0,
      hasTpm: Object.keys(flavor.extra_specs).some((spec) => /^hw[:_]tpm_version$/.test(spec)),
    }
  })

/** States from which Nova evacuates; others have to be reset to `error` first, which is for a person to decide. */
const evacuable = new Set(['active', 'stopped', 'error'])

export interface Triage {
  /** Most important first. */
  readonly go: readonly Stranded[]
  readonly stay: readonly { readonly id: string; readonly name: string; readonly why: string }[]
  /** In the middle of something that the evacuation cuts off; Neutron and Cinder may keep traces of it. */
  readonly interrupted: readonly string[]
}

/** Sorts the servers of a dead host into those that can be started elsewhere and those that cannot, with the reason. */
export function triage(servers: readonly Stranded[], storage: Storage): Triage {
  const judged = servers.map((server) => ({ server, why: whyStays(server, storage) }))
  const go = judged.flatMap(({ server, why }) => (why === undefined ? [server] : []))
  const rank = (server: Stranded) => ['active', 'stopped', 'error'].indexOf(server.vmState)
  return {
    go: go.sort(
      (a, b) => b.priority - a.priority || rank(a) - rank(b) || b.memoryMiB - a.memoryMiB || compare(a.id, b.id),
    ),
    stay: judged.flatMap(({ server: { id, name }, why }) => (why === undefined ? [] : [{ id, name, why }])),
    interrupted: go.flatMap(({ name, taskState }) => (taskState === null ? [] : [`${name}: ${taskState}`])),
  }
}

function whyStays({ vmState, hasLocalDisk, hasTpm }: Stranded, storage: Storage): string | undefined {
  if (!evacuable.has(vmState)) return `it is ${vmState}, and Nova evacuates only active, stopped and error`
  if (hasTpm) return 'it has a TPM, whose content would be lost'
  if (storage === 'volumes-only' && hasLocalDisk)
    return 'part of its disks is on the host itself and would be made anew from its image'
  return undefined
}

/**
 * Why Nova's own word that a host is down is not to be believed; undefined when it is. `before` is what was seen of the host
 * a while ago: a host that is forced down and still reports is alive.
 */
export function whyNotDown(
  services: readonly ComputeService[],
  host: string,
  before?: ComputeService,
):
  | { readonly code: 'HOST_UNKNOWN' | 'HOST_UNFIT' | 'MASS_OUTAGE' | 'HOST_CAME_BACK'; readonly why: string }
  | undefined {
  const own = services.find((service) => service.host === host)
  if (!own) return { code: 'HOST_UNKNOWN', why: `Nova lists no nova-compute on ${host}` }
  if (own.isUp) return { code: 'HOST_UNFIT', why: `Nova sees nova-compute on ${host} up` }
  if (before && own.reportedAt > before.reportedAt)
    return { code: 'HOST_CAME_BACK', why: `nova-compute on ${host} has reported at ${own.reportedAt}: the host lives` }
  const others = services.filter((service) => service.isEnabled && !service.isForcedDown && service.host !== host)
  const up = others.filter((service) => service.isUp).length
  const company: ServiceInCompany = {
    ...{ host, binary: 'nova-compute', state: 'down', status: 'enabled', forcedDown: false, updatedAt: null },
    company: { up, down: others.length - up + 1 },
  }
  const outage = up === 0 ? 'no other nova-compute is up' : massOutage(company)
  return outage === undefined ? undefined : { code: 'MASS_OUTAGE', why: outage }
}

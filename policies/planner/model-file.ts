import { z } from 'zod'
import { failure } from '../../core/errors.ts'
import type { Resources } from '../../core/plan.ts'
import type { Model, ModelHost, ModelServer } from './model.ts'
import { assertConsistent } from './validate.ts'

const amount = z.number().min(0)
const ratio = z.number().gt(0)

const resources = z.object({ vcpus: amount, mem_mib: amount, disk_gib: amount })

/**
 * A cloud in a file: what `steward plan export` writes and `steward plan simulate` reads. Unknown fields are ignored.
 * The optional ones are ours: programs that know the plain format only can still read the file.
 */
export const ModelFile = z.object({
  format: z.literal('mist-peers-cluster/1'),
  name: z.string().optional(),
  taken_at: z.string().optional().describe('when the cloud was looked at, RFC 3339'),
  notes: z
    .array(z.object({ where: z.string(), says: z.string() }))
    .optional()
    .describe('where sources disagreed, and what was taken for true'),
  hosts: z.array(
    z.object({
      name: z.string().min(1),
      az: z.string(),
      vcpus: z.int().min(1).describe('physical threads'),
      mem_mib: amount,
      disk_gib: amount,
      cpu_allocation_ratio: ratio,
      mem_allocation_ratio: ratio,
      disk_allocation_ratio: ratio,
      capacity: resources.optional().describe('what servers may use in all, in place of size times ratio'),
      max_unit: resources.optional().describe('most that one server may have'),
      enabled: z.boolean().optional().describe('false: takes no servers'),
      pool: z.string().optional().describe('servers move between hosts of the same pool only'),
      cpu_traits: z.array(z.string()).optional().describe('servers move only to hosts that have all of them'),
      traits: z.array(z.string()).optional(),
      power: z.object({ idle_watts: amount, max_watts: amount }).optional(),
      net_mbps: amount.optional(),
      disk_iops: amount.optional(),
    }),
  ),
  instances: z.array(
    z.object({
      id: z.string().min(1),
      host: z.string(),
      vcpus: z.int().min(0),
      mem_mib: amount,
      disk_gib: amount,
      cpu_util_pct: z.number().min(0).max(100).describe('percent of its own vcpus'),
      cpu_util_day_pct: z.number().min(0).max(100).optional().describe('the same when it was busy, over a day'),
      state: z.string(),
      pinned_az: z.string().nullish().describe('zone it must not leave'),
      pinned: z.string().min(1).optional().describe('why it must not be moved'),
      moves_cold: z.boolean().optional().describe('true: it is pinned for being off only, and may be moved cold'),
      required_traits: z.array(z.string()).optional(),
      mem_used_mib: amount.optional(),
      mem_dirty_mib_s: amount.optional().describe('how fast it rewrites its memory'),
      copy_disk_gib: amount.optional().describe('local disk that moves along with it'),
      net_mbps: amount.optional(),
      disk_iops: amount.optional(),
    }),
  ),
  server_groups: z
    .array(
      z.object({
        id: z.string().min(1),
        policy: z
          .enum(['anti-affinity', 'affinity', 'soft-anti-affinity', 'soft-affinity'])
          .describe('soft ones are wishes'),
        members: z.array(z.string()),
      }),
    )
    .default([]),
})

export type ModelFile = z.infer<typeof ModelFile>

/** States of a server that Nova migrates live. */
const movable = new Set(['active', 'paused'])
const powers = new Map([
  ['shutoff', 'off'],
  ['paused', 'paused'],
] as const) as ReadonlyMap<string, 'off' | 'paused'>

/**
 * Reads the content of a model file, strictly: a number in quotes is not a number.
 *
 * @param content parsed JSON
 * @throws INPUT_INVALID naming the fields, or what contradicts itself
 */
export function readModel(content: unknown): Model {
  const parsed = ModelFile.safeParse(content)
  if (!parsed.success) {
    const issues = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'file'}: ${message}`)
    const more = issues.length > 5 ? `; and ${issues.length - 5} more` : ''
    throw failure('INPUT_INVALID', `${issues.slice(0, 5).join('; ')}${more}`, { issues: issues.slice(0, 100) })
  }
  const model: Model = {
    hosts: parsed.data.hosts.map(hostOf),
    servers: parsed.data.instances.map(serverOf),
    groups: parsed.data.server_groups,
  }
  assertConsistent(model)
  return model
}

function hostOf(row: z.infer<typeof ModelFile>['hosts'][number]): ModelHost {
  const { name, az: zone, vcpus: threads, capacity, max_unit: largest, enabled, pool, cpu_traits, traits, power } = row
  const { mem_mib, disk_gib, cpu_allocation_ratio, mem_allocation_ratio, disk_allocation_ratio } = row
  return {
    name,
    zone,
    threads,
    capacity: capacity
      ? resourcesOf(capacity)
      : {
          vcpu: threads * cpu_allocation_ratio,
          memoryMiB: mem_mib * mem_allocation_ratio,
          diskGiB: disk_gib * disk_allocation_ratio,
        },
    ...(enabled === false && { usable: false }),
    ...(largest && { largest: resourcesOf(largest) }),
    ...(power && { power: { idleWatts: power.idle_watts, maxWatts: power.max_watts } }),
    ...given({ pool, cpuTraits: cpu_traits, traits, networkMbps: row.net_mbps, diskIops: row.disk_iops }),
  }
}

function serverOf(row: z.infer<typeof ModelFile>['instances'][number]): ModelServer {
  const { id, host, vcpus, mem_mib, disk_gib, cpu_util_pct, state, pinned_az } = row
  const pinned = row.pinned ?? (movable.has(state.toLowerCase()) ? undefined : `is in state ${state}`)
  const power = powers.get(state.toLowerCase())
  const isFreeWhenCold = power === 'off' && (row.moves_cold ?? row.pinned === undefined)
  return {
    id,
    host,
    uses: { vcpu: vcpus, memoryMiB: mem_mib, diskGiB: disk_gib },
    cpuPercent: vcpus * cpu_util_pct,
    ...(row.cpu_util_day_pct !== undefined && { cpuPercentOfDay: vcpus * row.cpu_util_day_pct }),
    ...(typeof pinned_az === 'string' && { requestedZone: pinned_az }),
    ...(isFreeWhenCold && { isFreeWhenCold }),
    ...given({
      pinned,
      power,
      requiredTraits: row.required_traits,
      memoryUsedMiB: row.mem_used_mib,
      dirtyMiBps: row.mem_dirty_mib_s,
      copiedDiskGiB: row.copy_disk_gib,
      networkMbps: row.net_mbps,
      diskIops: row.disk_iops,
    }),
  }
}

const resourcesOf = ({ vcpus, mem_mib, disk_gib }: z.infer<typeof resources>): Resources => ({
  vcpu: vcpus,
  memoryMiB: mem_mib,
  diskGiB: disk_gib,
})

/** Without the fields that are undefined. */
const given = <T extends object>(fields: T) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }

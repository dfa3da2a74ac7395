import { z } from 'zod'
import { failure } from '../../core/errors.ts'
import type { Model } from './model.ts'
import { assertConsistent } from './validate.ts'

const amount = z.number().min(0)
const ratio = z.number().gt(0)

/** A cloud in a file: what `steward plan simulate` reads. Unknown fields are ignored. */
export const ModelFile = z.object({
  format: z.literal('mist-peers-cluster/1'),
  name: z.string().optional(),
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
      state: z.string(),
      pinned_az: z.string().nullish().describe('zone it must not leave'),
    }),
  ),
  server_groups: z
    .array(
      z.object({
        id: z.string().min(1),
        policy: z
          .enum(['anti-affinity', 'affinity', 'soft-anti-affinity', 'soft-affinity'])
          .describe('soft ones are wishes: no plan looks at them'),
        members: z.array(z.string()),
      }),
    )
    .default([]),
})

/** States of a server that Nova migrates live. */
const movable = new Set(['active', 'paused'])

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
  const { hosts, instances, server_groups: groups } = parsed.data
  const model: Model = {
    hosts: hosts.map((host) => ({
      name: host.name,
      zone: host.az,
      threads: host.vcpus,
      capacity: {
        vcpu: host.vcpus * host.cpu_allocation_ratio,
        memoryMiB: host.mem_mib * host.mem_allocation_ratio,
        diskGiB: host.disk_gib * host.disk_allocation_ratio,
      },
    })),
    servers: instances.map(({ id, host, vcpus, mem_mib, disk_gib, cpu_util_pct, state, pinned_az }) => ({
      id,
      host,
      uses: { vcpu: vcpus, memoryMiB: mem_mib, diskGiB: disk_gib },
      cpuPercent: vcpus * cpu_util_pct,
      ...(typeof pinned_az === 'string' && { requestedZone: pinned_az }),
      ...(!movable.has(state.toLowerCase()) && { pinned: `is in state ${state}` }),
    })),
    groups: groups.flatMap(({ id, policy, members }) =>
      policy === 'anti-affinity' || policy === 'affinity' ? [{ id, policy, members }] : [],
    ),
  }
  assertConsistent(model)
  return model
}

import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import type { Model, ModelHost, ModelServer, PlanOptions, ServerGroup } from '../../../policies/planner/model.ts'
import { readModel } from '../../../policies/planner/model-file.ts'

export const host = (name: string, more: Partial<ModelHost> = {}): ModelHost => ({
  name,
  zone: 'az1',
  threads: 8,
  capacity: { vcpu: 16, memoryMiB: 16, diskGiB: 100 },
  ...more,
})

/** Busy by a tenth, so that real CPU is in nobody's way. */
export const server = (id: string, on: string, vcpu: number, more: Partial<ModelServer> = {}): ModelServer => ({
  id,
  host: on,
  uses: { vcpu, memoryMiB: 1, diskGiB: 1 },
  cpuPercent: vcpu * 10,
  ...more,
})

export const cloud = (hosts: ModelHost[], servers: ModelServer[], groups: ServerGroup[] = []): Model => ({
  hosts,
  servers,
  groups,
})

export const apart = (id: string, ...members: string[]): ServerGroup => ({ id, policy: 'anti-affinity', members })

export const modelPath = (name: string) => `bench/planner/models/${name}.json`
export const measuredModel = (name: string) => readModel(JSON.parse(readFileSync(modelPath(name), 'utf8')))

const policies: Readonly<Record<string, ServerGroup['policy']>> = {
  together: 'affinity',
  'rather-apart': 'soft-anti-affinity',
}

/** Mostly the first, so that plans of many moves are common. */
const mostly = <T>(usual: T, ...others: T[]) =>
  fc.oneof({ weight: 7, arbitrary: fc.constant(usual) }, fc.constantFrom(...others))

/** Small clouds that keep all rules at the start: zones, groups, pinned servers, hot and unusable hosts. */
export const clouds = (most: { hosts: number; servers: number }) =>
  fc
    .record({
      hosts: fc.array(
        fc.record({
          zone: fc.constantFrom('az1', 'az1', 'az2'),
          threads: fc.integer({ min: 2, max: 8 }),
          vcpu: fc.integer({ min: 8, max: 16 }),
          memoryMiB: fc.integer({ min: 8, max: 16 }),
          usable: mostly(true, false),
          pool: mostly<string | undefined>(undefined, 'ssd'),
          cpuTraits: mostly<string[] | undefined>(undefined, ['HW_CPU_A'], ['HW_CPU_A', 'HW_CPU_B']),
          largest: mostly<number | undefined>(undefined, 2),
        }),
        { minLength: 1, maxLength: most.hosts },
      ),
      servers: fc.array(
        fc.record({
          on: fc.nat(),
          vcpu: fc.constantFrom(1, 1, 2, 2, 4, 8),
          memoryMiB: fc.integer({ min: 0, max: 6 }),
          percent: fc.integer({ min: 0, max: 60 }),
          pinned: mostly<string | undefined>(undefined, 'locked by its owner'),
          staysInZone: mostly(false, true),
          group: mostly<string | undefined>(undefined, 'apart-1', 'apart-2', 'together', 'rather-apart'),
        }),
        { maxLength: most.servers },
      ),
    })
    .map(({ hosts: drawn, servers: wanted }): Model => {
      const hosts = drawn.map(({ vcpu, memoryMiB, pool, cpuTraits, largest, ...rest }, i) =>
        host(`h${i}`, {
          ...rest,
          capacity: { vcpu, memoryMiB, diskGiB: 100 },
          ...(pool && { pool }),
          ...(cpuTraits && { cpuTraits }),
          ...(largest && { largest: { vcpu: largest, memoryMiB: 16, diskGiB: 100 } }),
        }),
      )
      const left = drawn.map(({ vcpu, memoryMiB }) => ({ vcpu, memoryMiB }))
      const members = new Map<string, string[]>()
      const placed = new Map<string, number>()
      const servers = wanted.flatMap(({ on, vcpu, memoryMiB, percent, pinned, staysInZone, group }, i) => {
        const at = on % hosts.length
        const room = left[at]!
        if (room.vcpu < vcpu || room.memoryMiB < memoryMiB) return []
        room.vcpu -= vcpu
        room.memoryMiB -= memoryMiB
        const id = `s${String(i).padStart(2, '0')}`
        const own = group === undefined ? undefined : (members.get(group) ?? [])
        const keepsRule =
          group === 'rather-apart' ||
          (group === 'together'
            ? own?.every((member) => placed.get(member) === at)
            : own?.every((member) => placed.get(member) !== at))
        if (group !== undefined && own && keepsRule) members.set(group, [...own, id])
        placed.set(id, at)
        return [
          server(id, hosts[at]!.name, vcpu, {
            uses: { vcpu, memoryMiB, diskGiB: 1 },
            cpuPercent: vcpu * percent,
            ...(pinned && { pinned }),
            ...(staysInZone && { requestedZone: hosts[at]!.zone }),
          }),
        ]
      })
      const groups = [...members].map(
        ([id, ids]): ServerGroup => ({ id, policy: policies[id] ?? 'anti-affinity', members: ids }),
      )
      return { hosts, servers, groups }
    })

export const limits: fc.Arbitrary<PlanOptions> = fc.record(
  {
    maxMoves: fc.integer({ min: 0, max: 8 }),
    maxHosts: fc.integer({ min: 0, max: 4 }),
    maxCpuPercent: fc.constantFrom(60, 80, 95),
    outgoingPerHost: fc.constantFrom(1, 2, 5),
  },
  { requiredKeys: [] },
)

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { codeOf } from '../../../core/errors.ts'
import { readModel } from '../../../policies/planner/model-file.ts'
import { modelPath } from './clouds.ts'

type Fields = Record<string, unknown>
const hostRow: Fields = {
  name: 'a',
  type: 'A',
  vcpus: 8,
  mem_mib: 1024,
  disk_gib: 10,
  cpu_allocation_ratio: 2,
  mem_allocation_ratio: 1.5,
  disk_allocation_ratio: 1,
  az: 'az1',
}
const instance: Fields = {
  id: '1',
  host: 'a',
  flavor: 's',
  vcpus: 2,
  mem_mib: 512,
  disk_gib: 1,
  cpu_util_pct: 25,
  mem_used_mib: 100,
  state: 'active',
}
const file = (host: Fields = {}, server: Fields = {}, more: Fields = {}) => ({
  format: 'mist-peers-cluster/1',
  hosts: [{ ...hostRow, ...host }],
  instances: [{ ...instance, ...server }],
  server_groups: [],
  ...more,
})

function refusal(content: unknown): string {
  try {
    readModel(content)
  } catch (error) {
    expect(codeOf(error)).toBe('INPUT_INVALID')
    return (error as Error).message
  }
  throw new Error('accepted')
}

describe('a model file', () => {
  it('is read with its ratios and loads', () => {
    const { hosts, servers } = readModel(file({}, { pinned_az: 'az1' }))
    expect(hosts).toEqual([
      { name: 'a', zone: 'az1', threads: 8, capacity: { vcpu: 16, memoryMiB: 1536, diskGiB: 10 } },
    ])
    expect(servers).toEqual([
      {
        id: '1',
        host: 'a',
        uses: { vcpu: 2, memoryMiB: 512, diskGiB: 1 },
        cpuPercent: 50,
        memoryUsedMiB: 100,
        requestedZone: 'az1',
      },
    ])
  })

  it('pins servers that are not active, and keeps soft groups as wishes', () => {
    const groups = [{ id: 'g', policy: 'soft-anti-affinity', members: ['1'] }]
    const { servers, groups: kept } = readModel(file({}, { state: 'error' }, { server_groups: groups }))
    expect(servers[0]?.pinned).toBe('is in state error')
    expect(readModel(file({}, { state: 'PAUSED' })).servers[0]?.pinned).toBeUndefined()
    expect(kept).toEqual(groups)
  })

  it('says more of hosts and servers where the file does', () => {
    const more = {
      capacity: { vcpus: 10, mem_mib: 900, disk_gib: 5 },
      max_unit: { vcpus: 4, mem_mib: 600, disk_gib: 5 },
      enabled: false,
      pool: 'ssd',
      cpu_traits: ['HW_CPU_X86_AVX2'],
      traits: ['CUSTOM_FAST'],
      power: { idle_watts: 100, max_watts: 300 },
      net_mbps: 10_000,
      disk_iops: 5000,
    }
    const server = {
      pinned: 'locked',
      required_traits: ['CUSTOM_FAST'],
      mem_dirty_mib_s: 20,
      copy_disk_gib: 1,
      net_mbps: 7,
      disk_iops: 9,
      cpu_util_day_pct: 80,
    }
    const { hosts, servers } = readModel(file(more, server))
    expect(hosts[0]).toEqual({
      name: 'a',
      zone: 'az1',
      threads: 8,
      capacity: { vcpu: 10, memoryMiB: 900, diskGiB: 5 },
      largest: { vcpu: 4, memoryMiB: 600, diskGiB: 5 },
      usable: false,
      pool: 'ssd',
      cpuTraits: ['HW_CPU_X86_AVX2'],
      traits: ['CUSTOM_FAST'],
      power: { idleWatts: 100, maxWatts: 300 },
      networkMbps: 10_000,
      diskIops: 5000,
    })
    expect(servers[0]).toMatchObject({
      cpuPercentOfDay: 160,
      pinned: 'locked',
      requiredTraits: ['CUSTOM_FAST'],
      memoryUsedMiB: 100,
      dirtyMiBps: 20,
      copiedDiskGiB: 1,
      networkMbps: 7,
      diskIops: 9,
    })
  })

  it.each(['c10x80', 'c50x500', 'c50x500-groups'])('of the bench is sound: %s', (name) => {
    const content = JSON.parse(readFileSync(modelPath(name), 'utf8'))
    expect(readModel(content).servers).toHaveLength(content.instances.length)
  })

  it.each<[string, unknown, string]>([
    ['not an object', [], 'file: '],
    ['another format', file({}, {}, { format: 'x/1' }), 'format: '],
    ['no hosts', { ...file(), hosts: undefined }, 'hosts: '],
    ['a number in quotes', file({ vcpus: '8' }), 'hosts.0.vcpus: '],
    ['a number in quotes of a server', file({}, { mem_mib: '512' }), 'instances.0.mem_mib: '],
    ['half a vCPU', file({}, { vcpus: 1.5 }), 'instances.0.vcpus: '],
    ['a negative amount', file({}, { disk_gib: -1 }), 'instances.0.disk_gib: '],
    ['a day above 100 %', file({}, { cpu_util_day_pct: 101 }), 'instances.0.cpu_util_day_pct: '],
    ['CPU above 100 %', file({}, { cpu_util_pct: 101 }), 'instances.0.cpu_util_pct: '],
    [
      'an unknown policy',
      file({}, {}, { server_groups: [{ id: 'g', policy: 'near', members: [] }] }),
      'server_groups.0.policy: ',
    ],
    ['an unknown host', file({}, { host: 'b' }), 'server 1 is on host b, which is not in the model'],
    ['negative free vCPUs', file({}, { vcpus: 17 }), 'host a has negative free vcpu: its servers use 17 of 16'],
    ['negative free memory', file({}, { mem_mib: 1537 }), 'host a has negative free memoryMiB'],
    ['a zone without hosts', file({}, { pinned_az: 'az9' }), 'server 1 has to stay in zone az9, where no host is'],
    ['a host twice', file({}, {}, { hosts: [hostRow, hostRow] }), 'host a is listed twice'],
    ['a server twice', file({}, {}, { instances: [instance, instance] }), 'server 1 is listed twice'],
    [
      'an unknown member',
      file({}, {}, { server_groups: [{ id: 'g', policy: 'affinity', members: ['2'] }] }),
      'group g has member 2',
    ],
    [
      'a member twice',
      file({}, {}, { server_groups: [{ id: 'g', policy: 'anti-affinity', members: ['1', '1'] }] }),
      'group g lists member 1 twice',
    ],
  ])('is refused, naming what is wrong: %s', (_, content, expected) => {
    expect(refusal(content)).toContain(expected)
  })
})

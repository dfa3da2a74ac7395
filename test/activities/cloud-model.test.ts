import { describe, expect, it } from 'vitest'
import { type CloudModelOptions, readCloudModel } from '../../activities/cloud-model.ts'
import { codeOf, detailsOf } from '../../core/errors.ts'
import { readModel } from '../../policies/planner/model-file.ts'
import { planGoal } from '../../policies/planner/plan-goal.ts'
import type { Flavor, Host } from '../../simulator/openstack/world.ts'
import { flavors } from '../../simulator/openstack/world.ts'
import { rejection } from '../openstack/server.ts'
import { type RigOptions, setUp } from './rig.ts'

async function exporting(options: RigOptions = {}) {
  const rig = await setUp(options)
  const requestId = rig.requestId
  const take = async (more: Partial<CloudModelOptions> = {}) =>
    readCloudModel(await rig.sessions.forRemediation(), { requestId, ...more })
  const hostNamed = async (name: string) => (await take()).hosts.find((host) => host.name === name)
  return { ...rig, take, hostNamed }
}
const withSpecs = (extraSpecs: Record<string, string>): Flavor => ({ ...flavors[2]!, extraSpecs })

describe('the model of a live cloud', () => {
  it('can be planned with as it is', async () => {
    const { cloud, take } = await exporting()
    for (const host of ['compute1', 'compute2', 'compute3']) cloud.addServer({ host })
    const file = await take({ name: 'test' })
    expect(file).toMatchObject({ format: 'mist-peers-cluster/1', name: 'test', taken_at: expect.any(String) })
    const plan = planGoal(readModel(JSON.parse(JSON.stringify(file))), 'consolidate')
    expect(plan).toMatchObject({ hostsBefore: 3, hostsAfter: 1 })
  })

  it('has sizes, effective ratios and what is left of them', async () => {
    const { cloud, hostNamed } = await exporting()
    Object.assign(cloud.host('compute1'), {
      reserved: { VCPU: 1, MEMORY_MB: 512, DISK_GB: 0 },
      ratios: { VCPU: 4, MEMORY_MB: 1.5, DISK_GB: 1 },
    })
    expect(await hostNamed('compute1')).toMatchObject({
      az: 'nova',
      vcpus: 8,
      cpu_allocation_ratio: 3.5,
      capacity: { vcpus: 28, mem_mib: 11_520, disk_gib: 100 },
      max_unit: { vcpus: 8, mem_mib: 8192, disk_gib: 100 },
    })
  })

  it('has what hosts draw where somebody has said it', async () => {
    const { hosts } = await (await exporting()).take({ watts: new Map([['compute1', { idle: 90, max: 300 }]]) })
    expect(hosts.map(({ power }) => power)).toEqual([{ idle_watts: 90, max_watts: 300 }, undefined, undefined])
  })

  it('takes what others hold off the room of a host, and says so', async () => {
    const { cloud, take } = await exporting()
    cloud.addServer({ host: 'compute1' })
    cloud.world.allocations.set('a stranger', new Map([['compute1', { VCPU: 3, MEMORY_MB: 0, DISK_GB: 9 }]]))
    const { hosts, notes } = await take()
    expect(hosts[0]?.capacity).toEqual({ vcpus: 5, mem_mib: 8192, disk_gib: 91 })
    expect(notes).toContainEqual({
      where: 'compute1',
      says: '3 vcpu are given to others than its servers: taken off its room',
    })
  })

  it("counts with Nova's figure where Placement counts less, and says so", async () => {
    const { cloud, take } = await exporting()
    const { id } = cloud.addServer({ host: 'compute1' })
    cloud.world.allocations.delete(id)
    const { instances, notes } = await take()
    expect(instances[0]).toMatchObject({ vcpus: 2, mem_mib: 1024 })
    expect(notes).toContainEqual({
      where: 'compute1',
      says: "Placement counts 0 vcpu in use, Nova's servers have 2: Nova's figure counts",
    })
  })

  it('lets an overfull host receive nothing, and it can still be drained', async () => {
    const { cloud, take } = await exporting()
    cloud.addServer({ host: 'compute2', flavor: flavors[3]! })
    Object.assign(cloud.host('compute2'), { ratios: { VCPU: 0.5, MEMORY_MB: 1, DISK_GB: 1 } })
    const file = await take()
    expect(file.hosts[1]).toMatchObject({ name: 'compute2', enabled: false, capacity: { vcpus: 4 } })
    expect(file.notes).toContainEqual({ where: 'compute2', says: 'has 4 vcpu given away of 2: takes no servers' })
    expect(planGoal(readModel(file), 'drain', { drain: ['compute2'] }).released).toEqual(['compute2'])
  })

  it('counts no root disk for a server on a volume, and none at all where disks are shared', async () => {
    const { cloud, take } = await exporting()
    const onVolume = cloud.addServer({ host: 'compute1', onVolume: true })
    Object.assign(cloud.host('compute3'), { ownDisk: false })
    const shared = cloud.addServer({ host: 'compute3' })
    const { hosts, instances } = await take()
    for (const { id } of [onVolume, shared]) {
      const row = instances.find((one) => one.id === id)
      expect(row).toMatchObject({ disk_gib: 0 })
      expect(row).not.toHaveProperty('copy_disk_gib')
    }
    expect(hosts.map(({ pool }) => pool)).toEqual([
      'QEMU, x86_64, own disks',
      'QEMU, x86_64, own disks',
      'QEMU, x86_64, shared disks',
    ])
  })

  it.each<[string, object, string]>([
    ['metadata for plans', { metadata: { 'steward:optimise': 'never' } }, 'its owner opted out (metadata steward:opt'],
    ['metadata for all', { metadata: { 'steward:pinned': '' } }, 'its owner opted out (metadata steward:pinned)'],
    ['a tag', { tags: ['steward:optimise=never'] }, 'its owner opted out (tag steward:optimise=never)'],
    ['a lock', { locked: true }, 'locked'],
    ['a task in flight', { taskState: 'resize_prep' }, 'busy: resize_prep'],
    ['being stopped', { status: 'SHUTOFF' }, 'its status is SHUTOFF'],
    [
      'NUMA',
      { flavor: withSpecs({ 'hw:numa_nodes': '2' }) },
      'bound to its host by NUMA nodes (flavor: hw:numa_nodes=2)',
    ],
    ['huge pages', { flavor: withSpecs({ 'hw:mem_page_size': '1GB' }) }, 'bound to its host by huge pages'],
    ['dedicated CPUs', { flavor: withSpecs({ 'hw:cpu_policy': 'dedicated' }) }, 'bound to its host by dedicated CPUs'],
    ['PCI devices', { flavor: withSpecs({ 'pci_passthrough:alias': 'a1:2' }) }, 'bound to its host by PCI devices'],
    ['a virtual GPU', { flavor: withSpecs({ 'resources:VGPU': '1' }) }, 'bound to its host by resources of its own'],
    ['its image', { imageProperties: { hw_mem_page_size: 'large' } }, 'bound to its host by huge pages (image: '],
    [
      'a forbidden trait',
      { flavor: withSpecs({ 'trait:CUSTOM_X': 'forbidden' }) },
      'forbids a trait (flavor: trait:CUST',
    ],
    [
      'a scheduler hint',
      { schedulerHints: { different_host: ['x'] } },
      'was placed with the scheduler hint different_host',
    ],
  ])('leaves a server where it is because of %s, with the reason', async (_what, state, reason) => {
    const { cloud, take } = await exporting()
    cloud.addServer({ host: 'compute1', ...state })
    const file = await take()
    expect(file.instances[0]?.pinned).toContain(reason)
    expect(planGoal(readModel(file), 'consolidate').moves).toEqual([])
  })

  it('says of a server that is off whether anything else keeps it from being moved cold', async () => {
    const { cloud, take } = await exporting()
    const states = [{ status: 'SHUTOFF' }, { status: 'SHUTOFF', locked: true }, { status: 'SHELVED' }, {}]
    const ids = states.map((state) => cloud.addServer({ host: 'compute1', ...state }).id)
    const { instances } = await take()
    const byId = new Map(instances.map((one) => [one.id, one]))
    expect(ids.map((id) => byId.get(id)?.moves_cold)).toEqual([true, undefined, undefined, undefined])
    expect(byId.get(ids[0]!)?.pinned).toBe('its status is SHUTOFF')
  })

  it.each([
    ['small pages', { 'hw:mem_page_size': 'small' }],
    ['shared CPUs', { 'hw:cpu_policy': 'shared', 'quota:cpu_shares': '10' }],
  ])('does not pin a server for %s', async (_what, specs) => {
    const { cloud, take } = await exporting()
    cloud.addServer({ host: 'compute1', flavor: withSpecs(specs), metadata: { 'steward:optimise': 'gladly' } })
    expect((await take()).instances[0]).not.toHaveProperty('pinned')
  })

  it('moves servers only to hosts with their traits, CPU features and aggregates', async () => {
    const { cloud, take } = await exporting()
    const traits: Record<string, string[]> = {
      compute1: ['HW_CPU_X86_AVX2', 'COMPUTE_NODE'],
      compute2: ['HW_CPU_X86_AVX2', 'CUSTOM_FAST'],
      compute3: ['HW_CPU_X86_SSE', 'CUSTOM_FAST'],
    }
    for (const host of cloud.world.hosts) Object.assign(host, { traits: traits[host.name] })
    cloud.world.aggregates.push(
      { name: 'az', hosts: ['compute1'], metadata: { availability_zone: 'nova' } },
      { name: 'ssd', hosts: ['compute1', 'compute2'], metadata: { ssd: 'true' } },
    )
    const { id } = cloud.addServer({ host: 'compute1', flavor: withSpecs({ 'trait:CUSTOM_FAST': 'required' }) })
    const file = await take()
    expect(file.hosts.map(({ cpu_traits, traits, pool }) => [cpu_traits, traits, pool])).toEqual([
      [['HW_CPU_X86_AVX2'], undefined, 'QEMU, x86_64, own disks, aggregate ssd'],
      [['HW_CPU_X86_AVX2'], ['CUSTOM_FAST'], 'QEMU, x86_64, own disks, aggregate ssd'],
      [['HW_CPU_X86_SSE'], ['CUSTOM_FAST'], 'QEMU, x86_64, own disks'],
    ])
    const { moves } = planGoal(readModel(file), 'drain', { drain: ['compute1'] })
    expect(moves.map(({ serverId, to }) => [serverId, to])).toEqual([[id, 'compute2']])
  })

  it('knows all server groups, however many pages they fill, and soft ones', async () => {
    const { cloud, take } = await exporting()
    cloud.world.pageSize = 2
    const ids = Array.from({ length: 5 }, (_, i) => {
      const { id } = cloud.addServer({ host: 'compute3' })
      cloud.world.groups.push({ id: `g${i}`, name: 'x', policy: 'soft-affinity', members: [id, 'deleted long ago'] })
      return id
    })
    const groups = (await take()).server_groups
    expect(groups).toHaveLength(5)
    expect(groups[4]).toEqual({ id: 'g4', policy: 'soft-affinity', members: [ids[4]] })
  })

  it('says which zones and hosts do not take servers', async () => {
    const { cloud, take } = await exporting()
    cloud.addServer({ host: 'compute1', zone: 'nova' })
    cloud.service('nova-compute', 'compute3').status = 'disabled'
    const { hosts, instances } = await take()
    expect(instances[0]?.pinned_az).toBe('nova')
    expect(hosts.map(({ enabled }) => enabled)).toEqual([undefined, undefined, false])
  })

  it('keeps servers in their zone, and says what it cannot see, where Nova is old', async () => {
    const { cloud, take } = await exporting()
    cloud.world.novaMinor = 90
    cloud.addServer({ host: 'compute1' })
    const { instances, notes } = await take()
    expect(instances[0]?.pinned_az).toBe('nova')
    const says = (what: string) => `is too old to show ${what}, so plans cannot honour them`
    for (const what of ['pinned zones', 'image properties', 'scheduler hints'])
      expect(notes).toContainEqual({ where: 'Nova', says: says(what) })
  })

  it('leaves bare metal out', async () => {
    const { cloud, take } = await exporting()
    Object.assign(cloud.host('compute2'), { hypervisorType: 'ironic', provider: false })
    cloud.addServer({ host: 'compute2' })
    const { hosts, instances } = await take()
    expect([hosts.map(({ name }) => name), instances]).toEqual([['compute1', 'compute3'], []])
  })

  it('adds what was measured', async () => {
    const { cloud, take } = await exporting()
    const { id } = cloud.addServer({ host: 'compute1' })
    const usage = new Map([[id, { cpuPercentOfOwn: 120, memoryUsedMiB: 700, dirtyMiBps: 12 }]])
    const { instances, notes } = await take({ usage })
    expect(instances[0]).toMatchObject({ cpu_util_pct: 100, mem_used_mib: 700, mem_dirty_mib_s: 12 })
    expect(notes).toEqual([])
    expect((await take()).notes).toEqual([
      { where: 'usage', says: 'was not measured: plans see what is given away and not real use' },
    ])
  })
})

describe('the model of a live cloud is not made', () => {
  const cases: [string, (rig: Awaited<ReturnType<typeof exporting>>) => void, string][] = [
    [
      'Placement misses a host',
      ({ cloud }) => void Object.assign(cloud.host('compute2'), { provider: false }),
      'compute2: Placement has no resource provider compute2',
    ],
    [
      'a server is on an unknown host',
      ({ cloud }) => void cloud.addServer({ host: 'gone' }),
      'is on gone, which has no compute service',
    ],
    [
      'a cell is down',
      ({ cloud }) => void cloud.addServer({ host: 'compute1', cellDown: true }),
      'Nova cannot reach the cell of server',
    ],
    [
      'Nova hides extra specs',
      ({ cloud }) => {
        cloud.addServer({ host: 'compute1' })
        const flavor = { vcpus: 1, ram: 1, disk: 1 }
        const server = { id: 's1', status: 'ACTIVE', flavor, 'OS-EXT-SRV-ATTR:host': 'compute1' }
        cloud.fail({ path: /servers\/detail/ }, { status: 200, body: { servers: [server] } })
      },
      's1: Nova does not show the extra specs of its flavor',
    ],
    [
      'a server is listed twice',
      ({ cloud }) => {
        const flavor = { vcpus: 1, ram: 1, disk: 1, extra_specs: {} }
        const server = { id: 's1', status: 'ACTIVE', flavor, 'OS-EXT-SRV-ATTR:host': 'compute1' }
        cloud.fail({ path: /servers\/detail/ }, { status: 200, body: { servers: [server, server] } })
      },
      's1: is listed twice',
    ],
    [
      'a group has a policy of a later Nova',
      ({ cloud }) => void cloud.world.groups.push({ id: 'g', name: 'x', policy: 'spread', members: [] }),
      'unknown policy spread',
    ],
  ]
  it.each(cases)('when %s', async (_why, hurt, message) => {
    const rig = await exporting()
    hurt(rig)
    const error = await rejection(rig.take())
    expect(codeOf(error)).toBe('SNAPSHOT_INCOMPLETE')
    expect(error.message).toContain(message)
    expect(Object.keys(detailsOf(error)).length).toBeGreaterThan(0)
  })

  it('when taking it took too long', async () => {
    const { take } = await exporting()
    let ms = 0
    const error = await rejection(take({ now: () => (ms += 61_000), maxTakingMs: 60_000 }))
    expect(error.message).toBe('the picture took 61 s and shows no one moment')
  })

  it('when one of the services is away', async () => {
    const { cloud, take } = await exporting()
    await cloud.placement.stop()
    expect(codeOf(await rejection(take()))).toBe('CLOUD_UNREACHABLE')
  })
})

describe('the picture of a thousand hosts', () => {
  it('is taken in few calls, all of them reads with the id of the run', async () => {
    const { cloud, take, requestId } = await exporting({ timeoutMs: 30_000 })
    const { world } = cloud
    const like = world.hosts[0] as Host
    for (let i = 4; i <= 1000; i++) {
      world.hosts.push({ ...like, id: `0000-${i}`, name: `host-${i}`, node: `host-${i}` })
      const service = cloud.service('nova-compute', 'compute1')
      world.services.push({ ...service, host: `host-${i}`, id: `service-${i}` })
    }
    for (let i = 0; i < 3000; i++) cloud.addServer({ host: `host-${4 + (i % 997)}`, flavor: flavors[0]! })
    // five of them are full: neither a vCPU nor a MiB is left
    const full = { VCPU: 8, MEMORY_MB: 8192, DISK_GB: 0 }
    for (const i of [1, 2, 3, 4, 5]) world.allocations.set(`full-${i}`, new Map([[`host-${i + 500}`, full]]))
    for (const i of [1, 2, 3, 4, 5])
      for (const server of world.servers.filter(({ host }) => host === `host-${i + 500}`))
        world.allocations.delete(server.id)
    // and these have memory left, but no vCPU
    for (const i of [1, 2, 3]) {
      const host = world.hosts.find(({ name }) => name === `host-${i + 600}`)
      Object.assign(host as Host, { reserved: { VCPU: 5, MEMORY_MB: 0, DISK_GB: 0 } })
      cloud.addServer({ host: `host-${i + 600}`, flavor: flavors[2]! })
      const held = { VCPU: 3 - world.servers.filter((s) => s.host === host?.name).length, MEMORY_MB: 0, DISK_GB: 0 }
      world.allocations.set(`rest-${i}`, new Map([[`host-${i + 600}`, held]]))
    }
    const before = cloud.received.length
    const { hosts, instances } = await take()
    expect([hosts.length, instances.length]).toEqual([1000, 3003])
    const asked = cloud.received.slice(before).filter(({ service }) => service !== 'identity')
    expect(asked.filter(({ path }) => path.startsWith('/resource_providers/'))).toHaveLength(15)
    expect(asked.length).toBeLessThanOrEqual(30)
    expect(new Set(asked.map(({ method }) => method))).toEqual(new Set(['GET']))
    expect(new Set(asked.map(({ headers }) => headers['x-openstack-request-id']))).toEqual(new Set([requestId]))
  }, 60_000)
})

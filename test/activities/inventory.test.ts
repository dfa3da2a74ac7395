import { describe, expect, it } from 'vitest'
import { takeSnapshot } from '../../activities/inventory.ts'
import { createMigrationActivities } from '../../activities/migration.ts'
import { codeOf, detailsOf } from '../../core/errors.ts'
import { flavors } from '../../simulator/openstack/world.ts'
import { rejection } from '../openstack/server.ts'
import { passing, released, setUp } from './rig.ts'

async function picturing() {
  const rig = await setUp()
  const take = () => rig.run(async () => takeSnapshot(await rig.sessions.forRemediation()))
  const hostNamed = async (name: string) => (await take()).hosts.find((host) => host.name === name)
  return { ...rig, take, hostNamed }
}

describe('a snapshot', () => {
  it('has all servers of all projects, however many pages they fill', async () => {
    const { cloud, take } = await picturing()
    cloud.world.pageSize = 2
    const ids = Array.from({ length: 7 }, () => cloud.addServer({ host: 'compute3' }).id)
    ids.push(cloud.addServer({ host: 'compute1', projectId: cloud.project('demo2').id }).id)
    const { servers } = await take()
    expect(servers.map(({ id }) => id)).toEqual(ids)
    expect(cloud.received.filter(({ path }) => path.endsWith('/servers/detail'))).toHaveLength(5)
  })

  it('says what a server uses and where it is', async () => {
    const { cloud, take } = await picturing()
    const { id, name } = cloud.addServer({ host: 'compute2', flavor: flavors[3]! })
    const uses = { vcpu: 4, memoryMiB: 2048, diskGiB: 4 }
    expect((await take()).servers).toEqual([{ id, name, host: 'compute2', uses }])
  })

  it('leaves out servers that are on no host yet', async () => {
    const { cloud, take } = await picturing()
    cloud.addServer({ host: 'compute1' }).host = null
    expect((await take()).servers).toEqual([])
  })

  it.each<[string, object, string]>([
    ['its owner opted out', { metadata: { 'steward:pinned': '' } }, 'its owner opted out (metadata steward:pinned)'],
    ['it is locked', { locked: true }, 'locked'],
    ['it is busy', { taskState: 'migrating', status: 'MIGRATING' }, 'busy: migrating'],
    ['it is stopped', { status: 'SHUTOFF', vmState: 'stopped' }, 'its status is SHUTOFF'],
    ['it is broken', { status: 'ERROR', vmState: 'error' }, 'its status is ERROR'],
  ])('pins a server because %s', async (_why, state, pinned) => {
    const { cloud, take } = await picturing()
    cloud.addServer({ host: 'compute1', ...state })
    expect((await take()).servers[0]?.pinned).toBe(pinned)
  })

  it.each(['ACTIVE', 'PAUSED'])('does not pin a server that is %s', async (status) => {
    const { cloud, take } = await picturing()
    cloud.addServer({ host: 'compute1', status, metadata: { other: 'x' } })
    expect((await take()).servers[0]).not.toHaveProperty('pinned')
  })

  it('knows the groups that bind, and the zone an owner asked for', async () => {
    const { cloud, take } = await picturing()
    const [apart, soft, zoned] = [1, 2, 3].map(() => cloud.addServer({ host: 'compute1' }))
    zoned!.zone = 'nova'
    cloud.world.groups.push(
      { id: 'g1', name: 'web', policy: 'anti-affinity', members: [apart!.id] },
      { id: 'g2', name: 'db', policy: 'soft-anti-affinity', members: [soft!.id] },
    )
    const { servers } = await take()
    expect(servers.map(({ group, requestedZone }) => ({ group, requestedZone }))).toEqual([
      { group: { id: 'g1', policy: 'anti-affinity' }, requestedZone: undefined },
      { group: undefined, requestedZone: undefined },
      { group: undefined, requestedZone: 'nova' },
    ])
  })

  it('knows all of those groups, however many pages they fill', async () => {
    const { cloud, take } = await picturing()
    cloud.world.pageSize = 2
    const policy = 'anti-affinity'
    for (let n = 0; n < 5; n++)
      cloud.world.groups.push({ id: `g${n}`, name: 'x', policy, members: [cloud.addServer({ host: 'compute1' }).id] })
    const { servers } = await take()
    expect(servers.map(({ group }) => group?.id)).toEqual(['g0', 'g1', 'g2', 'g3', 'g4'])
  })

  it('takes reserves and allocation ratios into account, and room held by anybody', async () => {
    const { cloud, hostNamed } = await picturing()
    Object.assign(cloud.host('compute1'), {
      reserved: { VCPU: 1, MEMORY_MB: 512, DISK_GB: 0 },
      ratios: { VCPU: 4, MEMORY_MB: 1.5, DISK_GB: 1 },
    })
    cloud.addServer({ host: 'compute1' })
    cloud.world.allocations.set(
      'a consumer Nova knows nothing of',
      new Map([['compute1', { VCPU: 3, MEMORY_MB: 64, DISK_GB: 9 }]]),
    )
    expect(await hostNamed('compute1')).toMatchObject({
      capacity: { vcpu: 28, memoryMiB: 11_520, diskGiB: 100 },
      used: { vcpu: 5, memoryMiB: 1088, diskGiB: 11 },
    })
  })

  it.each<[string, (service: { status: string; forcedDown: boolean; alive: boolean; lastReportMs: number }) => void]>([
    ['disabled', (service) => Object.assign(service, { status: 'disabled' })],
    ['forced down', (service) => Object.assign(service, { forcedDown: true })],
    ['down', (service) => Object.assign(service, { alive: false, lastReportMs: Date.now() - 60_000 })],
  ])('says that a host that is %s takes no servers', async (_how, hurt) => {
    const { cloud, hostNamed } = await picturing()
    expect((await hostNamed('compute2'))?.usable).toBe(true)
    hurt(cloud.service('nova-compute', 'compute2'))
    expect((await hostNamed('compute2'))?.usable).toBe(false)
  })

  it('finds the room of hosts whose hypervisors have other names', async () => {
    const { cloud, hostNamed } = await picturing()
    cloud.host('compute2').node = 'compute2.example.org'
    expect(await hostNamed('compute2')).toMatchObject({ capacity: { vcpu: 4 } })
    expect(await hostNamed('compute2.example.org')).toBeUndefined()
  })

  it('is not taken when Placement does not know a host', async () => {
    const { cloud, take } = await picturing()
    cloud.host('compute2').provider = false
    const error = await rejection(take())
    expect(codeOf(error)).toBe('SNAPSHOT_INCOMPLETE')
    expect(error.message).toBe('Placement has no resource provider for compute2')
    expect(detailsOf(error)).toEqual({ host: 'compute2' })
  })

  it.each<[string, string]>([
    ['Nova', 'compute'],
    ['Placement', 'placement'],
  ])('is not taken while %s is away', async (_who, service) => {
    const { cloud, take } = await picturing()
    await (service === 'compute' ? cloud.nova : cloud.placement).stop()
    const error = await rejection(take())
    expect(codeOf(error)).toBe('CLOUD_UNREACHABLE')
    expect(error).toMatchObject({ nonRetryable: false })
  })

  it('is not taken from half a list', async () => {
    const { cloud, take } = await picturing()
    cloud.world.pageSize = 1
    for (const _ of [1, 2, 3]) cloud.addServer({ host: 'compute1' })
    cloud.fail({ path: /servers\/detail/ }, { status: 200, body: { servers: 'none' } })
    expect(codeOf(await rejection(take()))).toBe('CLOUD_ANSWER_UNREADABLE')
  })

  it('is taken with reads only, all of which carry the id of the run', async () => {
    const { cloud, take, requestId } = await picturing()
    await take()
    const asked = cloud.received.filter(({ service }) => service !== 'identity')
    expect(new Set(asked.map(({ method }) => method))).toEqual(new Set(['GET']))
    expect(new Set(asked.map(({ headers }) => headers['x-openstack-request-id']))).toEqual(new Set([requestId]))
  })
})

describe('the relief of a host', () => {
  const options = { host: 'compute1', resource: 'vcpu', limit: 0.5, maxMoves: 10 } as const

  it('is planned from what the cloud is like now', async () => {
    const { cloud, sessions, run } = await setUp()
    const [first, second] = [1, 2, 3].map(() => cloud.addServer({ host: 'compute1' }))
    first!.locked = true
    const { planRelief } = createMigrationActivities({ sessions, pause: passing(), brake: released })
    const plan = await run(() => planRelief(options))
    expect(plan.moves).toEqual([
      expect.objectContaining({ serverId: second!.id, from: 'compute1', to: 'compute3', memoryMiB: 1024 }),
    ])
    expect(plan).toMatchObject({ before: 0.75, after: 0.5 })
    expect(plan.skipped).toContainEqual({ subject: `${first!.name} (${first!.id})`, reason: 'locked' })
    expect(cloud.effects).toEqual([])
  })

  it('says when no host takes anything', async () => {
    const { cloud, sessions, run } = await setUp()
    for (const _ of [1, 2, 3]) cloud.addServer({ host: 'compute1' })
    for (const name of ['compute2', 'compute3']) cloud.service('nova-compute', name).status = 'disabled'
    const { planRelief } = createMigrationActivities({ sessions, pause: passing(), brake: released })
    const error = await rejection(run(() => planRelief(options)))
    expect(codeOf(error)).toBe('PLAN_IMPOSSIBLE')
  })

  it('of a host Nova does not know is refused', async () => {
    const { sessions, run } = await setUp()
    const { planRelief } = createMigrationActivities({ sessions, pause: passing(), brake: released })
    const error = await rejection(run(() => planRelief({ ...options, host: 'compute9' })))
    expect(codeOf(error)).toBe('HOST_UNKNOWN')
  })
})

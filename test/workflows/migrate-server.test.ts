import { randomUUID } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { flavors } from '../../simulator/openstack/world.ts'
import { untilState } from './engine.ts'
import { doneTo, useLibrary } from './library-bench.ts'

const { cloud, start } = await useLibrary()
const tiny = flavors[0]!
// hosts of their own, so that what goes wrong on one is the matter of one test
for (const name of ['queue', 'stuck', 'slow', 'faulty', 'closed', 'full']) cloud.addHost(name)
for (const name of ['queue', 'stuck', 'slow', 'faulty', 'closed', 'full'])
  cloud.service('nova-compute', name).status = 'disabled'
const server = (host = 'compute1', more: Partial<Parameters<typeof cloud.addServer>[0]> = {}) =>
  cloud.addServer({ host, flavor: tiny, ...more })

describe.concurrent('moving a server live', () => {
  it('ends with host, status, room and ports as they should be (P2 17, 30), under a lease on both hosts', async () => {
    const one = server()
    const { handle, view, scripted } = await start('migrate-server', { serverId: one.id, to: 'compute3' })
    expect(await handle.result()).toMatchObject({
      summary: expect.stringMatching(new RegExp(`^${one.name} moved live from compute1 to compute3 in \\d+ s$`)),
      host: 'compute3',
      migration: expect.any(String),
    })
    expect(doneTo(cloud, one)).toEqual(['live migration'])
    expect(one).toMatchObject({ host: 'compute3', status: 'ACTIVE' })
    const [asked] = scripted.inputs('requestLease')
    expect([asked?.request.targets, asked?.request.within]).toEqual([
      [`server/${one.id}`],
      ['host/compute1', 'host/compute3'],
    ])
    const sent = cloud.received.find(({ path, method }) => method === 'POST' && path.includes(one.id))
    expect(sent?.body).toEqual({ 'os-migrateLive': { host: 'compute3', block_migration: 'auto' } })
    expect((await view()).state).toBe('succeeded')
  })

  it('that is dry says what it would do and asks Nova for nothing', async () => {
    const one = server()
    const { handle, view } = await start('migrate-server', { serverId: one.id }, { dryRun: true })
    expect((await handle.result()).summary).toBe(
      `${one.name} would be moved live from compute1 to a host that Nova chooses`,
    )
    expect((await view()).steps?.map(({ state }) => state)).toEqual(['would'])
    expect(doneTo(cloud, one)).toEqual([])
  })

  it('is not begun for a server that is there already', async () => {
    const one = server('compute3')
    const { handle } = await start('migrate-server', { serverId: one.id, to: 'compute3' })
    expect((await handle.result()).summary).toBe(`${one.name} is on compute3 already`)
    expect(doneTo(cloud, one)).toEqual([])
  })

  it.each([
    ['P2 16: busy', { taskState: 'image_snapshot' }, 'it is busy: image_snapshot'],
    ['P2 16: locked', { locked: true }, 'it is locked'],
    [
      'P2 16: off',
      { status: 'SHUTOFF', vmState: 'stopped' },
      'it is stopped, and only active and paused servers are moved live',
    ],
    [
      'P2 21: encrypted',
      { flavor: { ...tiny, extraSpecs: { 'hw:mem_encryption': 'True' } } },
      'its memory is encrypted (flavor: hw:mem_encryption=True)',
    ],
  ])('is refused before anything is touched, %s', async (_why, more, says) => {
    const one = server('compute1', more)
    const { refused, scripted } = await start('migrate-server', { serverId: one.id })
    expect(await refused()).toEqual(['SERVER_UNFIT', `${one.name} is not moved: ${says}`])
    expect(scripted.inputs('requestLease')).toEqual([])
    expect(doneTo(cloud, one)).toEqual([])
  })

  it('is refused to a host that is closed, or that nobody knows', async () => {
    const one = server()
    const closed = await start('migrate-server', { serverId: one.id, to: 'closed' })
    expect(await closed.refused()).toEqual(['HOST_UNFIT', 'closed takes no servers: it is disabled'])
    const unknown = await start('migrate-server', { serverId: one.id, to: 'nowhere' })
    expect(await unknown.refused()).toEqual(['HOST_UNKNOWN', 'Nova lists no nova-compute on nowhere'])
    expect(doneTo(cloud, one)).toEqual([])
  })

  it('of no server says so', async () => {
    const { refused } = await start('migrate-server', { serverId: randomUUID() })
    expect((await refused())[0]).toBe('TARGET_MISSING')
  })

  it('that takes longer than its time is aborted (P2 19), and the server stays where it was', async () => {
    const one = server('stuck')
    cloud.host('stuck').migrationsStay = 'running'
    const { refused } = await start('migrate-server', { serverId: one.id, to: 'compute3', limitSeconds: 1 })
    expect(await refused()).toEqual([
      'MIGRATION_FAILED',
      `the live migration of ${one.name} ended as cancelled; the server is on stuck after the 1 s it was given`,
    ])
    expect(doneTo(cloud, one)).toEqual(['live migration', 'live migration aborted'])
    expect(one).toMatchObject({ host: 'stuck', status: 'ACTIVE', taskState: null })
  })

  it('that takes longer than its time is brought to its end, where that was asked for', async () => {
    const one = server('slow')
    cloud.host('slow').migrationsStay = 'running'
    const { handle } = await start('migrate-server', {
      ...{ serverId: one.id, to: 'compute3', limitSeconds: 1, tooSlow: 'force-complete' },
    })
    expect(await handle.result()).toMatchObject({ host: 'compute3' })
    expect(doneTo(cloud, one)).toEqual(['live migration', 'live migration forced'])
  })

  it('that stays in the queue (P2 20) is aborted, never forced', async () => {
    const one = server('queue')
    cloud.host('queue').migrationsStay = 'queued'
    const { refused } = await start('migrate-server', {
      ...{ serverId: one.id, to: 'compute3', queueSeconds: 1, tooSlow: 'force-complete' },
    })
    expect((await refused())[1]).toMatch('ended as cancelled; the server is on queue after 1 s in the queue')
    expect(doneTo(cloud, one)).toEqual(['live migration', 'live migration aborted'])
  })

  it('that fails says why in the words of Nova', async () => {
    const one = server('faulty')
    cloud.host('faulty').migrationFault = 'guest memory is dirtied too fast'
    const { refused } = await start('migrate-server', { serverId: one.id, to: 'compute3' })
    expect(await refused()).toEqual([
      'MIGRATION_FAILED',
      `the live migration of ${one.name} ended as failed; the server is on faulty`,
    ])
  })

  it('that was accepted although no host takes it (P2 17) says so', async () => {
    const one = server('compute1', { flavor: { ...tiny, vcpus: 99 } })
    const { refused } = await start('migrate-server', { serverId: one.id, to: 'compute3' })
    expect(await refused()).toEqual([
      'MIGRATION_FAILED',
      `the live migration of ${one.name} ended as error; the server is on compute1: No valid host was found. `,
    ])
  })

  it('is aborted when the run is cancelled, and what had arrived stays', async () => {
    const one = server('stuck')
    cloud.host('stuck').migrationsStay = 'running'
    const { handle, view } = await start('migrate-server', { serverId: one.id, to: 'compute3' })
    await vi.waitFor(async () => expect((await view()).steps?.at(-1)?.title).toMatch('has ended'), 30_000)
    await handle.cancel()
    await untilState(handle, 'cancelled')
    expect(doneTo(cloud, one)).toEqual(['live migration', 'live migration aborted'])
    expect(one).toMatchObject({ host: 'stuck', status: 'ACTIVE' })
  })

  it('is aborted as well when the run is cancelled before it has seen the migration', async () => {
    const one = server('stuck')
    cloud.host('stuck').migrationsStay = 'running'
    // the answer is lost, and looking for the migration takes a second
    cloud.fail({ service: 'compute', method: 'POST', path: new RegExp(one.id) }, 'reset after effect')
    cloud.fail({ service: 'compute', path: new RegExp(`${one.id}/os-instance-actions`) }, { status: 503 })
    const { handle } = await start('migrate-server', { serverId: one.id, to: 'compute3' })
    await vi.waitFor(() => expect(doneTo(cloud, one)).toEqual(['live migration']), 30_000)
    await handle.cancel()
    await untilState(handle, 'cancelled')
    expect(doneTo(cloud, one)).toEqual(['live migration', 'live migration aborted'])
    expect(one).toMatchObject({ host: 'stuck', status: 'ACTIVE' })
  })

  it('ends as SERVER_CHANGED when its owner deletes the server on the way (P2 27)', async () => {
    const one = server('stuck')
    cloud.host('stuck').migrationsStay = 'running'
    const { refused, view } = await start('migrate-server', { serverId: one.id, to: 'compute3', limitSeconds: 5 })
    await vi.waitFor(async () => expect((await view()).steps?.at(-1)?.title).toMatch('has ended'), 30_000)
    cloud.world.servers.splice(cloud.world.servers.indexOf(one), 1)
    cloud.world.migrations.splice(
      0,
      cloud.world.migrations.length,
      ...cloud.world.migrations.filter((m) => m.serverId !== one.id),
    )
    expect(await refused()).toEqual(['SERVER_CHANGED', `${one.name} was deleted meanwhile`])
  })

  it('is begun once when the answer of Nova is lost', async () => {
    const one = server()
    cloud.fail({ service: 'compute', method: 'POST', path: new RegExp(one.id) }, 'reset after effect')
    const { handle } = await start('migrate-server', { serverId: one.id, to: 'compute3' })
    expect(await handle.result()).toMatchObject({ host: 'compute3' })
    expect(doneTo(cloud, one)).toEqual(['live migration'])
  })
})

describe.concurrent('moving a server cold', () => {
  const cold = { kind: 'cold', to: 'compute3' } as const

  it('ends confirmed, and in the state it was in', async () => {
    const one = server('compute1', { status: 'SHUTOFF', vmState: 'stopped' })
    const { handle } = await start('migrate-server', { ...cold, serverId: one.id })
    expect((await handle.result()).summary).toBe(`${one.name} moved cold from compute1 to compute3`)
    expect(doneTo(cloud, one)).toEqual(['cold migration', 'resize confirmed'])
    expect(one).toMatchObject({ host: 'compute3', status: 'SHUTOFF' })
  })

  it('can be left to its owner to confirm', async () => {
    const one = server()
    const { handle } = await start('migrate-server', { ...cold, serverId: one.id, confirm: 'no' })
    expect((await handle.result()).summary).toBe(`${one.name} is on compute3 and waits to be confirmed or reverted`)
    expect(doneTo(cloud, one)).toEqual(['cold migration'])
  })

  it('is reverted when a port is left behind', async () => {
    const one = server()
    one.portHost = 'compute1'
    const { refused } = await start('migrate-server', { ...cold, serverId: one.id, settleSeconds: 2 })
    const [code, summary] = await refused()
    expect([code, summary]).toEqual([
      'RESULT_UNVERIFIED',
      expect.stringMatching('was moved, but its port .* is ACTIVE on compute1'),
    ])
    expect(doneTo(cloud, one)).toEqual(['cold migration', 'resize reverted'])
    expect(one).toMatchObject({ host: 'compute1', status: 'ACTIVE' })
  })

  it('confirms nothing when its owner has had a hand in it', async () => {
    const one = server()
    const { refused } = await start('migrate-server', { ...cold, serverId: one.id })
    await vi.waitFor(() => expect(one.status).toBe('VERIFY_RESIZE'), { timeout: 30_000, interval: 5 })
    const [own] = cloud.world.migrations.filter(({ serverId }) => serverId === one.id)
    cloud.world.migrations.unshift({ ...own!, id: randomUUID(), number: 999, status: 'finished' })
    expect(await refused()).toEqual([
      'SERVER_CHANGED',
      `${one.name} was resized, confirmed or moved by somebody else meanwhile`,
    ])
    expect(doneTo(cloud, one)).toEqual(['cold migration'])
    expect(one.status).toBe('VERIFY_RESIZE')
  })

  it('fails where Nova fails, and there is nothing to take back', async () => {
    const one = server('faulty')
    cloud.host('faulty').migrationFault = 'guest memory is dirtied too fast'
    const { refused } = await start('migrate-server', { ...cold, serverId: one.id })
    expect((await refused())[0]).toBe('EFFECT_FAILED')
    expect(doneTo(cloud, one)).toEqual(['cold migration'])
    expect(one).toMatchObject({ host: 'faulty', status: 'ACTIVE' })
  })
})

import { beforeEach, describe, expect, it } from 'vitest'
import { createMigrationActivities } from '../../activities/migration.ts'
import { createPause } from '../../activities/pause.ts'
import { codeOf, detailsOf } from '../../core/errors.ts'
import type { Move } from '../../core/plan.ts'
import { type FakeCloud, move as putOn, type Server } from '../../simulator/cloud.ts'
import { rejection } from '../openstack/server.ts'
import { passing, released, setUp, stopTheClock } from './rig.ts'

const action = { service: 'compute', method: 'POST', path: /\/action$/ } as const

/** A server on compute1, the plan to move it to compute2, and what happens to the cloud at each wait. */
async function moving(happens: (cloud: FakeCloud, server: Server, wait: number) => unknown = () => undefined) {
  const rig = await setUp()
  const { cloud } = rig
  const server = cloud.addServer({ host: 'compute1' })
  const plan: Move = {
    serverId: server.id,
    serverName: server.name,
    from: 'compute1',
    to: 'compute2',
    memoryMiB: 1024,
    reason: 'compute1 is too full',
  }
  const pause = passing((wait) => happens(cloud, server, wait))
  const { liveMigrate } = createMigrationActivities({ sessions: rig.sessions, pause, brake: released })
  const migrate = (info = {}) => rig.run(() => liveMigrate(plan), info)
  const holders = () => [...(cloud.world.allocations.get(server.id)?.keys() ?? [])]
  return { ...rig, server, plan, migrate, holders }
}

const begun = ({ effects }: FakeCloud) => effects.filter(({ kind }) => kind === 'live migration')

beforeEach(stopTheClock)

describe('a live migration', () => {
  it('moves the server to the planned host, in the name of who delegated', async () => {
    const { cloud, trustId, server, migrate, requestId, holders } = await moving()
    const startMs = Date.now()
    const moved = await migrate()
    expect(moved).toEqual({
      host: 'compute2',
      migrationUuid: cloud.world.migrations[0]?.id,
      durationMs: Date.now() - startMs,
      requestId: server.actions[0]?.requestId,
      delegation: { trustId, userId: cloud.user('olga').id },
    })
    expect(server).toMatchObject({ host: 'compute2', status: 'ACTIVE' })
    expect(holders()).toEqual(['compute2'])
    expect(begun(cloud)).toEqual([
      { kind: 'live migration', target: server.id, userId: cloud.user('olga').id, sentRequestId: requestId },
    ])
    const sent = cloud.received.find(({ method, path }) => method === 'POST' && path.endsWith('/action'))
    expect(sent?.body).toEqual({ 'os-migrateLive': { host: 'compute2', block_migration: 'auto' } })
  })

  it('heartbeats with each look what became of it', async () => {
    const { migrate, heartbeats, cloud } = await moving()
    await migrate()
    const migration = cloud.world.migrations[0]?.id
    expect(heartbeats[0]).toEqual({})
    expect(heartbeats).toContainEqual({ migration, status: 'running' })
  })

  it.each([90, -90])(
    'that failed is not begun again by the next worker, with the clock of Nova %i s ahead',
    async (s) => {
      const { cloud, migrate } = await moving()
      cloud.world.aheadMs = s * 1000
      cloud.service('nova-compute', 'compute2').status = 'disabled'
      const scheduledTimestampMs = Date.now()
      await rejection(migrate({ scheduledTimestampMs }))
      // the first one was lost before it could say so
      expect(codeOf(await rejection(migrate({ attempt: 2, scheduledTimestampMs })))).toBe('MIGRATION_FAILED')
      expect(begun(cloud)).toHaveLength(1)
    },
  )

  it('of a server that has left already is done without a call', async () => {
    const { cloud, server, migrate } = await moving()
    putOn(cloud.world, server, cloud.host('compute3'))
    expect(await migrate()).toMatchObject({ host: 'compute3', migrationUuid: 'unknown' })
    expect(begun(cloud)).toEqual([])
  })

  it('that is under way is followed, not begun again', async () => {
    const { cloud, migrate } = await moving((_cloud, _server, wait) => {
      if (wait === 3) throw new Error('the worker is lost')
    })
    expect((await rejection(migrate())).message).toBe('the worker is lost')
    const moved = await migrate({ attempt: 2 })
    expect(moved).toMatchObject({ host: 'compute2', migrationUuid: cloud.world.migrations[0]?.id })
    expect(moved).not.toHaveProperty('requestId')
    expect(begun(cloud)).toHaveLength(1)
  })

  it('ends with what Nova says when no host takes the server, and is not tried again', async () => {
    const { cloud, server, migrate } = await moving()
    cloud.service('nova-compute', 'compute2').status = 'disabled'
    const error = await rejection(migrate())
    expect(codeOf(error)).toBe('MIGRATION_FAILED')
    expect(error).toMatchObject({ nonRetryable: true })
    // the audit tells with whose rights it was tried
    expect(detailsOf(error).delegation).toEqual({ trustId: cloud.world.trusts[0]?.id, userId: cloud.user('olga').id })
    expect(error.message).toBe(
      `the live migration of ${server.name} from compute1 to compute2 ended as error; the server stays on compute1: No valid host was found. `,
    )
    expect(detailsOf(error)).toMatchObject({ serverId: server.id, from: 'compute1', to: 'compute2' })
    expect(server.host).toBe('compute1')
    expect(begun(cloud)).toHaveLength(1)
  })

  it('that the hypervisor gives up leaves the server where it is', async () => {
    const { cloud, server, migrate, holders } = await moving()
    cloud.host('compute1').migrationFault = 'too dirty'
    const error = await rejection(migrate())
    expect(codeOf(error)).toBe('MIGRATION_FAILED')
    expect(error.message).toMatch('ended as failed; the server stays on compute1')
    expect([server.host, holders()]).toEqual(['compute1', ['compute1']])
  })

  it('that Nova accepts and then forgets is given up after a while', async () => {
    const { cloud, migrate, heartbeats } = await moving()
    cloud.fail(action, { status: 202 })
    const error = await rejection(migrate())
    expect(codeOf(error)).toBe('MIGRATION_FAILED')
    expect(error.message).toMatch('ended as nothing; the server stays on compute1')
    expect(heartbeats).toHaveLength(14)
  })

  it('that Nova refuses is refused', async () => {
    const { cloud, migrate } = await moving()
    cloud.world.hosts.splice(1, 1)
    const error = await rejection(migrate())
    expect([codeOf(error), error.message]).toEqual([
      'CLOUD_REFUSED',
      expect.stringMatching('Compute host compute2 could not be found'),
    ])
  })

  it('is not begun while the server is busy with something else', async () => {
    const { cloud, server, migrate } = await moving()
    server.taskState = 'image_snapshot'
    const error = await rejection(migrate())
    expect([codeOf(error), error.message]).toEqual(['CLOUD_BUSY', `${server.name} is busy: image_snapshot`])
    expect(error).toMatchObject({ nonRetryable: false })
    expect(begun(cloud)).toEqual([])
  })

  it('is not made by a lost delegation', async () => {
    const { cloud, migrate, trustId } = await moving()
    cloud.deleteTrust(trustId)
    expect(codeOf(await rejection(migrate()))).toBe('DELEGATION_LOST')
    expect(begun(cloud)).toEqual([])
  })
})

describe('a live migration whose answer is lost', () => {
  it('is found by the next attempt, and begun once', async () => {
    const { cloud, server, migrate } = await moving()
    cloud.fail(action, 'reset after effect')
    const error = await rejection(migrate())
    expect(codeOf(error)).toBe('CLOUD_BUSY')
    expect(error).toMatchObject({ nonRetryable: false })
    // Nova has no record of it yet, but the server is busy with it
    expect(codeOf(await rejection(migrate({ attempt: 2 })))).toBe('CLOUD_BUSY')
    expect(await migrate({ attempt: 3 })).toMatchObject({ host: 'compute2' })
    expect(server.host).toBe('compute2')
    expect(begun(cloud)).toHaveLength(1)
  })

  it('is begun by the next attempt when Nova never got it', async () => {
    const { cloud, migrate } = await moving()
    cloud.fail(action, 'reset')
    expect(codeOf(await rejection(migrate()))).toBe('CLOUD_BUSY')
    expect(await migrate({ attempt: 2 })).toMatchObject({ host: 'compute2' })
    expect(begun(cloud)).toHaveLength(1)
  })

  it.each(['reset after effect', { status: 500, afterEffect: true }] as const)(
    'and that fails before anybody looks is reported, not begun again (%j)',
    async (wrong) => {
      const { cloud, migrate } = await moving()
      const scheduledTimestampMs = Date.now()
      cloud.fail(action, wrong)
      cloud.host('compute1').migrationFault = 'too dirty'
      expect(codeOf(await rejection(migrate({ scheduledTimestampMs })))).toBe('CLOUD_BUSY')
      for (const migration of cloud.world.underWay) for (const step of migration.steps.splice(0)) step()
      const error = await rejection(migrate({ scheduledTimestampMs, attempt: 2 }))
      expect(codeOf(error)).toBe('MIGRATION_FAILED')
      expect(begun(cloud)).toHaveLength(1)
    },
  )

  it('is not mistaken for one that failed an hour before', async () => {
    const { cloud, migrate, server } = await moving()
    cloud.host('compute1').migrationFault = 'too dirty'
    await rejection(migrate())
    delete cloud.host('compute1').migrationFault
    await passingHours(1)
    const scheduledTimestampMs = Date.now()
    cloud.fail(action, 'reset')
    await rejection(migrate({ scheduledTimestampMs }))
    expect(await migrate({ scheduledTimestampMs, attempt: 2 })).toMatchObject({ host: 'compute2' })
    expect(server.host).toBe('compute2')
  })
})

describe('what is told of a live migration that ended otherwise', () => {
  /** Lets the migration under way end on compute3, with these last words. */
  const endOnCompute3 = (status: string) => (cloud: FakeCloud, server: Server, wait: number) => {
    if (wait !== 1) return
    const [migration] = cloud.world.underWay
    if (!migration) throw new Error('there is no migration')
    migration.steps.splice(0)
    migration.status = status
    putOn(cloud.world, server, cloud.host('compute3'))
  }

  it('is the host it ended on, when Nova chose another one', async () => {
    const { migrate } = await moving(endOnCompute3('completed'))
    expect(await migrate()).toMatchObject({ host: 'compute3' })
  })

  it('is not that the server stayed, when it went and broke', async () => {
    const { migrate, server } = await moving(endOnCompute3('error'))
    const error = await rejection(migrate())
    expect(codeOf(error)).toBe('MIGRATION_FAILED')
    expect(error.message).toBe(
      `the live migration of ${server.name} from compute1 to compute2 ended as error; the server is on compute3`,
    )
  })

  it('is the status of the server, when that is bad', async () => {
    const { migrate, server } = await moving((cloud, moved, wait) => {
      endOnCompute3('completed')(cloud, moved, wait)
      moved.status = 'ERROR'
    })
    const error = await rejection(migrate())
    expect(codeOf(error)).toBe('MIGRATION_FAILED')
    expect(error.message).toBe(`${server.name} is on compute3 but its status is ERROR`)
  })

  it('is that its old host still holds room for it', async () => {
    const { migrate, cloud, server } = await moving((c, moved) => holdRoom(c, moved, 'compute1'))
    const error = await rejection(migrate())
    expect(codeOf(error)).toBe('SNAPSHOT_INCOMPLETE')
    expect(error.message).toMatch(/moved to compute2, but room is held on compute\d, compute\d$/)
    expect(server.host).toBe('compute2')
    expect(begun(cloud)).toHaveLength(1)
  })

  it('is nothing, when the room on the old host is given back a moment later', async () => {
    const { migrate, holders } = await moving((cloud, server, wait) => {
      if (wait < 8) holdRoom(cloud, server, 'compute1')
      else cloud.world.allocations.get(server.id)?.delete('compute1')
    })
    expect(await migrate()).toMatchObject({ host: 'compute2' })
    expect(holders()).toEqual(['compute2'])
  })

  it('is nothing, when hypervisors have other names than their hosts', async () => {
    const { cloud, migrate } = await moving()
    cloud.host('compute2').node = 'compute2.example.org'
    expect(await migrate()).toMatchObject({ host: 'compute2' })
  })
})

it('a live migration is left to another worker when this one leaves mid-way', async () => {
  const { cloud, plan, sessions, run, server } = await moving()
  const leaving = new AbortController()
  const leave = createMigrationActivities({
    sessions,
    pause: createPause(leaving.signal),
    pollMs: 600_000,
    brake: released,
  })
  const ended = rejection(run(() => leave.liveMigrate(plan)))
  setTimeout(() => leaving.abort(), 100)
  expect(await ended).toMatchObject({ message: 'the worker leaves; another one goes on', nonRetryable: false })
  expect(server.taskState).toBe('migrating')
  const another = createMigrationActivities({ sessions, pause: passing(), brake: released })
  expect(await run(() => another.liveMigrate(plan), { attempt: 2 })).toMatchObject({ host: 'compute2' })
  expect(begun(cloud)).toHaveLength(1)
})

function holdRoom({ world }: FakeCloud, server: Server, host: string): void {
  world.allocations.get(server.id)?.set(host, { VCPU: 2, MEMORY_MB: 1024, DISK_GB: 2 })
}

async function passingHours(hours: number): Promise<void> {
  const { run } = await setUp()
  await run(() => passing()(hours * 3_600_000))
}

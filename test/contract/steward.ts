import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDeferredCallActivities } from '../../activities/deferred-call.ts'
import { takeSnapshot } from '../../activities/inventory.ts'
import { createMigrationActivities } from '../../activities/migration.ts'
import { createServiceActivities } from '../../activities/services.ts'
import { createTrustActivities } from '../../activities/trusts.ts'
import type { Call } from '../../core/call.ts'
import { codeOf } from '../../core/errors.ts'
import { createRig, type Rig, released } from '../activities/rig.ts'
import { rejection } from '../openstack/server.ts'
import { type People, trusting } from './people.ts'
import { remove, settled, startServer } from './servers.ts'

const stop = (serverId: string): Call => ({
  service: 'compute',
  method: 'POST',
  path: `/servers/${serverId}/action`,
  body: { 'os-stop': null },
})

/** Steward's own activities, so that what they make of the cloud is the same with both. */
export function describeSteward(known: () => People): void {
  describe('Steward', () => {
    let serverId = ''
    let rig: Rig
    beforeAll(async () => {
      const { trustId } = await trusting(known(), 'olga', 'admin')
      rig = createRig(known().cloud, { trustId, timeoutMs: 30_000 })
      serverId = await startServer(known(), known().olga, { host: 'compute1' })
    })
    afterAll(async () => {
      if (serverId) await remove(known().olga, serverId)
    })
    const pause = () => sleep(known().cloud.everyMs)
    const move = (from: string, to: string) => ({
      serverId,
      serverName: 'contract',
      from,
      to,
      memoryMiB: 512,
      reason: 'the contract wants it',
    })

    it('sees a service among its company', async () => {
      const { lookAtService } = createServiceActivities({ sessions: rig.sessions, pause })
      const seen = await rig.run(() => lookAtService({ host: 'compute1', binary: 'nova-compute' }))
      expect(seen).toMatchObject({ state: 'up', status: 'enabled', forcedDown: false, company: { up: 3, down: 0 } })
    })

    it('takes a snapshot in which the server and the room it uses are to be seen', async () => {
      const { hosts, servers } = await rig.run(async () => takeSnapshot(await rig.sessions.forRemediation()))
      expect(hosts.map(({ name }) => name).toSorted()).toEqual(['compute1', 'compute2', 'compute3'])
      const [compute1] = hosts.filter(({ name }) => name === 'compute1')
      expect(compute1).toMatchObject({
        capacity: { vcpu: 8, memoryMiB: 8192, diskGiB: 100 },
        usable: true,
        zone: 'nova',
      })
      expect(compute1?.used.vcpu).toBeGreaterThanOrEqual(1)
      const uses = { vcpu: 1, memoryMiB: 512, diskGiB: 1 }
      expect(servers).toContainEqual({ id: serverId, name: 'contract', host: 'compute1', uses })
    })

    it('moves a server, and knows afterwards that it has been moved', async () => {
      const { liveMigrate } = createMigrationActivities({ sessions: rig.sessions, pause, brake: released })
      const moved = await rig.run(() => liveMigrate(move('compute1', 'compute3')))
      expect(moved).toMatchObject({ host: 'compute3', migrationUuid: expect.stringMatching(/^[0-9a-f]{8}-/) })
      expect(moved.requestId).toMatch(/^req-/)
      const again = await rig.run(() => liveMigrate(move('compute1', 'compute3')), { attempt: 2 })
      expect(again).toMatchObject({ host: 'compute3' })
      expect(again).not.toHaveProperty('requestId')
    })

    it('reports a migration that the hypervisor gave up', async () => {
      const { cloud } = known()
      const { liveMigrate } = createMigrationActivities({ sessions: rig.sessions, pause, brake: released })
      await cloud.failMigrations('compute3', 'guest memory is dirtied too fast')
      try {
        const error = await rejection(rig.run(() => liveMigrate(move('compute3', 'compute1'))))
        expect(codeOf(error)).toBe('MIGRATION_FAILED')
        expect(error.message).toMatch('ended as failed; the server stays on compute3')
      } finally {
        await cloud.failMigrations('compute3')
      }
      await settled(known(), serverId, 'ACTIVE')
    })

    it('stops a server by a trust, finds that done, and takes a second stop for done', async () => {
      const people = known()
      const { trustId } = await trusting(people, 'olga', 'member')
      const { performCall, reconcileCall } = createDeferredCallActivities(rig.sessions, pause, released)
      const sentAfter = new Date().toISOString()
      const call = stop(serverId)
      const look = () => rig.run(() => reconcileCall({ call, trustId, sentAfter }))
      expect(await look()).toEqual({ verdict: 'not done' })
      const done = await rig.run(() => performCall({ call, trustId }))
      expect(done).toMatchObject({ status: 202, requestId: expect.stringMatching(/^req-/) })
      expect(await look()).toEqual({ verdict: 'done', requestId: done.requestId })
      await settled(people, serverId, 'SHUTOFF')
      const again = await rig.run(() => performCall({ call, trustId }))
      expect(again).toMatchObject({ status: 409, note: 'nothing to do: the server was SHUTOFF already' })
    })

    it('finds its delegation lost when its owner loses the role during its life', async () => {
      const { olga, users, projects, roles } = known()
      const { trustId } = await trusting(known(), 'carol', 'member')
      const { performCall } = createDeferredCallActivities(rig.sessions, pause, released)
      const { deleteTrust } = createTrustActivities(rig)
      const call: Call = { service: 'compute', method: 'GET', path: '/servers' }
      expect(await rig.run(() => performCall({ call, trustId }))).toMatchObject({ status: 200 })
      const grant = `/projects/${projects.get('demo2')}/users/${users.get('carol')}/roles/${roles.get('member')}`
      await olga.ask('identity', 'DELETE', grant)
      try {
        // the first answer is that the service cannot serve; the repeat that follows learns why
        expect(codeOf(await rejection(rig.run(() => performCall({ call, trustId }))))).toBe('CLOUD_BUSY')
        expect(codeOf(await rejection(rig.run(() => performCall({ call, trustId }))))).toBe('DELEGATION_LOST')
        expect(codeOf(await rejection(rig.run(() => deleteTrust({ trustId }))))).toBe('DELEGATION_LOST')
      } finally {
        await olga.ask('identity', 'PUT', grant)
      }
      expect(await rig.run(() => performCall({ call, trustId }))).toMatchObject({ status: 200 })
    })

    it('deletes a trust through itself, as often as it is asked to', async () => {
      const { steward } = known()
      const { trustId } = await trusting(known(), 'alice', 'member')
      const { deleteTrust, checkTrust } = createTrustActivities(rig)
      await rig.run(() => checkTrust({ trustId }))
      await rig.run(() => deleteTrust({ trustId }))
      expect((await steward.ask('identity', 'GET', `/OS-TRUST/trusts/${trustId}`)).status).toBe(404)
      await rig.run(() => deleteTrust({ trustId }))
      expect(codeOf(await rejection(rig.run(() => checkTrust({ trustId }))))).toBe('DELEGATION_LOST')
    })
  })
}

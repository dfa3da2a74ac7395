import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../demo/stage/eventually.ts'
import type { People } from './people.ts'
import { act, microversion, remove, settled, startServer } from './servers.ts'

const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000$/)
const over = ['completed', 'failed', 'error', 'cancelled']

export function describeMigrations(known: () => People): void {
  describe('a live migration', () => {
    let serverId = ''
    beforeAll(async () => {
      serverId = await startServer(known(), known().olga, { host: 'compute1' })
    })
    afterAll(async () => {
      if (serverId) await remove(known().olga, serverId)
    })

    const migrate = (host: string) =>
      act(known().olga, serverId, { 'os-migrateLive': { host, block_migration: 'auto' } })

    async function migrations() {
      const query = `/os-migrations?instance_uuid=${serverId}&migration_type=live-migration`
      return (await known().olga.ask('compute', 'GET', query, { microversion })).json.migrations
    }

    /** Ids of those that are under way, by Nova's other list. */
    async function underWay(): Promise<number[]> {
      const path = `/servers/${serverId}/migrations`
      const { migrations } = (await known().olga.ask('compute', 'GET', path, { microversion: '2.23' })).json
      return migrations.map(({ id }: { id: number }) => id)
    }

    /** The newest migration once it and the server have come to rest, with the states seen on the way. */
    async function ending(before: number) {
      const seen = new Set<string>()
      const listed = new Set<number>()
      const last = await eventually(
        'the end of the migration',
        async () => {
          const all = await migrations()
          if (all.length > before) seen.add(all[0].status)
          for (const id of await underWay()) listed.add(id)
          return all.length > before && over.includes(all[0].status) && all[0]
        },
        { withinMs: 60_000, everyMs: known().cloud.everyMs },
      )
      return { last, seen, listed, server: await settled(known(), serverId, 'ACTIVE') }
    }

    async function reason() {
      const { olga } = known()
      const list = `/servers/${serverId}/os-instance-actions`
      const { instanceActions } = (await olga.ask('compute', 'GET', list, { microversion })).json
      const one = `${list}/${instanceActions[0].request_id}`
      return (await olga.ask('compute', 'GET', one, { microversion })).json.instanceAction
    }

    it('has no record before the first one', async () => {
      expect(await migrations()).toEqual([])
    })

    it('to a host that is not there is refused at once', async () => {
      const { status, json } = await migrate('nowhere')
      expect([status, json.badRequest.message]).toEqual([400, 'Compute host nowhere could not be found.'])
    })

    it('is accepted, keeps the server busy, and ends on the other host with one allocation', async () => {
      const people = known()
      const { olga } = people
      const { status, json } = await migrate('compute2')
      expect([status, json]).toEqual([202, undefined])
      expect((await act(olga, serverId, { 'os-stop': null })).status).toBe(409)
      const again = await migrate('compute3')
      expect(again.status).toBe(409)
      expect(again.json.conflictingRequest.message).toMatch('while it is in task_state migrating')

      const { last, seen, listed, server } = await ending(0)
      expect([[...listed], await underWay()]).toEqual([[last.id], []])
      expect(last).toMatchObject({
        id: expect.any(Number),
        uuid: expect.stringMatching(/^[0-9a-f]{8}-/),
        status: 'completed',
        migration_type: 'live-migration',
        instance_uuid: serverId,
        source_compute: 'compute1',
        dest_compute: 'compute2',
        user_id: olga.token.userId,
        created_at: time,
        updated_at: time,
      })
      expect(seen).toContain('running')
      expect(server['OS-EXT-SRV-ATTR:host']).toBe('compute2')
      expect((await reason()).action).toBe('live-migration')

      await eventually(
        'one allocation',
        async () => {
          const path = `/allocations/${serverId}`
          const { allocations } = (await olga.ask('placement', 'GET', path, { microversion: '1.20' })).json
          const [[uuid, { resources }] = ['', { resources: {} }], ...others] = Object.entries<{ resources: object }>(
            allocations,
          )
          const holder = await olga.ask('placement', 'GET', `/resource_providers/${uuid}`, { microversion: '1.20' })
          const isMoved = others.length === 0 && holder.json.name === 'compute2'
          if (isMoved) expect(resources).toEqual({ VCPU: 1, MEMORY_MB: 512, DISK_GB: 1 })
          return isMoved
        },
        { withinMs: 20_000, everyMs: people.cloud.everyMs },
      )
    })

    it('is found by its kind and by the host it began on', async () => {
      const { olga } = known()
      const ids = async (query: string) => {
        const { json } = await olga.ask('compute', 'GET', `/os-migrations?${query}`, { microversion })
        return json.migrations.map(({ instance_uuid }: { instance_uuid: string }) => instance_uuid)
      }
      expect(await ids('migration_type=live-migration&source_compute=compute1')).toContain(serverId)
      expect(await ids('migration_type=live-migration&source_compute=compute3')).not.toContain(serverId)
      expect(await ids('migration_type=evacuation&source_compute=compute1')).not.toContain(serverId)
    })

    it('to its own host is accepted and comes to nothing, with a reason', async () => {
      expect((await migrate('compute2')).status).toBe(202)
      const { last, server } = await ending(1)
      expect(last).toMatchObject({ status: 'error', source_compute: 'compute2', dest_compute: null })
      expect(server['OS-EXT-SRV-ATTR:host']).toBe('compute2')
      const { message, events } = await reason()
      expect(message).toBe('Error')
      expect(events).toContainEqual(
        expect.objectContaining({
          event: 'conductor_live_migrate_instance',
          result: 'Error',
          details: expect.stringMatching(/^No valid host was found\. /),
        }),
      )
    })

    it('that the hypervisor gives up leaves the server where it is, running', async () => {
      const { cloud } = known()
      await cloud.failMigrations('compute2', 'guest memory is dirtied too fast')
      try {
        expect((await migrate('compute3')).status).toBe(202)
        const { last, server } = await ending(2)
        expect(last).toMatchObject({ status: 'failed', source_compute: 'compute2' })
        expect(server['OS-EXT-SRV-ATTR:host']).toBe('compute2')
      } finally {
        await cloud.failMigrations('compute2')
      }
      expect((await migrations()).map(({ status }: { status: string }) => status)).toEqual([
        'failed',
        'error',
        'completed',
      ])
    })

    it('is found among those of all servers by when it last changed', async () => {
      const { olga } = known()
      const since = async (ms: number) => {
        const query = `/os-migrations?changes-since=${new Date(Date.now() + ms).toISOString()}`
        const { json } = await olga.ask('compute', 'GET', query, { microversion: '2.59' })
        return json.migrations.filter((one: { instance_uuid: string }) => one.instance_uuid === serverId)
      }
      expect((await since(-3_600_000)).map(({ status }: { status: string }) => status)).toEqual([
        'failed',
        'error',
        'completed',
      ])
      expect(await since(3_600_000)).toEqual([])
    })
  })
}

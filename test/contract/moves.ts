import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { People } from './people.ts'
import { act, microversion, remove, settled, startServer } from './servers.ts'

export function describeMoves(known: () => People): void {
  describe('a server that is moved in other ways', () => {
    let serverId = ''
    beforeAll(async () => {
      serverId = await startServer(known(), known().olga, { host: 'compute1' })
    })
    afterAll(async () => {
      if (serverId) await remove(known().olga, serverId)
    })

    const migrations = async (query: string) =>
      (await known().olga.ask('compute', 'GET', `/os-migrations?instance_uuid=${serverId}${query}`, { microversion }))
        .json.migrations as { status: string; source_compute: string; dest_compute: string }[]

    it('is not evacuated while its host is up, nor to a host that is not there, nor to its own', async () => {
      const { olga, alice } = known()
      const refused = async (options: object) => {
        const { status, json } = await act(olga, serverId, { evacuate: options })
        return [status, (Object.values(json)[0] as { message: string }).message]
      }
      expect(await refused({})).toEqual([400, 'Compute service of compute1 is still in use.'])
      expect(await refused({ host: 'compute1' })).toEqual([400, "The target host can't be the same one."])
      expect(await refused({ host: 'nowhere' })).toEqual([404, 'Compute host nowhere not found.'])
      expect((await act(alice, serverId, { evacuate: {} })).status).not.toBe(200)
      expect(await migrations('&migration_type=evacuation')).toEqual([])
    })

    it('has no live migration that could be aborted', async () => {
      const path = `/servers/${serverId}/migrations/1`
      const { status } = await known().olga.ask('compute', 'DELETE', path, { microversion })
      expect(status).toBe(409)
    })

    it('waits to be confirmed after a cold migration, with a record that says so, and then is what it was', async () => {
      const { olga } = known()
      expect((await act(olga, serverId, { migrate: { host: 'compute2' } })).status).toBe(202)
      const moved = await settled(known(), serverId, 'VERIFY_RESIZE')
      expect([moved['OS-EXT-SRV-ATTR:host'], moved['OS-EXT-STS:vm_state']]).toEqual(['compute2', 'resized'])
      const record = { source_compute: 'compute1', dest_compute: 'compute2' }
      expect(await migrations('&migration_type=migration')).toEqual([
        expect.objectContaining({ ...record, status: 'finished' }),
      ])
      expect(await migrations('&source_compute=compute2')).toEqual([])

      expect((await act(olga, serverId, { confirmResize: null })).status).toBe(204)
      expect((await settled(known(), serverId, 'ACTIVE'))['OS-EXT-SRV-ATTR:host']).toBe('compute2')
      expect(await migrations('&migration_type=migration')).toEqual([
        expect.objectContaining({ ...record, status: 'confirmed' }),
      ])
    })

    it('comes back when a cold migration is reverted', async () => {
      const { olga } = known()
      expect((await act(olga, serverId, { migrate: { host: 'compute3' } })).status).toBe(202)
      await settled(known(), serverId, 'VERIFY_RESIZE')
      expect((await act(olga, serverId, { revertResize: null })).status).toBe(202)
      expect((await settled(known(), serverId, 'ACTIVE'))['OS-EXT-SRV-ATTR:host']).toBe('compute2')
    })

    it('is locked and unlocked by an administrator', async () => {
      const { olga } = known()
      const isLocked = async () =>
        (await olga.ask('compute', 'GET', `/servers/${serverId}`, { microversion })).json.server.locked
      expect((await act(olga, serverId, { lock: { locked_reason: 'moves' } })).status).toBe(202)
      expect(await isLocked()).toBe(true)
      expect((await act(olga, serverId, { unlock: null })).status).toBe(202)
      expect(await isLocked()).toBe(false)
    })

    it('is off after a cold migration as it was before it, and has to be confirmed all the same', async () => {
      const { olga } = known()
      expect((await act(olga, serverId, { 'os-stop': null })).status).toBe(202)
      await settled(known(), serverId, 'SHUTOFF')
      expect((await act(olga, serverId, { migrate: { host: 'compute3' } })).status).toBe(202)
      const moved = await settled(known(), serverId, 'VERIFY_RESIZE')
      expect([moved['OS-EXT-SRV-ATTR:host'], moved['OS-EXT-STS:vm_state']]).toEqual(['compute3', 'resized'])
      expect((await act(olga, serverId, { confirmResize: null })).status).toBe(204)
      const confirmed = await settled(known(), serverId, 'SHUTOFF')
      expect([confirmed['OS-EXT-SRV-ATTR:host'], confirmed['OS-EXT-STS:vm_state']]).toEqual(['compute3', 'stopped'])
    })
  })

  describe('a compute service', () => {
    it('that is forced down is down at once, and is up again when that is taken back', async () => {
      const { olga } = known()
      const versioned = { microversion: '2.53' }
      const query = '/os-services?binary=nova-compute&host=compute3'
      const look = async () => (await olga.ask('compute', 'GET', query, versioned)).json.services[0]
      const { id } = await look()
      const force = (isDown: boolean) =>
        olga.ask('compute', 'PUT', `/os-services/${id}`, { ...versioned, body: { forced_down: isDown } })
      expect((await force(true)).json.service).toMatchObject({ id, forced_down: true })
      const { updated_at: before, ...down } = await look()
      expect(down).toMatchObject({ state: 'down', status: 'enabled', forced_down: true })
      await known().cloud.letPass(15_000)
      // its reports go on all the same
      expect((await look()).updated_at > before).toBe(true)
      expect((await force(false)).status).toBe(200)
      expect(await look()).toMatchObject({ state: 'up', forced_down: false })
    })
  })
}

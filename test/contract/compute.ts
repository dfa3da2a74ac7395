import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { codeOf, detailsOf } from '../../core/errors.ts'
import { rejection } from '../openstack/server.ts'
import { type People, trusting } from './people.ts'
import { act, microversion, remove, settled, startServer } from './servers.ts'

const uuid = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
/** Nova's times: without a zone. */
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000$/)
const nobody = '11111111-1111-1111-1111-111111111111'

export function describeCompute(known: () => People): void {
  describe('Nova', () => {
    let serverId = ''
    beforeAll(async () => {
      serverId = await startServer(known(), known().alice)
    })
    afterAll(async () => {
      if (serverId) await remove(known().olga, serverId)
    })

    it('says which microversions it has, and answers 406 for another', async () => {
      const { olga } = known()
      const { json } = await olga.ask('compute', 'GET', '/')
      expect(json.version).toMatchObject({ id: 'v2.1', status: 'CURRENT', min_version: '2.1' })
      const refused = await olga.ask('compute', 'GET', '/servers', { microversion: '2.999' })
      expect(refused.status).toBe(406)
      expect(refused.json.computeFault.message).toBe(
        `Version 2.999 is not supported by the API. Minimum is 2.1 and maximum is ${json.version.version}.`,
      )
      const compute = olga.session.service('compute')
      expect((await compute.negotiate({ min: '2.68', max: '2.96' })).microversion).toBe('2.96')
      const error = await rejection(compute.negotiate({ min: '2.998', max: '2.999' }))
      expect(codeOf(error)).toBe('MICROVERSION_UNSUPPORTED')
      expect(detailsOf(error).offered).toEqual({ min: '2.1', max: json.version.version })
    })

    it('or Keystone says what time it is by the clocks of the cloud, which its records are of', async () => {
      const { olga } = known()
      const compute = olga.session.service('compute')
      await compute.request({ method: 'GET', path: '/servers' })
      expect(compute.aheadMs()).not.toBe(0)
      expect(Math.abs(compute.aheadMs())).toBeLessThan(3_000)
    })

    it('refuses those without a token, or with a made-up one, with 401', async () => {
      const { alice } = known()
      for (const token of [null, 'made-up']) {
        const { status, json } = await alice.ask('compute', 'GET', '/servers', { token })
        expect([status, json.error.code]).toEqual([401, 401])
      }
    })

    it('lists its services with state, status and last report', async () => {
      const { olga, alice } = known()
      const { json } = await olga.ask('compute', 'GET', '/os-services', { microversion: '2.53' })
      const listed: { binary: string; host: string }[] = json.services
      expect(new Set(listed.map(({ binary, host }) => `${binary}@${host}`))).toEqual(
        new Set([
          'nova-conductor@controller',
          'nova-scheduler@controller',
          ...['compute1', 'compute2', 'compute3'].map((host) => `nova-compute@${host}`),
        ]),
      )
      expect(json.services).toContainEqual({
        id: uuid,
        binary: 'nova-compute',
        host: 'compute1',
        zone: 'nova',
        status: 'enabled',
        state: 'up',
        updated_at: time,
        disabled_reason: null,
        forced_down: false,
      })
      expect(json.services).toContainEqual(expect.objectContaining({ host: 'controller', zone: 'internal' }))
      const query = '/os-services?binary=nova-compute&host=compute2'
      const one = await olga.ask('compute', 'GET', query, { microversion: '2.53' })
      expect(one.json.services).toEqual([expect.objectContaining({ host: 'compute2' })])
      expect((await alice.ask('compute', 'GET', '/os-services', { microversion: '2.53' })).status).toBe(403)
    })

    it('disables a compute service with a reason, and enables it again without one', async () => {
      const { olga, alice } = known()
      const versioned = { microversion: '2.53' }
      const listed = async (binary: string) =>
        (await olga.ask('compute', 'GET', `/os-services?binary=${binary}`, versioned)).json.services
      const [service] = (await listed('nova-compute')).filter(({ host }: { host: string }) => host === 'compute3')
      const put = (body: object, id = service.id, who = olga) =>
        who.ask('compute', 'PUT', `/os-services/${id}`, { ...versioned, body })
      const disabled = await put({ status: 'disabled', disabled_reason: 'steward plan/1' })
      expect(disabled.status).toBe(200)
      const closed = { id: service.id, status: 'disabled', disabled_reason: 'steward plan/1', state: 'up' }
      expect(disabled.json.service).toMatchObject(closed)
      expect(await listed('nova-compute')).toContainEqual(expect.objectContaining(closed))
      const again = await put({ status: 'disabled', disabled_reason: 'steward plan/1' })
      expect([again.status, again.json.service.status]).toEqual([200, 'disabled'])
      const enabled = await put({ status: 'enabled' })
      expect([enabled.status, enabled.json.service]).toMatchObject([200, { status: 'enabled', disabled_reason: null }])
      expect((await put({ status: 'enabled', disabled_reason: 'x' })).status).toBe(400)
      expect((await put({ status: 'disabled' }, nobody)).status).toBe(404)
      const [conductor] = await listed('nova-conductor')
      expect((await put({ status: 'disabled' }, conductor.id)).status).toBe(400)
      expect((await put({ status: 'disabled' }, service.id, alice)).status).toBe(403)
    })

    it('says that a service reports again and again', async () => {
      const { olga, cloud } = known()
      const reportOf = async () => {
        const query = '/os-services?binary=nova-compute&host=compute1'
        return (await olga.ask('compute', 'GET', query, { microversion: '2.53' })).json.services[0].updated_at as string
      }
      const first = await reportOf()
      await cloud.letPass(3_000)
      expect((await reportOf()) > first).toBe(true)
    })

    it('names the hypervisor of each host', async () => {
      const { olga } = known()
      const { json } = await olga.ask('compute', 'GET', '/os-hypervisors/detail', { microversion: '2.53' })
      expect(json.hypervisors).toContainEqual(
        expect.objectContaining({
          id: uuid,
          hypervisor_hostname: 'compute1',
          service: { id: uuid, host: 'compute1', disabled_reason: null },
        }),
      )
    })

    it('lists server groups', async () => {
      const { olga } = known()
      const { status, json } = await olga.ask('compute', 'GET', '/os-server-groups?all_projects=True', { microversion })
      expect([status, json]).toEqual([200, { server_groups: [] }])
    })

    it('shows a server with its size, and its host to administrators', async () => {
      const { olga, alice } = known()
      const { server } = (await olga.ask('compute', 'GET', `/servers/${serverId}`, { microversion })).json
      expect(server).toMatchObject({
        id: serverId,
        name: 'contract',
        status: 'ACTIVE',
        tenant_id: alice.token.projectId,
        user_id: alice.token.userId,
        metadata: {},
        locked: false,
        flavor: { vcpus: 1, ram: 512, disk: 1, original_name: 'm1.small' },
        pinned_availability_zone: null,
        'OS-EXT-STS:task_state': null,
        'OS-EXT-STS:vm_state': 'active',
        'OS-EXT-SRV-ATTR:host': expect.stringMatching(/^compute[123]$/),
      })
      const hers = (await alice.ask('compute', 'GET', `/servers/${serverId}`, { microversion })).json.server
      expect(hers.id).toBe(serverId)
      expect(hers).not.toHaveProperty('OS-EXT-SRV-ATTR:host')
      const old = (await alice.ask('compute', 'GET', `/servers/${serverId}`, { microversion: '2.1' })).json.server
      expect(old.flavor).toMatchObject({ id: '2' })
      expect(old).not.toHaveProperty('locked')
    })

    it('does not know a server that is not there, nor shows one of another project', async () => {
      const { olga, carol } = known()
      const none = await olga.ask('compute', 'GET', `/servers/${nobody}`, { microversion })
      expect(none.status).toBe(404)
      expect(none.json).toEqual({
        itemNotFound: { code: 404, message: `Instance ${nobody} could not be found.` },
      })
      expect((await carol.ask('compute', 'GET', `/servers/${serverId}`, { microversion })).status).toBe(404)
    })

    it('lists servers page by page, those of all projects for administrators only', async () => {
      const people = known()
      const { olga, alice } = people
      const another = await startServer(people, people.carol)
      const page = await olga.ask('compute', 'GET', '/servers/detail?all_tenants=True&limit=1', { microversion })
      expect(page.json.servers).toHaveLength(1)
      const next = page.json.servers_links.find(({ rel }: { rel: string }) => rel === 'next').href
      expect(new URL(next).searchParams.get('marker')).toBe(page.json.servers[0].id)
      const listed: string[] = []
      const query = { all_tenants: true, limit: 1 }
      const compute = olga.session.service('compute', { microversion })
      for await (const { id } of compute.pages('/servers/detail', 'servers', z.object({ id: z.string() }), { query }))
        listed.push(id)
      expect(listed).toEqual(expect.arrayContaining([serverId, another]))
      expect(new Set(listed).size).toBe(listed.length)
      const refused = await alice.ask('compute', 'GET', '/servers/detail?all_tenants=True', { microversion })
      expect(refused.status).toBe(403)
      await remove(people.carol, another)
    })

    it('lists of the servers of all projects those that are asked for', async () => {
      const people = known()
      const { olga, alice, carol } = people
      const another = await startServer(people, carol)
      const all = async (filters: string): Promise<{ id: string; tenant_id: string }[]> => {
        const path = `/servers/detail?all_tenants=1&${filters}`
        return (await olga.ask('compute', 'GET', path, { microversion })).json.servers
      }
      const { projectId } = carol.token
      const ofCarol = await all(`project_id=${projectId}`)
      expect(ofCarol.map(({ id }) => id)).toContain(another)
      expect(ofCarol.filter(({ tenant_id }) => tenant_id !== projectId)).toEqual([])
      expect((await all(`project_id=${projectId}&status=ACTIVE&name=contr`)).map(({ id }) => id)).toContain(another)
      for (const filter of [`tenant_id=${projectId}`, `user_id=${carol.token.userId}`])
        expect((await all(filter)).map(({ id }) => id)).toContain(another)
      for (const other of [`user_id=${alice.token.userId}`, 'status=ERROR', 'name=none-of-this', 'host=nowhere'])
        expect(await all(`project_id=${projectId}&${other}`)).toEqual([])
      // whoever sees nobody else's is shown their own, whatever project they name
      const own = await carol.ask('compute', 'GET', `/servers/detail?project_id=${alice.token.projectId}`, {
        microversion,
      })
      expect(own.json.servers.map(({ id }: { id: string }) => id)).toContain(another)
      await remove(carol, another)
    })

    it('lists a server as a look at it shows it, as far as actions look', async () => {
      const { alice } = known()
      const telling = ['id', 'name', 'status', 'metadata', 'flavor', 'image', 'OS-EXT-STS:task_state', 'locked', 'tags']
      for (const version of ['2.1', '2.9', microversion]) {
        const { json: list } = await alice.ask('compute', 'GET', '/servers/detail', { microversion: version })
        const { json: look } = await alice.ask('compute', 'GET', `/servers/${serverId}`, { microversion: version })
        const listed = list.servers.find(({ id }: { id: string }) => id === serverId)
        for (const key of telling) expect(listed[key], `${key} at ${version}`).toEqual(look.server[key])
      }
    })

    it('tells a member how their project stands with its quota, and how large a flavor is', async () => {
      const { alice } = known()
      const { status, json } = await alice.ask('compute', 'GET', '/limits')
      expect([status, json.limits.absolute]).toEqual([
        200,
        expect.objectContaining({
          ...{ maxTotalInstances: expect.any(Number), totalInstancesUsed: expect.any(Number) },
          ...{ maxTotalCores: expect.any(Number), totalCoresUsed: expect.any(Number) },
          ...{ maxTotalRAMSize: expect.any(Number), totalRAMUsed: expect.any(Number) },
        }),
      ])
      expect(json.limits.absolute.totalInstancesUsed).toBeGreaterThan(0)
      const flavor = await alice.ask('compute', 'GET', '/flavors/2')
      expect(flavor.json.flavor).toMatchObject({ vcpus: 1, ram: 512 })
    })

    it('stops a server for a delegate, and writes down its owner as who did it', async () => {
      const people = known()
      const { alice } = people
      const { delegate } = await trusting(people, 'alice', 'member')
      const stopped = await act(delegate, serverId, { 'os-stop': null })
      expect([stopped.status, stopped.json]).toEqual([202, undefined])
      expect((await act(delegate, serverId, { 'os-stop': null })).status).toBe(409)
      await settled(people, serverId, 'SHUTOFF')

      const list = `/servers/${serverId}/os-instance-actions`
      const { instanceActions } = (await alice.ask('compute', 'GET', list, { microversion: '2.51' })).json
      expect(instanceActions.map(({ action }: { action: string }) => action)).toEqual(['stop', 'create'])
      expect(instanceActions[0]).toEqual({
        action: 'stop',
        instance_uuid: serverId,
        request_id: stopped.headers['x-openstack-request-id'],
        user_id: alice.token.userId,
        project_id: alice.token.projectId,
        start_time: time,
        message: null,
      })
      const one = `${list}/${instanceActions[0].request_id}`
      const { instanceAction } = (await alice.ask('compute', 'GET', one, { microversion })).json
      expect(instanceAction).toMatchObject({ action: 'stop', user_id: alice.token.userId, events: expect.any(Array) })
    })

    it('answers 409 to a stop of a stopped server, and says what state it is in', async () => {
      const { alice } = known()
      await settled(known(), serverId, 'SHUTOFF')
      const { status, json } = await act(alice, serverId, { 'os-stop': null })
      expect(status).toBe(409)
      expect(json).toEqual({
        conflictingRequest: {
          code: 409,
          message: `Cannot 'stop' instance ${serverId} while it is in vm_state stopped`,
        },
      })
    })

    it('answers 400 to an action nobody knows, and 403 to a reader', async () => {
      const { alice, bob } = known()
      const unknown = await act(alice, serverId, { nonsense: null })
      expect([unknown.status, unknown.json.badRequest.message]).toEqual([400, 'There is no such action: nonsense'])
      expect((await act(bob, serverId, { 'os-start': null })).status).toBe(403)
    })

    it('lets no member migrate, not by a trust either', async () => {
      const { delegate } = await trusting(known(), 'alice', 'member')
      for (const host of [null, 'compute1']) {
        const migrating = { 'os-migrateLive': { host, block_migration: 'auto' } }
        const { status, json } = await act(delegate, serverId, migrating)
        expect([status, json.forbidden.code]).toEqual([403, 403])
      }
    })
  })
}

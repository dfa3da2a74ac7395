import { assertThat, type Play, type Scene } from '../play.ts'
import type { BenchCloud } from '../real-cloud.ts'

async function withServers(
  { nova }: BenchCloud,
  count: number,
  scene: (ids: readonly string[]) => Omit<Scene, 'clear'> | Promise<Omit<Scene, 'clear'>>,
  flavor = '1',
): Promise<Scene> {
  const ids = await nova.createServers('pair', 'compute1', count, flavor)
  return { ...(await scene(ids)), clear: () => nova.removeServers(ids) }
}

/** @throws it is elsewhere, or Placement holds room for it elsewhere */
export async function assertMoved({ nova }: BenchCloud, ids: readonly string[], from: string): Promise<string> {
  const places = new Set<string>()
  for (const id of ids) {
    const { host = 'nowhere', status } = await nova.show(id)
    assertThat(`${id} has left ${from} and runs`, host !== from && status === 'ACTIVE', { host, status })
    const room = await nova.roomOf(id)
    assertThat(`Placement holds room for ${id} on ${host} alone`, room.join() === host, room)
    places.add(host)
  }
  return `Nova: ACTIVE on ${[...places].join(', ')}; Placement: room there alone`
}

const migrate = (kind: 'live' | 'cold', action: string): Play => ({
  ...{ runbook: 'migrate-server', way: kind },
  set: (cloud) =>
    withServers(cloud, 1, ([serverId = '']) => ({
      input: { serverId, to: 'compute2', kind },
      async proof() {
        const done = await cloud.nova.actionsOf(serverId)
        assertThat(`${action} once`, done.filter((one) => one === action).length === 1, done)
        return `${await assertMoved(cloud, [serverId], 'compute1')}; one ${action}`
      },
    })),
})

const recover: Play = {
  runbook: 'recover-server',
  set: (cloud) =>
    withServers(cloud, 1, async ([serverId = '']) => {
      await cloud.nova.act(serverId, { 'os-resetState': { state: 'error' } })
      return {
        input: { serverId },
        async proof() {
          const { status } = await cloud.nova.show(serverId)
          assertThat('ACTIVE', status === 'ACTIVE', status)
          return `Nova: from ERROR to ACTIVE by ${(await cloud.nova.actionsOf(serverId)).join(', ')}`
        },
      }
    }),
}

const relieve: Play = {
  runbook: 'relieve-host',
  set: (cloud) =>
    withServers(
      cloud,
      3,
      (ids) => ({
        input: { host: 'compute1', resource: 'vcpu', limit: 0.5 },
        async proof() {
          const places = await Promise.all(ids.map(async (id) => (await cloud.nova.show(id)).host))
          const left = places.filter((host) => host === 'compute1').length
          assertThat('2 of 3 servers with 2 of its 8 VCPUs are left', left === 2, places)
          return 'Nova: from 6 to 4 of 8 VCPUs by one move'
        },
      }),
      '3',
    ),
}

const power = (runbook: 'night-off' | 'morning-on', to: string, action: string): Play => ({
  runbook,
  set: (cloud) =>
    withServers(cloud, 3, async (servers) => {
      if (runbook === 'morning-on') await Promise.all(servers.map((id) => cloud.nova.act(id, { 'os-stop': null })))
      for (const id of runbook === 'morning-on' ? servers : [])
        while ((await cloud.nova.show(id)).status !== 'SHUTOFF');
      return {
        input: { servers },
        async proof() {
          for (const id of servers) {
            const { status } = await cloud.nova.show(id)
            assertThat(to, status === to, status)
            const done = await cloud.nova.actionsOf(id)
            assertThat(`one ${action}`, done.filter((one) => one === action).length === 1, done)
          }
          return `Nova: 3 servers ${to}, one ${action} each`
        },
      }
    }),
})

const rotate: Play = {
  runbook: 'snapshot-rotate',
  async set(cloud) {
    const { nova } = cloud
    const ids = await nova.createServers('pair', 'compute1', 1)
    return {
      input: { servers: ids, prefix: 'bench', keep: 1 },
      async proof() {
        const copies = await nova.copiesOf('bench-')
        assertThat('one whole image', copies.length === 1 && copies[0]?.status === 'active', copies)
        return 'Glance: one image, active'
      },
      async clear() {
        for (const { id } of await nova.copiesOf('bench-')) await nova.deleteImage(id)
        await nova.removeServers(ids)
      },
    }
  },
}

export const serverPlays: readonly Play[] = [
  ...[migrate('live', 'live-migration'), migrate('cold', 'migrate'), recover, relieve],
  ...[power('night-off', 'SHUTOFF', 'stop'), power('morning-on', 'ACTIVE', 'start'), rotate],
]

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readSupervisorLog } from '../../chaos/records/supervisor-log.ts'
import type { Counts, CrashPlay } from '../crash-lane.ts'
import type { BenchCloud, Zone } from '../real-cloud.ts'
import { loseHost, mendHost } from './hosts.ts'

/** What Nova has written down of these servers. */
async function countsOf({ nova }: BenchCloud, servers: readonly string[]): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1)
  for (const [at, id] of servers.entries()) {
    for (const action of await nova.actionsOf(id)) count(`${action} of server ${at + 1}`)
    for (const { type } of await nova.migrationsOf(id)) count(`${type} of server ${at + 1} as a record of its own`)
  }
  return counts
}

const underWay = async ({ nova }: BenchCloud, servers: readonly string[]) => {
  const open = await Promise.all(
    servers.map(async (id) => (await nova.migrationsOf(id)).filter(({ isOver }) => !isOver)),
  )
  return open.flatMap((its, at) => its.map(({ type }) => `a ${type} of server ${at + 1} goes on`))
}

const migrateServer: CrashPlay = {
  runbook: 'migrate-server',
  async set(cloud) {
    const ids = await cloud.nova.createServers('pair', 'compute1', 1)
    return {
      input: { serverId: ids[0], to: 'compute2' },
      counts: () => countsOf(cloud, ids),
      left: () => underWay(cloud, ids),
      clear: () => cloud.nova.removeServers(ids),
    }
  },
}

const nightOff: CrashPlay = {
  runbook: 'night-off',
  async set(cloud) {
    const { nova } = cloud
    const ids = await nova.createServers('pair', 'compute2', 2)
    return {
      input: { servers: ids, atOnce: 1 },
      counts: () => countsOf(cloud, ids),
      async left() {
        const shown = await Promise.all(ids.map((id) => nova.show(id)))
        return shown.flatMap(({ name, status }) => (status === 'ACTIVE' ? [] : [`${name} is ${status}`]))
      },
      clear: () => nova.removeServers(ids),
    }
  },
}

const drainHost: CrashPlay = {
  runbook: 'drain-host',
  async set(cloud) {
    const { nova } = cloud
    const host = 'compute4'
    const ids = await nova.createServers('drain', host, 2)
    return {
      input: { host, reason: 'the crash matrix' },
      counts: () => countsOf(cloud, ids),
      async left() {
        const { status } = await nova.service(host)
        return [...(status === 'enabled' ? [] : [`${host} is ${status}`]), ...(await underWay(cloud, ids))]
      },
      async clear() {
        await nova.removeServers(ids)
        await nova.open(host)
      },
    }
  },
}

const restartService: CrashPlay = {
  runbook: 'restart-service',
  async set(cloud) {
    const { stage } = cloud
    const host = 'compute3'
    await loseHost(cloud, host)
    const sinceMs = Date.now()
    return {
      input: { host, binary: 'nova-compute', stableSeconds: 10, withinSeconds: 180 },
      async counts(): Promise<Counts> {
        const starts = readSupervisorLog(await readFile(join(stage.cloud.dir, 'log', 'supervisord.log'), 'utf8'))
        const its = starts.filter((start) => start.host === host && start.at >= sinceMs)
        return new Map([[`restart of nova-compute`, its.length]])
      },
      // a restart is not taken back
      left: async () => [],
      clear: () => mendHost(cloud, host),
    }
  },
}

const evacuateHost = (zone: Zone, host: string): CrashPlay => ({
  runbook: 'evacuate-host',
  async set(cloud) {
    const { nova, bmcs } = cloud
    const ids = await nova.createServers(zone, host, 1)
    await loseHost(cloud, host)
    const resets = bmcs.get(host)?.resets ?? []
    const before = resets.length
    return {
      input: { host, proof: 'ssh', evidence: 'the crash matrix', storage: 'shared', maxServers: 3 },
      async counts() {
        const counts = await countsOf(cloud, ids)
        return counts.set('order to the BMC', resets.length - before)
      },
      async left() {
        const locked = await Promise.all(ids.map((id) => nova.isLocked(id)))
        return [
          ...locked.flatMap((isLocked, at) => (isLocked ? [`server ${at + 1} is locked`] : [])),
          ...(await underWay(cloud, ids)),
        ]
      },
      async clear() {
        await mendHost(cloud, host)
        await nova.removeServers(ids)
      },
    }
  },
})

/** The same runbook in several places, so that several of its cases can be played at the same time. */
export type CrashPlays = readonly [CrashPlay, ...CrashPlay[]]

/** The five most used; what stands in different rows is played at the same time, on hosts of its own. */
export const crashPlays: readonly (readonly CrashPlays[])[] = [
  [[migrateServer], [restartService], [nightOff]],
  [[drainHost]],
  [[evacuateHost('lost-a', 'compute6'), evacuateHost('lost-b', 'compute8')]],
]

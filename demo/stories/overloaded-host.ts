import { startMonitor } from '../stage/monitor.ts'
import { createServer, removeServers, showServer, untilActive } from '../stage/servers.ts'
import { vcpuShare } from '../stage/services.ts'
import { followIncident } from '../stage/stage.ts'
import { expectThat, type Story } from './story.ts'

const host = 'compute1'
const limit = 0.5
/** Flavors by vCPUs: 1.. */
const flavors = ['3', '3', '2', '2', '1']

/** A host has more than its share; Alertmanager says so; Steward moves the fewest servers that help. */
export const overloadedHost: Story = {
  title: 'An overloaded host is relieved',
  async play(stage, tell) {
    const { olga } = stage
    tell(`starting ${flavors.length} servers on ${host}`)
    const ids = await Promise.all(
      flavors.map((flavor, at) => createServer(olga, { name: `load-${at + 1}`, flavor, host })),
    )
    await untilActive(olga, ids)
    const before = await vcpuShare(olga, host)
    tell(`${host} has given away ${Math.round(before * 100)} % of its vCPUs, the limit is ${limit * 100} %`)

    const sinceMs = Date.now()
    const monitor = startMonitor(stage, host, limit)
    try {
      const incident = await followIncident(stage, { policy: 'host-overloaded', host, sinceMs }, tell)
      expectThat(incident.state === 'closed', `the incident is ${incident.state}: ${incident.reason?.detail}`)
      const [run] = incident.runs
      expectThat(run, 'there was no run')
      const after = await vcpuShare(olga, host)
      expectThat(after <= limit, `${host} is still at ${after}`)
      const servers = await Promise.all(ids.map((id) => showServer(olga, id)))
      const moved = servers.filter((server) => server.host !== host)
      for (const server of moved) tell(`${server.name} now runs on ${server.host}`)
      // 7 of 8 vCPUs are in use and 4 may be: a server of 2 and one of 1 are enough
      expectThat(moved.length === 2, `${moved.length} servers were moved, 2 would do`)
      return { workflowId: run.workflowId, runId: run.runId, outcome: run.detail ?? '' }
    } finally {
      await monitor.stop()
      await removeServers(olga, ids)
    }
  },
}

import type { Activities } from '../core/activities.ts'
import { failure } from '../core/errors.ts'
import { readModel } from '../policies/planner/model-file.ts'
import { planGoal } from '../policies/planner/plan-goal.ts'
import { whileBeating } from './beating.ts'
import { readCloudModel } from './cloud-model.ts'
import { runRequestId, type Sessions } from './sessions.ts'

/** Room for servers whose host is lost. */
export const createEvacuationActivities = (
  sessions: Pick<Sessions, 'forRemediation'>,
): Pick<Activities, 'findRoom'> => ({
  /**
   * Finds out whether the other hosts as they are take these servers of a host, by room, zones, groups and pools. No other
   * server is moved to make room. Changes nothing; safe to repeat; heartbeats.
   *
   * @throws PLAN_IMPOSSIBLE with a reason per server; HOST_UNKNOWN, SNAPSHOT_INCOMPLETE, DELEGATION_MISSING, DELEGATION_LOST
   */
  findRoom: ({ host, serverIds }) =>
    whileBeating(async () => {
      const whole = readModel(await readCloudModel(await sessions.forRemediation(), { requestId: runRequestId() }))
      if (!whole.hosts.some(({ name }) => name === host))
        throw failure('HOST_UNKNOWN', `Nova lists no host ${host} that servers could leave`, { host })
      const wanted = new Set(serverIds)
      const servers = whole.servers.flatMap(({ pinned: _, ...server }) => {
        if (wanted.has(server.id)) return [server]
        return server.host === host ? [] : [{ ...server, pinned: 'runs elsewhere' }]
      })
      const known = new Set(servers.map(({ id }) => id))
      const groups = whole.groups.map((group) => ({ ...group, members: group.members.filter((id) => known.has(id)) }))
      // what is started anew has no order to be moved in
      const options = { drain: [host], outgoingPerHost: servers.length + 1 }
      const { moves } = planGoal({ ...whole, servers, groups }, 'drain', options)
      return { places: moves.map(({ serverId, to }) => ({ serverId, host: to })) }
    }),
})

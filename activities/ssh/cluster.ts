import { Context } from '@temporalio/activity'
import type { Activities, ServiceTarget } from '../../core/activities.ts'
import { codeOf, failure, messageOf } from '../../core/errors.ts'
import { type ClusterMember, clustersOf } from '../../core/ssh.ts'
import { healthOf, kindOf, type Report, sentTo } from '../../policies/clusters/cluster.ts'
import type { Pause } from '../pause.ts'
import type { Connection } from './connection.ts'

const pollMs = 5_000

/** Asks the members of a cluster how they are. Changes nothing. */
export function createClusterActivities(
  connection: Connection | undefined,
  pause: Pause,
): Pick<Activities, 'checkCluster' | 'awaitCluster'> {
  function find({ host, binary }: ServiceTarget) {
    const clusters = connection ? [...clustersOf(connection.config).values()] : []
    for (const members of clusters) {
      const own = members.find((member) => member.host === host && member.binary === binary)
      if (connection && own) return { connection, members, own, kind: kindOf(own) }
    }
    throw failure('SSH_NOT_CONFIGURED', `steward.yaml has no cluster for ${binary} on ${host}`, { host, binary })
  }

  async function ask(connection: Connection, member: ClusterMember): Promise<Report> {
    const { stdin } = kindOf(member)
    const asked = { host: member.host, words: healthOf(member), changes: false, stdin }
    return { member, stdout: await connection.output(asked) }
  }

  return {
    /**
     * Makes sure that every member but the one to be restarted is well, and that they can do without it.
     * @throws CLUSTER_DEGRADED also when a member cannot be asked, SSH_NOT_CONFIGURED, SSH_HOST_KEY_MISMATCH
     */
    async checkCluster(target) {
      const { connection, members, own, kind } = find(target)
      const others = members.filter((member) => member !== own)
      const reports = await degradedUnless(own, () => Promise.all(others.map((member) => ask(connection, member))))
      const fault = kind.faultOf(reports, members, own)
      if (fault) throw degraded(own, fault)
      if (!kind.spare || !kind.isUp(reports, own)) return
      const words = sentTo(own, kind.spare)
      const { exitCode, stdout, stderr } = await degradedUnless(own, () =>
        connection.send({ host: own.host, words, changes: false }),
      )
      if (exitCode !== 0) throw degraded(own, `${own.host} cannot be spared: ${(stdout + stderr).trim().slice(0, 300)}`)
    },

    /**
     * Waits until every member is well again, the restarted one included.
     * @throws CLUSTER_DEGRADED when they are not `withinSeconds` after the start
     */
    async awaitCluster({ withinSeconds, ...target }) {
      const { connection, members, own, kind } = find(target)
      const { currentAttemptScheduledTimestampMs: attemptMs } = Context.current().info
      for (;;) {
        const fault = await Promise.all(members.map((member) => ask(connection, member))).then(
          (reports) => kind.faultOf(reports, members),
          (error) => {
            if (codeOf(error) === undefined) throw error
            return messageOf(error)
          },
        )
        if (!fault) return
        if (Date.now() - attemptMs > withinSeconds * 1000)
          throw degraded(own, `not whole again within ${withinSeconds} s: ${fault}`)
        await pause(pollMs)
      }
    },
  }
}

const degraded = ({ cluster, host }: ClusterMember, fault: string) =>
  failure('CLUSTER_DEGRADED', `${cluster.name}: ${fault}`, { cluster: cluster.name, host })

/** A member that cannot be asked is one that is not well. */
async function degradedUnless<T>(own: ClusterMember, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const code = codeOf(error)
    if (code === 'SSH_UNREACHABLE' || code === 'SSH_COMMAND_FAILED') throw degraded(own, messageOf(error))
    throw error
  }
}

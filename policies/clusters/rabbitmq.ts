import { z } from 'zod'
import type { ClusterMember } from '../../core/ssh.ts'
import { parseJson } from '../supervisors/json.ts'
import type { ClusterKind, Report } from './cluster.ts'

const Status = z.object({
  disk_nodes: z.array(z.string()),
  ram_nodes: z.array(z.string()).default([]),
  running_nodes: z.array(z.string()),
  /** An empty list in older versions. */
  partitions: z.union([z.record(z.string(), z.unknown()), z.array(z.unknown())]),
  maintenance_status: z.record(z.string(), z.string()).default({}),
})

const read = ({ stdout }: Report) => Status.safeParse(parseJson(stdout)).data

/** RabbitMQ. A member is asked for the whole cluster, so that all of them must be of one opinion. */
export const rabbitmq: ClusterKind = {
  health: ['rabbitmqctl', 'cluster_status', '--formatter', 'json'],
  spare: ['rabbitmq-diagnostics', '-q', 'check_if_node_is_quorum_critical'],

  faultOf(reports, members, without) {
    for (const report of reports) {
      const { host } = report.member
      const status = read(report)
      if (!status) return `nobody can read what ${host} says of the cluster`
      const nodes = [...status.disk_nodes, ...status.ram_nodes]
      if (nodes.length !== members.length)
        return `${host} knows ${nodes.length} nodes, steward.yaml has ${members.length} members`
      const stranger = members.find((member) => !nodes.some((node) => isNodeOf(node, member)))
      if (stranger) return `${host} knows no node of ${stranger.host}: set \`cluster.node\``
      const missing = nodes.filter(
        (node) => !status.running_nodes.includes(node) && !(without && isNodeOf(node, without)),
      )
      if (missing.length > 0) return `${missing.join(', ')} is not running, as ${host} sees it`
      const [resting] = Object.entries(status.maintenance_status).find(([, said]) => !said.startsWith('not ')) ?? []
      if (resting !== undefined && !(without && isNodeOf(resting, without))) return `${resting} is under maintenance`
      if (Object.keys(status.partitions).length > 0) return `${host} sees a network partition`
    }
    return undefined
  },

  isUp: (reports, member) =>
    reports.some((report) => read(report)?.running_nodes.some((node) => isNodeOf(node, member))),
}

const shortOf = (host: string) => host.split('.', 1)[0]

function isNodeOf(node: string, { host, cluster }: ClusterMember): boolean {
  if (cluster.node !== undefined) return node === cluster.node
  return shortOf(node.slice(node.indexOf('@') + 1)) === shortOf(host)
}

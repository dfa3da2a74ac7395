import type { ClusterKind, Report } from './cluster.ts'

/** Names and values with a tab between. */
const read = ({ stdout }: Report): ReadonlyMap<string, string> =>
  new Map(
    stdout.split('\n').flatMap((line) => {
      const at = line.indexOf('\t')
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1).trimEnd()] as const]
    }),
  )

const sizeOf = (report: Report) => Number(read(report).get('wsrep_cluster_size') ?? Number.NaN)

/** What each member must say of itself. One that gives its data to another, or takes it, is not `Synced`. */
const wanted = [
  ['wsrep_cluster_status', 'Primary'],
  ['wsrep_local_state_comment', 'Synced'],
  ['wsrep_connected', 'ON'],
  ['wsrep_ready', 'ON'],
] as const

/** MariaDB or MySQL with Galera. A member knows only itself and the size, so every one is asked. */
export const galera: ClusterKind = {
  health: ['mysql', '--batch', '--skip-column-names'],
  stdin: "SHOW GLOBAL STATUS LIKE 'wsrep_%';\n",

  faultOf(reports, members, without) {
    for (const report of reports) {
      const { host } = report.member
      const status = read(report)
      for (const [name, value] of wanted)
        if (status.get(name) !== value) return `${host} has ${name} ${status.get(name) ?? 'missing'}, not ${value}`
      const size = sizeOf(report)
      const isWhole = size === members.length || (without !== undefined && size === members.length - 1)
      if (!isWhole) return `${host} is in a cluster of ${size}, steward.yaml has ${members.length} members`
    }
    const states = new Set(reports.map((report) => read(report).get('wsrep_cluster_state_uuid')))
    return states.size > 1 ? 'the members are of different clusters' : undefined
  },

  isUp: (reports) => reports.some((report) => sizeOf(report) > reports.length),
}

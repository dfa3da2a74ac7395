import { compare } from '../placement.ts'
import { defaultMaxCpuPercent, type GoalPlan, type Model, type PlanOptions } from './model.ts'
import { createOccupancy } from './occupancy.ts'
import { whyNowhere } from './reasons.ts'
import { tabulate } from './tables.ts'

/** Why the servers of one host stay where they are, the most frequent reason first. */
export interface Fault {
  readonly host: string
  readonly reasons: readonly { readonly reason: string; readonly count: number; readonly exampleServerId: string }[]
}

/**
 * Answers "why was nothing moved?" for each host whose servers a plan left alone, server by server, as things are after
 * the plan. Hosts without servers have nothing to say.
 */
export function whyLeftAlone(model: Model, plan: Pick<GoalPlan, 'moves'>, options: PlanOptions = {}): Fault[] {
  const tables = tabulate(model, options.maxCpuPercent ?? defaultMaxCpuPercent)
  const rowOf = new Map(tables.hosts.map(({ name }, row) => [name, row]))
  const moved = new Map(plan.moves.map(({ serverId, to }) => [serverId, rowOf.get(to) ?? -1]))
  const occupancy = createOccupancy(
    tables,
    tables.home.map((home, server) => moved.get(tables.servers[server]!.id) ?? home),
  )
  return tables.hosts.flatMap(({ name }, host): Fault[] => {
    const left = occupancy.on[host]!.filter((server) => !moved.has(tables.servers[server]!.id)).sort((a, b) => a - b)
    if (left.length === 0) return []
    const others = [...tables.hosts.keys()].filter((other) => other !== host)
    const reasons = new Map<string, { count: number; exampleServerId: string }>()
    for (const server of left) {
      const reason = reasonFor(server, others)
      const known = reasons.get(reason)
      reasons.set(reason, {
        count: (known?.count ?? 0) + 1,
        exampleServerId: known?.exampleServerId ?? tables.servers[server]!.id,
      })
    }
    return [
      {
        host: name,
        reasons: [...reasons]
          .map(([reason, rest]) => ({ reason, ...rest }))
          .sort((a, b) => b.count - a.count || compare(a.reason, b.reason)),
      },
    ]
  })

  function reasonFor(server: number, others: readonly number[]): string {
    const stays = tables.stays[server]
    if (stays !== undefined) return `has to stay: ${stays}`
    if (others.some((other) => occupancy.fits(server, other)))
      return 'could move, but that would not bring the goal nearer, or not by enough'
    return `fits nowhere else: ${whyNowhere(tables, occupancy, server, others)}`
  }
}

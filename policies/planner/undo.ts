import { assemble } from './assemble.ts'
import { checkPlan } from './check.ts'
import {
  defaultMaxCpuPercent,
  type GoalPlan,
  type Model,
  type ModelServer,
  type PlannedMove,
  type PlanOptions,
} from './model.ts'
import { tabulate } from './tables.ts'
import { schedule } from './waves.ts'

export interface UndoPlan {
  readonly moves: readonly PlannedMove[]
  /** Why there is no way back that keeps all rules. */
  readonly impossible?: string
}

/**
 * The model with these moves made. Servers go on relying on the CPU features of the host they began on, and hosts they
 * left take servers again, as is expected of whoever wants to go back.
 */
export function afterMoves(model: Model, moves: readonly Pick<PlannedMove, 'serverId' | 'to'>[]): Model {
  const at = new Map(moves.map(({ serverId, to }) => [serverId, to]))
  const began = new Map(model.hosts.map(({ name, cpuTraits }) => [name, cpuTraits]))
  return {
    ...model,
    servers: model.servers.map((server) => {
      const to = at.get(server.id)
      const cpuTraits = server.cpuTraits ?? began.get(server.host) ?? []
      return to === undefined ? server : { ...server, host: to, cpuTraits }
    }),
  }
}

/**
 * The way back from a plan that was carried out: every server returns to where it began, in waves that keep all rules,
 * the first moved last where order matters. What an independent checker would not pass is not offered.
 *
 * Hosts that were above the CPU limit before may be so again: that is where things were.
 */
export function undoOf(model: Model, { moves }: Pick<GoalPlan, 'moves'>, options: PlanOptions = {}): UndoPlan {
  const left = new Set(moves.map(({ from }) => from))
  const done = afterMoves(model, moves)
  const open: Model = {
    ...done,
    hosts: done.hosts.map((host) => (left.has(host.name) ? { ...host, usable: true } : host)),
  }
  const maxCpuPercent = Math.max(options.maxCpuPercent ?? defaultMaxCpuPercent, hottest(model))
  const began = new Map(model.servers.map(({ id, host }) => [id, host]))
  const { plan, impossible } = returning(open, began, { ...options, maxCpuPercent })
  return plan ? { moves: plan.moves } : { moves: [], impossible }
}

type Returning =
  | { readonly plan: GoalPlan; readonly impossible?: never }
  | { readonly plan?: never; readonly impossible: string }

/** A plan that brings servers to the hosts named, by server id; those not named stay. */
export function returning(model: Model, homes: ReadonlyMap<string, string>, options: PlanOptions = {}): Returning {
  const { maxCpuPercent = defaultMaxCpuPercent, outgoingPerHost = 1 } = options
  const tables = tabulate(model, maxCpuPercent)
  const rowOf = new Map(tables.hosts.map(({ name }, row) => [name, row]))
  const target = Int32Array.from(tables.servers, ({ id, host }) => rowOf.get(homes.get(id) ?? host) ?? -1)
  const spares = [...tables.hosts.keys()].filter((row) => tables.usable[row])
  const { steps, blocked } = schedule(tables, target, { outgoingPerHost, spares })
  if (blocked.length > 0)
    return { impossible: `no order of moves brings ${blocked.length} servers back with room at every moment` }
  const plan = assemble(tables, 'balance', { steps, skipped: [], bound: 0 }, ({ from, to, detour }) => {
    const [here, there] = [tables.hosts[from]!.name, tables.hosts[to]!.name]
    return detour ? `steps aside to ${there} for a while: servers wait for each other` : `goes back from ${here}`
  })
  const broken = checkPlan(model, plan, { maxCpuPercent, outgoingPerHost })
  return broken.length > 0 ? { impossible: `the way back breaks a rule: ${broken[0]}` } : { plan }
}

/** Real CPU of the busiest host, now or over the day, in percent of its threads. */
export function hottest({ hosts, servers }: Model): number {
  const onScale = (use: (server: ModelServer) => number) => {
    const busy = new Map<string, number>()
    for (const server of servers) busy.set(server.host, (busy.get(server.host) ?? 0) + use(server))
    return hosts.reduce((most, { name, threads }) => Math.max(most, (busy.get(name) ?? 0) / threads), 0)
  }
  const percent = Math.max(
    onScale(({ cpuPercent }) => cpuPercent),
    onScale(({ cpuPercent, cpuPercentOfDay = cpuPercent }) => cpuPercentOfDay),
  )
  // one server that passes through while another has not left yet counts on both, so a little more than before
  return percent + 1e-3
}

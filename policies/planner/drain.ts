import { failure } from '../../core/errors.ts'
import { assemble } from './assemble.ts'
import { boundHosts } from './bound.ts'
import { placeByEjection } from './ejection.ts'
import { defaultMaxCpuPercent, type GoalPlan, type Model, type PlanOptions, type Skipped } from './model.ts'
import { createOccupancy, type Occupancy } from './occupancy.ts'
import { favour, packLargestFirst, sizeOf, weigh } from './packing.ts'
import { tiedHosts, whyNowhere } from './reasons.ts'
import { bringHome } from './restore.ts'
import { type Tables, tabulate, width } from './tables.ts'
import { type Step, schedule } from './waves.ts'

/**
 * Plans how to empty the hosts named in `drain`, with few moves and onto the emptiest hosts; or refuses. Never half.
 *
 * Hosts without servers are put to use only when the others do not suffice. Room, real CPU, zones and groups hold in
 * every wave. Where room is short, servers of other hosts are moved to make some.
 *
 * @throws PLAN_IMPOSSIBLE with a reason per server in `reasons`, as `{ serverId, reason }`
 */
export function drain(model: Model, options: PlanOptions = {}): GoalPlan {
  const tables = tabulate(model, options.maxCpuPercent ?? defaultMaxCpuPercent)
  const start = createOccupancy(tables)
  const names = new Set(options.drain)
  const isDrained = Uint8Array.from(tables.hosts, ({ name }) => (names.has(name) ? 1 : 0))
  const sources = tables.hosts.flatMap((_, row) => (isDrained[row] ? [row] : []))
  const others = tables.hosts.flatMap((_, row) => (isDrained[row] ? [] : [row]))
  const leaving = sources.flatMap((host) => start.on[host]!).sort((a, b) => a - b)
  refuseStaying(tables, leaving)

  const inUse = others.filter((host) => start.on[host]!.length > 0)
  const steps = firstThatWorks(tables, leaving, [inUse, others], options) ?? refuse(tables, leaving, others, options)
  const bound = boundHosts(
    tables,
    start.used,
    others,
    tiedHosts(
      tables,
      start,
      tables.hosts.map((_, row) => row),
    ),
  )
  const skipped = sources.flatMap((host): Skipped[] =>
    start.on[host]!.length > 0 ? [] : [{ host: tables.hosts[host]!.name, reason: 'holds no servers' }],
  )
  return assemble(tables, 'drain', { steps, skipped, bound }, ({ from, to, detour }) => {
    if (detour) return `steps aside to ${tables.hosts[to]!.name} for a while: servers wait for each other`
    return isDrained[from]
      ? `leaves ${tables.hosts[from]!.name}, which is drained`
      : `makes room on ${tables.hosts[from]!.name} for others`
  })
}

/** The first of several ways that empties the hosts and can be put in order. */
function firstThatWorks(
  tables: Tables,
  leaving: readonly number[],
  choices: readonly (readonly number[])[],
  { outgoingPerHost = 1, maxMoves = Number.POSITIVE_INFINITY }: PlanOptions,
): readonly Step[] | undefined {
  for (const all of choices) {
    const receivers = all.filter((host) => tables.usable[host])
    if (receivers.length === 0) continue
    for (const pack of [packEmptiest, packLargestFirst]) {
      const occupancy = createOccupancy(tables)
      for (const server of leaving) occupancy.take(server)
      const weights = weigh(tables, occupancy, leaving, receivers)
      const left = pack(tables, occupancy, leaving, receivers, weights)
      if (placeByEjection(tables, occupancy, left, receivers, weights, { left: 1e8 }, 0).length > 0) continue
      bringHome(tables, occupancy, receivers)
      const { steps, blocked } = schedule(tables, occupancy.at, { outgoingPerHost, spares: receivers })
      if (blocked.length === 0 && steps.length <= maxMoves) return steps
    }
  }
  return undefined
}

/** Places servers, largest first, each where the fullest resource of the host stays lowest. */
function packEmptiest(
  tables: Tables,
  { at, used, fits, put }: Occupancy,
  servers: readonly number[],
  receivers: readonly number[],
  weights: Float64Array,
): number[] {
  const { capacity, uses, wishes } = tables
  const left: number[] = []
  const size = new Map(servers.map((server) => [server, sizeOf(tables, weights, server)]))
  for (const server of servers.toSorted((a, b) => size.get(b)! - size.get(a)! || a - b)) {
    let chosen = -1
    let lowest = Number.POSITIVE_INFINITY
    for (const host of receivers) {
      if (!fits(server, host)) continue
      let fullest = 0
      for (let kind = 0; kind < width; kind++) {
        const amount = used[host * width + kind]! + uses[server * width + kind]!
        if (amount > 0) fullest = Math.max(fullest, amount / capacity[host * width + kind]!)
      }
      const wished = wishes[server]
      if (wished) fullest /= favour(wished, at, host)
      if (fullest < lowest) {
        lowest = fullest
        chosen = host
      }
    }
    if (chosen < 0) left.push(server)
    else put(server, chosen)
  }
  return left
}

function refuseStaying({ stays, servers }: Tables, leaving: readonly number[]): void {
  const reasons = leaving.flatMap((server) =>
    stays[server] === undefined ? [] : [{ serverId: servers[server]!.id, reason: stays[server] }],
  )
  if (reasons.length === 0) return
  throw impossible(`${reasons.length} of ${leaving.length} servers have to stay`, reasons)
}

/** Says which servers are in the way: those that fit nowhere, else all that are left when the largest went first. */
function refuse(
  tables: Tables,
  leaving: readonly number[],
  others: readonly number[],
  { maxMoves = Number.POSITIVE_INFINITY }: PlanOptions,
): never {
  if (leaving.length > maxMoves) {
    const message = `it takes at least ${leaving.length} moves, and ${maxMoves} are allowed`
    throw impossible(message, [])
  }
  const reasonFor = (server: number, occupancy: Occupancy) => ({
    serverId: tables.servers[server]!.id,
    reason: `fits on no other host: ${whyNowhere(tables, occupancy, server, others)}`,
  })
  const alone = createOccupancy(tables)
  for (const server of leaving) alone.take(server)
  const hopeless = leaving.filter((server) => !others.some((host) => alone.fits(server, host)))
  if (hopeless.length > 0) {
    const message = `${hopeless.length} of ${leaving.length} servers fit on no other host as it is`
    throw impossible(
      message,
      hopeless.map((server) => reasonFor(server, alone)),
    )
  }
  const receivers = others.filter((host) => tables.usable[host])
  const left = packLargestFirst(tables, alone, leaving, receivers, weigh(tables, alone, leaving, receivers))
  throw impossible(
    left.length > 0
      ? `no way was found to place all ${leaving.length} servers: ${left.length} are left over`
      : `no order of moves was found that fits at every moment${maxMoves < Infinity ? ` with at most ${maxMoves} moves` : ''}`,
    left.map((server) => reasonFor(server, alone)),
  )
}

function impossible(why: string, reasons: readonly { serverId: string; reason: string }[]) {
  const listed = reasons.slice(0, reasonsShown).map(({ serverId, reason }) => `${serverId}: ${reason}`)
  const more = reasons.length > reasonsShown ? `; and ${reasons.length - reasonsShown} more` : ''
  const message = `the hosts cannot be drained: ${why}${listed.length > 0 ? `; ${listed.join('; ')}${more}` : ''}`
  return failure('PLAN_IMPOSSIBLE', message, { reasons })
}

const reasonsShown = 5

import { assemble } from './assemble.ts'
import { boundHosts } from './bound.ts'
import { type Dimension, dimensionsOf, sharesOf } from './dimensions.ts'
import { defaultMaxCpuPercent, type GoalPlan, type Model, type PlanOptions, type Skipped } from './model.ts'
import { createOccupancy, type Occupancy } from './occupancy.ts'
import { tiedHosts, whyNowhere } from './reasons.ts'
import { type Tables, tabulate } from './tables.ts'
import { schedule } from './waves.ts'

const looked = { cpu: 1, disk: 1, network: 1 } as const

/**
 * Moves servers away that take much of a busy host: more than `noisyPercent` of its CPU, disk or network while it is
 * above `busyPercent` there. The noisiest goes first, to the host that is least used after it came; it stops when the
 * host is no longer busy, and no host that receives becomes busy.
 */
export function evictNoisy(model: Model, options: PlanOptions = {}): GoalPlan {
  const { maxMoves = Number.POSITIVE_INFINITY, outgoingPerHost = 1, noisyPercent = 25, busyPercent = 70 } = options
  const tables = tabulate(model, options.maxCpuPercent ?? defaultMaxCpuPercent)
  const occupancy = createOccupancy(tables)
  const dimensions = dimensionsOf(tables, looked)
  const all = [...tables.hosts.keys()]
  const bound = boundHosts(tables, occupancy.used, all, tiedHosts(tables, occupancy, all))
  const skipped: Skipped[] = []
  const why = new Map<number, string>()
  for (const noisy of noisyServers(tables, occupancy, dimensions, noisyPercent, busyPercent)) {
    const { server, host, dimension, percent } = noisy
    const { id } = tables.servers[server]!
    const busy = sharesOf(dimension, occupancy.at)[host]!
    const what = `takes ${percent.toFixed(0)} % of the ${dimension.name} of ${tables.hosts[host]!.name}`
    if (busy <= busyPercent) continue
    const stays = tables.stays[server]
    const to = stays === undefined ? quietest(occupancy, dimensions, server, all, busyPercent) : undefined
    if (to === undefined) {
      const others = all.filter((one) => one !== host)
      const reason =
        stays ??
        `no other host takes it and stays below ${busyPercent} %: ${whyNowhere(tables, occupancy, server, others)}`
      skipped.push({ serverId: id, reason: `${what}, and has to stay: ${reason}` })
    } else if (why.size >= maxMoves) skipped.push({ serverId: id, reason: `${what}: all ${maxMoves} moves are used` })
    else {
      why.set(server, `${what}, which is at ${busy.toFixed(0)} %`)
      occupancy.take(server)
      occupancy.put(server, to)
    }
  }
  const spares = all.filter((host) => tables.usable[host])
  const { steps } = schedule(tables, occupancy.at, { outgoingPerHost, spares })
  return assemble(
    tables,
    'evict-noisy',
    { steps: steps.slice(0, maxMoves), skipped, bound },
    ({ server, to, detour }) =>
      detour
        ? `steps aside to ${tables.hosts[to]!.name} for a while: servers wait for each other`
        : (why.get(server) ?? ''),
  )
}

interface Noisy {
  readonly server: number
  readonly host: number
  readonly dimension: Dimension
  readonly percent: number
}

function noisyServers(
  { home }: Tables,
  { at }: Occupancy,
  dimensions: readonly Dimension[],
  noisyPercent: number,
  busyPercent: number,
): Noisy[] {
  const found = new Map<number, Noisy>()
  for (const dimension of dimensions) {
    const shares = sharesOf(dimension, at)
    home.forEach((host, server) => {
      const percent = dimension.amounts[server]! * dimension.percentPerUnit[host]!
      if (shares[host]! <= busyPercent || percent <= noisyPercent) return
      if (percent > (found.get(server)?.percent ?? 0)) found.set(server, { server, host, dimension, percent })
    })
  }
  return [...found.values()].sort((a, b) => b.percent - a.percent || a.server - b.server)
}

/** The host whose fullest dimension is emptiest once the server came; none where that were busy. */
function quietest(
  { at, fits }: Occupancy,
  dimensions: readonly Dimension[],
  server: number,
  hosts: readonly number[],
  busyPercent: number,
): number | undefined {
  const shares = dimensions.map((dimension) => sharesOf(dimension, at))
  let chosen: number | undefined
  let lowest = busyPercent
  for (const host of hosts) {
    if (host === at[server] || !fits(server, host)) continue
    const fullest = dimensions.reduce(
      (most, { amounts, percentPerUnit }, i) =>
        Math.max(most, shares[i]![host]! + amounts[server]! * percentPerUnit[host]!),
      0,
    )
    if (fullest > lowest || (fullest === lowest && chosen !== undefined)) continue
    lowest = fullest
    chosen = host
  }
  return chosen
}

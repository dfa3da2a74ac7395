import { cpu, cpuOfDay, type Tables, width } from './tables.ts'

/** What hosts can be levelled by: real use, CPU when busy over a day too, and vCPUs given away. */
export const dimensionNames = ['cpu', 'cpu-day', 'memory', 'disk', 'network', 'vcpu'] as const
export type DimensionName = (typeof dimensionNames)[number]
export type Weights = Readonly<Partial<Record<DimensionName, number>>>

/** One of them as numbers. Amounts are whole, so that sums are exact. */
export interface Dimension {
  /** For people. */
  readonly name: string
  /** Share of all weights, 0..1. */
  readonly weight: number
  /** By row of the server, in thousandths of its unit. */
  readonly amounts: Float64Array
  /** Percent of the host that one unit of `amounts` is, by row of the host; 0 where the host's size is not known. */
  readonly percentPerUnit: Float64Array
}

/** What is levelled where a day is known and nobody said what to level: real CPU counts as much as ever, half of it over the day. */
export const withDay = ({ cpu: share = 0, ...others }: Weights): Weights => ({
  ...{ cpu: share / 2, 'cpu-day': share / 2 },
  ...others,
})

/**
 * The dimensions with a weight, real CPU always the first, on both scales where a day is known: hosts above the CPU limit
 * count whatever the weights.
 *
 * Where the day is levelled as well, CPU counts for that no higher than over the day: what is above it is a spike, which is
 * over before servers have moved. For the limit it counts whole.
 *
 * Memory is what is really used, where that was measured. Disk and network are transfers per second, and count only on
 * hosts that say what they can carry.
 */
export function dimensionsOf(tables: Tables, weights: Weights): Dimension[] {
  const { hosts, servers, uses, isDayKnown } = tables
  const total = dimensionNames.reduce((sum, name) => sum + (weights[name] ?? 0), 0)
  const whole = (of: (server: number) => number) =>
    Float64Array.from(servers, (_, server) => Math.round(of(server) * 1000))
  const per = (size: (host: (typeof hosts)[number]) => number) =>
    Float64Array.from(hosts, (host) => (size(host) > 0 ? 100 / 1000 / size(host) : 0))
  const real = (of: (now: number, ofDay: number) => number) => ({
    amounts: Float64Array.from(servers, (_, server) => {
      const now = uses[server * width + cpu]!
      return of(now, isDayKnown ? uses[server * width + cpuOfDay]! : now)
    }),
    percentPerUnit: Float64Array.from(hosts, ({ threads }) => 1 / 1000 / threads),
  })
  const figures: Record<DimensionName, Pick<Dimension, 'amounts' | 'percentPerUnit'>> = {
    cpu: real((now) => now),
    'cpu-day': real((_, ofDay) => ofDay),
    memory: {
      amounts: whole((server) => servers[server]!.memoryUsedMiB ?? servers[server]!.uses.memoryMiB),
      percentPerUnit: per(({ capacity }) => capacity.memoryMiB),
    },
    disk: { amounts: whole((server) => servers[server]!.diskIops ?? 0), percentPerUnit: per((h) => h.diskIops ?? 0) },
    network: {
      amounts: whole((server) => servers[server]!.networkMbps ?? 0),
      percentPerUnit: per((h) => h.networkMbps ?? 0),
    },
    vcpu: {
      amounts: whole((server) => servers[server]!.uses.vcpu),
      percentPerUnit: per(({ capacity }) => capacity.vcpu),
    },
  }
  const share = (name: DimensionName) => (total > 0 ? (weights[name] ?? 0) / total : 0)
  const all = dimensionNames
    .filter((name) => name === 'cpu' || share(name) > 0 || (name === 'cpu-day' && isDayKnown))
    .map((name) => ({ name: words[name] ?? name, weight: share(name), ...figures[name] }))
  if (!isDayKnown || share('cpu-day') === 0 || share('cpu') === 0) return all
  const [now, ...others] = all as [Dimension, ...Dimension[]]
  const steady = { name: 'cpu without spikes', weight: now.weight, ...real(Math.min) }
  return [{ ...now, weight: 0 }, ...others, steady]
}

const words: Partial<Record<DimensionName, string>> = { 'cpu-day': 'cpu over the day' }

/** Percent of each host in use, by row, with the servers where `at` has them. */
export function sharesOf({ amounts, percentPerUnit }: Dimension, at: Int32Array): Float64Array {
  const sums = new Float64Array(percentPerUnit.length)
  at.forEach((host, server) => {
    if (host >= 0) sums[host]! += amounts[server]!
  })
  return sums.map((sum, host) => sum * percentPerUnit[host]!)
}

import { cpu, type Tables, width } from './tables.ts'

/** What hosts can be levelled by: real use, and vCPUs given away. */
export const dimensionNames = ['cpu', 'memory', 'disk', 'network', 'vcpu'] as const
export type DimensionName = (typeof dimensionNames)[number]
export type Weights = Readonly<Partial<Record<DimensionName, number>>>

/** One of them as numbers. Amounts are whole, so that sums are exact. */
export interface Dimension {
  readonly name: DimensionName
  /** Share of all weights, 0..1. */
  readonly weight: number
  /** By row of the server, in thousandths of its unit. */
  readonly amounts: Float64Array
  /** Percent of the host that one unit of `amounts` is, by row of the host; 0 where the host's size is not known. */
  readonly percentPerUnit: Float64Array
}

/**
 * The dimensions with a weight, real CPU always the first: hosts above the CPU limit count whatever the weights.
 *
 * Memory is what is really used, where that was measured. Disk and network are transfers per second, and count only on
 * hosts that say what they can carry.
 */
export function dimensionsOf(tables: Tables, weights: Weights): Dimension[] {
  const { hosts, servers, uses } = tables
  const total = dimensionNames.reduce((sum, name) => sum + (weights[name] ?? 0), 0)
  const whole = (of: (server: number) => number) =>
    Float64Array.from(servers, (_, server) => Math.round(of(server) * 1000))
  const per = (size: (host: (typeof hosts)[number]) => number) =>
    Float64Array.from(hosts, (host) => (size(host) > 0 ? 100 / 1000 / size(host) : 0))
  const figures: Record<DimensionName, Pick<Dimension, 'amounts' | 'percentPerUnit'>> = {
    cpu: {
      amounts: Float64Array.from(servers, (_, server) => uses[server * width + cpu]!),
      percentPerUnit: Float64Array.from(hosts, ({ threads }) => 1 / 1000 / threads),
    },
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
  return dimensionNames
    .filter((name) => name === 'cpu' || (weights[name] ?? 0) > 0)
    .map((name) => ({ name, weight: total > 0 ? (weights[name] ?? 0) / total : 0, ...figures[name] }))
}

/** Percent of each host in use, by row, with the servers where `at` has them. */
export function sharesOf({ amounts, percentPerUnit }: Dimension, at: Int32Array): Float64Array {
  const sums = new Float64Array(percentPerUnit.length)
  at.forEach((host, server) => {
    if (host >= 0) sums[host]! += amounts[server]!
  })
  return sums.map((sum, host) => sum * percentPerUnit[host]!)
}

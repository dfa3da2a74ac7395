import { loads } from './assemble.ts'
import { cpu, cpuOfDay, type Tables } from './tables.ts'

/** Real CPU use of all hosts on one scale of time. */
export interface Scale {
  /** Column of the tables. */
  readonly kind: number
  /** What follows `CPU`; nothing where there is one scale only. */
  readonly words: string
  /** Percent of the threads of each host, by row. */
  readonly loads: Float64Array
  readonly mean: number
}

/** Now, and over the day where that is known. */
export function scalesOf(tables: Tables, at: Int32Array): Scale[] {
  const scale = (kind: number, words: string): Scale => {
    const all = loads(tables, at, kind)
    return { kind, words, loads: all, mean: all.reduce((sum, load) => sum + load, 0) / Math.max(1, all.length) }
  }
  return tables.isDayKnown ? [scale(cpu, ' now'), scale(cpuOfDay, ' over the day')] : [scale(cpu, '')]
}

/** The scale that says most about a host: where it is furthest above the limit, else where it is furthest above the mean. */
export function tellingScale(scales: readonly Scale[], host: number, maxCpuPercent: number): number {
  const above = (limitOf: (scale: Scale) => number) => scales.map((scale) => scale.loads[host]! - limitOf(scale))
  const overLimit = above(() => maxCpuPercent)
  const telling = overLimit.some((excess) => excess > 0) ? overLimit : above(({ mean }) => mean)
  return telling.indexOf(Math.max(...telling))
}

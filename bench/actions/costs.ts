import { readFile } from 'node:fs/promises'
import type { BenchEngine } from '../engine.ts'

/** CPU time and memory used so far: Steward, with the bench itself, is one process, Temporal the other. */
export interface Costs {
  readonly stewardMs: number
  readonly temporalMs: number
  readonly residentBytes: number
}

export async function costs({ temporalPid }: BenchEngine): Promise<Costs> {
  globalThis.gc?.()
  const { user, system } = process.cpuUsage()
  const fields = (await readFile(`/proc/${temporalPid}/stat`, 'utf8')).split(' ')
  // ticks of 10 ms
  const temporalMs = (Number(fields[13]) + Number(fields[14])) * 10
  return { stewardMs: (user + system) / 1000, temporalMs, residentBytes: process.memoryUsage().rss }
}

/** CPU-ms of each of `count` between two moments. */
export const costOfEach = (before: Costs, after: Costs, count: number) => ({
  steward: (after.stewardMs - before.stewardMs) / count,
  temporal: (after.temporalMs - before.temporalMs) / count,
})

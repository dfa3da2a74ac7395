import type { MeasuredUse, Usage } from './cloud-reading.ts'

type ByServer = ReadonlyMap<string, number>

/** What was measured, each by server id. */
export interface Measurements {
  readonly cpuPercentOfOwn: ByServer
  /** Undefined: not asked. */
  readonly cpuPercentOfOwnOfDay?: ByServer
  readonly ageSeconds: ByServer
  readonly memoryUsedMiB: ByServer
  readonly networkMbps: ByServer
  readonly diskIops: ByServer
}

/**
 * What servers use. One whose CPU was measured too long ago, or at a moment nobody knows, is none of them; the rest of what
 * is known of a server may be missing. Its day is known of one that has just arrived somewhere too.
 */
export function measuredUse(measured: Measurements, maxAgeSeconds: number): MeasuredUse {
  const { cpuPercentOfOwn, cpuPercentOfOwnOfDay, ageSeconds, memoryUsedMiB, networkMbps, diskIops } = measured
  const usage = new Map<string, Usage>()
  const notCounted = new Map<string, string>()
  for (const [id, cpu] of cpuPercentOfOwn) {
    const age = ageSeconds.get(id)
    if (age === undefined) notCounted.set(id, 'nobody knows when its use was measured')
    else if (age > maxAgeSeconds)
      notCounted.set(id, `its use was measured ${Math.round(age)} s ago, more than ${maxAgeSeconds} s`)
    else
      usage.set(id, {
        cpuPercentOfOwn: share(cpu),
        ...known('memoryUsedMiB', memoryUsedMiB.get(id)),
        ...known('networkMbps', networkMbps.get(id)),
        ...known('diskIops', diskIops.get(id)),
      })
  }
  if (!cpuPercentOfOwnOfDay) return { usage, notCounted }
  return { usage, notCounted, ofDay: new Map([...cpuPercentOfOwnOfDay].map(([id, cpu]) => [id, share(cpu)])) }
}

const share = (percent: number) => Math.min(100, Math.max(0, percent))

/** A counter that began anew, or a guest that sees more than it has, gives no figure to count on. */
const known = (name: keyof Usage, value: number | undefined) =>
  value !== undefined && value >= 0 ? { [name]: value } : {}

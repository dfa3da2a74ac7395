import type { BenchEngine } from '../engine.ts'

/** When calls arrived at the stub cloud, epoch ms, by path. */
export interface Arrivals {
  readonly byPath: ReadonlyMap<string, number[]>
  /** Waits until `count` paths were called. @throws after `withinMs` */
  all(count: number, withinMs: number): Promise<void>
  stop(): void
}

/** Notes calls to paths that end so. */
export function noteArrivals({ cloud }: BenchEngine, ending: string): Arrivals {
  const byPath = new Map<string, number[]>()
  let told: () => void = () => undefined
  cloud.onCall = (path, atMs) => {
    if (!path.endsWith(ending)) return
    byPath.set(path, [...(byPath.get(path) ?? []), performance.timeOrigin + atMs])
    told()
  }
  return {
    byPath,
    all: (count, withinMs) =>
      new Promise((resolve, reject) => {
        const end = setTimeout(() => reject(new Error(`${byPath.size} of ${count} calls came`)), withinMs)
        told = () => {
          if (byPath.size < count) return
          clearTimeout(end)
          resolve()
        }
        told()
      }),
    stop: () => {
      cloud.onCall = () => undefined
    },
  }
}

/** How late each path was called, and whether any was called twice or too early. @throws when one was */
export function latenessOf({ byPath }: Arrivals, dueMs: number): number[] {
  const late = [...byPath.values()].map(([firstMs = Number.NaN]) => firstMs - dueMs)
  const twice = [...byPath].filter(([, times]) => times.length > 1)
  if (twice.length > 0) throw new Error(`${twice.length} calls were made more than once, such as ${twice[0]?.[0]}`)
  // two clocks in one process are a millisecond apart
  if (late.some((ms) => ms < -2)) throw new Error(`a call came ${-Math.min(...late)} ms early`)
  return late
}

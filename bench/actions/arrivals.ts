import type { BenchEngine } from '../engine.ts'

/** When calls arrived at the stub cloud, epoch ms, by path. */
export interface Arrivals {
  readonly byPath: ReadonlyMap<string, number[]>
  /** Waits until `count` paths were called, for `withinMs` at most; how many were not. */
  missing(count: number, withinMs: number): Promise<number>
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
    missing: (count, withinMs) =>
      new Promise((resolve) => {
        const end = setTimeout(() => resolve(count - byPath.size), withinMs)
        told = () => {
          if (byPath.size < count) return
          clearTimeout(end)
          resolve(0)
        }
        told()
      }),
    stop: () => {
      cloud.onCall = () => undefined
    },
  }
}

/** How late each path was called, and whether any was called twice or too early. @throws when one was */
export function latenessOf({ byPath }: Arrivals, dueMsOf: (path: string) => number): number[] {
  const late = [...byPath].map(([path, [firstMs = Number.NaN]]) => firstMs - dueMsOf(path))
  const twice = [...byPath].filter(([, times]) => times.length > 1)
  if (twice.length > 0) throw new Error(`${twice.length} calls were made more than once, such as ${twice[0]?.[0]}`)
  // two clocks in one process are a millisecond apart
  if (late.some((ms) => ms < -2)) throw new Error(`a call came ${-Math.min(...late)} ms early`)
  return late
}

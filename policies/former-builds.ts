/** Code that runs began with before the current one, as the engine and the cloud of workers know it. */
export interface FormerBuild {
  readonly id: string
  readonly openRuns: number
  /** The engine has seen that no run is bound to it any more. */
  readonly isDrained: boolean
  /** Some worker asks for work for it. */
  readonly isServed: boolean
}

export interface FormerBuilds {
  /** Newest first. */
  readonly builds: readonly FormerBuild[]
  /** Bundles on this machine, the worker's own one left out. */
  readonly kept: readonly { readonly buildId: string; readonly keptAtMs: number }[]
  readonly most: number
  readonly nowMs: number
}

export interface Served {
  /** To be served by this machine. */
  readonly serve: readonly string[]
  /** Their runs wait: no worker has them, and this machine cannot. */
  readonly missing: readonly FormerBuild[]
  /** Their runs wait for others to end. */
  readonly beyond: readonly FormerBuild[]
  /** Bundles that nothing needs any more. */
  readonly forget: readonly string[]
}

/** A worker keeps its bundle before the engine hears of it. */
const keptAnywayMs = 10 * 60_000

/**
 * Which former code a worker has to serve so that runs end on what they began with. A bundle is only forgotten when the
 * engine itself has seen that no run needs it: its index of runs may be a moment late.
 */
export function serveFormer({ builds, kept, most, nowMs }: FormerBuilds): Served {
  const has = new Set(kept.map(({ buildId }) => buildId))
  const needed = builds.filter(({ openRuns }) => openRuns > 0)
  const servable = needed.filter(({ id }) => has.has(id))
  const mayBeNeeded = new Set(
    builds.filter(({ openRuns, isDrained }) => openRuns > 0 || !isDrained).map(({ id }) => id),
  )
  return {
    serve: servable.slice(0, most).map(({ id }) => id),
    missing: needed.filter(({ id, isServed }) => !has.has(id) && !isServed),
    beyond: servable.slice(most).filter(({ isServed }) => !isServed),
    forget: kept
      .filter(({ buildId, keptAtMs }) => !mayBeNeeded.has(buildId) && nowMs - keptAtMs > keptAnywayMs)
      .map(({ buildId }) => buildId),
  }
}

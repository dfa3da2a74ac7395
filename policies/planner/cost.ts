import type { GoalPlan, Model, ModelHost, ModelServer, PlannedMove } from './model.ts'

/** How migrations go here. */
export interface Migrations {
  /** What one host sends or receives, shared by the moves of a wave that touch it. @default 500 */
  readonly bandwidthMiBps?: number
  /** Longest standstill aimed at (Nova's `live_migration_downtime`). @default 500 */
  readonly maxDowntimeMs?: number
  /** Time that any move takes, however small: scheduling, checks, ports. @default 5000 */
  readonly overheadMs?: number
  /** A cold one: shutting a server down and starting it again; Nova gives its system 60 s to shut down. @default 60 000 */
  readonly restartMs?: number
}

/** What one move is expected to be like. */
export interface MoveForecast {
  readonly durationMs: number
  /** How long the server stands still at the end. */
  readonly downtimeMs: number
  /** Memory and disk sent, repeats included. */
  readonly copiedMiB: number
  /** False: it rewrites its memory faster than it can be copied, so the move does not end by itself. */
  readonly converges: boolean
}

/** Real CPU use of a host in percent of its threads. */
export interface LoadChange {
  readonly host: string
  readonly beforePercent: number
  readonly afterPercent: number
}

export interface ForecastMove extends PlannedMove, MoveForecast {
  readonly source: LoadChange
  readonly target: LoadChange
}

/** What a plan is expected to cost. */
export interface Forecast {
  readonly moves: readonly ForecastMove[]
  /** Wave after wave, each as long as its slowest move. */
  readonly durationMs: number
  /** Of all servers together. */
  readonly downtimeMs: number
  readonly copiedMiB: number
  /** Of all moves together, however many run at the same time. */
  readonly movingMs: number
}

/** Rounds of copying after which a hypervisor gives up hoping. */
const mostRounds = 30

/**
 * Foretells one live migration by pre-copy: all memory is sent, then what was rewritten meanwhile, again and again, until
 * the rest fits into the standstill. Memory whose use was not measured counts whole, a dirty rate not measured as none.
 *
 * A cold one copies the disk and no memory; a server that runs is down for all of it.
 */
export function forecastMove(server: ModelServer, migrations: Migrations = {}): MoveForecast {
  if (server.kind === 'cold') return forecastColdMove(server, migrations)
  const { uses, memoryUsedMiB, dirtyMiBps = 0, copiedDiskGiB = 0 } = server
  const { bandwidthMiBps = 500, maxDowntimeMs = 500, overheadMs = 5000 } = migrations
  const memoryMiB = Math.min(uses.memoryMiB, memoryUsedMiB ?? uses.memoryMiB)
  const diskMiB = copiedDiskGiB * 1024
  let seconds = diskMiB / bandwidthMiBps
  let copiedMiB = diskMiB + memoryMiB
  let leftMiB = memoryMiB
  let round = 0
  while ((leftMiB / bandwidthMiBps) * 1000 > maxDowntimeMs && round < mostRounds) {
    const taken = leftMiB / bandwidthMiBps
    seconds += taken
    leftMiB = Math.min(memoryMiB, dirtyMiBps * taken)
    copiedMiB += leftMiB
    round++
  }
  const downtimeMs = (leftMiB / bandwidthMiBps) * 1000
  return {
    durationMs: Math.round(overheadMs + seconds * 1000 + downtimeMs),
    downtimeMs: Math.round(downtimeMs),
    copiedMiB: Math.round(copiedMiB),
    converges: downtimeMs <= maxDowntimeMs,
  }
}

function forecastColdMove(
  { copiedDiskGiB = 0, power }: ModelServer,
  { bandwidthMiBps = 500, overheadMs = 5000, restartMs = 60_000 }: Migrations,
): MoveForecast {
  const copiedMiB = copiedDiskGiB * 1024
  const copyingMs = (copiedMiB / bandwidthMiBps) * 1000
  const downtimeMs = power === 'off' ? 0 : restartMs + copyingMs
  return {
    durationMs: Math.round(overheadMs + Math.max(copyingMs, downtimeMs)),
    downtimeMs: Math.round(downtimeMs),
    copiedMiB: Math.round(copiedMiB),
    converges: true,
  }
}

/** Foretells every move of a plan: how long, how still, and how busy source and target are before and after it. */
export function forecastPlan(model: Model, { moves }: Pick<GoalPlan, 'moves'>, migrations: Migrations = {}): Forecast {
  const servers = new Map(model.servers.map((server) => [server.id, server]))
  const hosts = new Map(model.hosts.map((host) => [host.name, host]))
  const busy = new Map<string, number>()
  for (const { host, cpuPercent } of model.servers) busy.set(host, (busy.get(host) ?? 0) + cpuPercent)
  const percent = (name: string) => (busy.get(name) ?? 0) / (hosts.get(name) as ModelHost).threads
  const { bandwidthMiBps = 500 } = migrations

  const foretold: ForecastMove[] = []
  let durationMs = 0
  for (const wave of new Set(moves.map((move) => move.wave))) {
    const together = moves.filter((move) => move.wave === wave)
    const touching = new Map<string, number>()
    for (const { from, to } of together)
      for (const name of [from, to]) touching.set(name, (touching.get(name) ?? 0) + 1)
    let slowest = 0
    for (const move of together) {
      const server = servers.get(move.serverId) as ModelServer
      const sharers = Math.max(touching.get(move.from) ?? 1, touching.get(move.to) ?? 1)
      const forecast = forecastMove(server, { ...migrations, bandwidthMiBps: bandwidthMiBps / sharers })
      const [fromBefore, toBefore] = [percent(move.from), percent(move.to)]
      busy.set(move.from, (busy.get(move.from) ?? 0) - server.cpuPercent)
      busy.set(move.to, (busy.get(move.to) ?? 0) + server.cpuPercent)
      foretold.push({
        ...move,
        ...forecast,
        source: { host: move.from, beforePercent: fromBefore, afterPercent: percent(move.from) },
        target: { host: move.to, beforePercent: toBefore, afterPercent: percent(move.to) },
      })
      slowest = Math.max(slowest, forecast.durationMs)
    }
    durationMs += slowest
  }
  const sum = (amount: (move: ForecastMove) => number) => foretold.reduce((total, move) => total + amount(move), 0)
  return {
    moves: foretold,
    durationMs,
    downtimeMs: sum((move) => move.downtimeMs),
    copiedMiB: sum((move) => move.copiedMiB),
    movingMs: sum((move) => move.durationMs),
  }
}

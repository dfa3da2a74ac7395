import type { Model } from './model.ts'

/** A move that was made. */
export interface PastMove {
  readonly serverId: string
  readonly from: string
  readonly to: string
  /** When it ended, milliseconds since 1970. */
  readonly atMs: number
}

export interface RestOptions {
  /** How long a server that was moved is left alone; twice as long after each further move. @default 24 h */
  readonly restMs?: number
  /** Moves longer ago than this are forgotten. @default 7 days */
  readonly memoryMs?: number
}

const hourMs = 3_600_000

/**
 * Pins servers that were moved lately, so that no two plans send one to and fro. Moves that lie in the future, as after
 * a clock was set back, count as made now.
 */
export function letRest(model: Model, past: readonly PastMove[], nowMs: number, options: RestOptions = {}): Model {
  const { restMs = 24 * hourMs, memoryMs = 7 * 24 * hourMs } = options
  const remembered = new Map<string, { count: number; lastMs: number }>()
  for (const { serverId, atMs } of past) {
    if (nowMs - atMs > memoryMs) continue
    const { count, lastMs } = remembered.get(serverId) ?? { count: 0, lastMs: Number.NEGATIVE_INFINITY }
    remembered.set(serverId, { count: count + 1, lastMs: Math.max(lastMs, Math.min(atMs, nowMs)) })
  }
  const servers = model.servers.map((server) => {
    const moved = remembered.get(server.id)
    if (!moved || server.pinned !== undefined) return server
    const leftMs = moved.lastMs + Math.min(memoryMs, restMs * 2 ** (moved.count - 1)) - nowMs
    if (leftMs <= 0) return server
    const times = moved.count > 1 ? `, ${moved.count} times lately` : ''
    return {
      ...server,
      pinned: `was moved ${hours(nowMs - moved.lastMs)} ago${times}, and rests for ${hours(leftMs)} more`,
    }
  })
  return { ...model, servers }
}

const hours = (ms: number) => `${(ms / hourMs).toFixed(1)} h`

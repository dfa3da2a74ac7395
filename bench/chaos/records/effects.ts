import type { Entry } from '../journal.ts'
import type { ApiCall } from './api-log.ts'
import type { ServiceStart } from './supervisor-log.ts'

/** Nova's record of something done to a server. */
export interface InstanceAction {
  readonly serverId: string
  readonly action: string
  readonly requestId: string
  readonly userId: string
  /** Whole seconds, epoch ms. */
  readonly startedAt: number
  readonly updatedAt: number
}

export interface Migration {
  readonly uuid: string
  readonly serverId: string
  readonly from: string
  readonly to: string
  readonly status: string
  /** Whole seconds, epoch ms. */
  readonly createdAt: number
  readonly updatedAt: number
}

/** Something Steward changed, by the cloud's own records. */
export interface Effect {
  readonly what: string
  readonly at: number
  /** When it was over: a migration when it ended, any other call when it was answered. */
  readonly until: number
  readonly target: `server/${string}` | `host/${string}`
  /** A restart over SSH carries none. */
  readonly runId?: string
  readonly userId?: string
  /** False when the service refused: then nothing came of it. */
  readonly took: boolean
  readonly evidence: string
}

/** Joins what Nova logged, what it recorded and what the supervisor started. */
export function effectsOf(records: {
  calls: readonly ApiCall[]
  actions: readonly InstanceAction[]
  migrations: readonly Migration[]
  starts: readonly ServiceStart[]
  journal: readonly Entry[]
}): Effect[] {
  const byRequest = new Map(records.actions.map((action) => [action.requestId, action]))
  const ofApi = records.calls.map((call): Effect => {
    const recorded = byRequest.get(call.requestId)
    const migration =
      recorded?.action === 'live-migration'
        ? records.migrations.find(
            (m) =>
              m.serverId === call.serverId &&
              Math.abs(m.createdAt - recorded.startedAt) <= 30_000 &&
              m.createdAt >= recorded.startedAt - 1_000,
          )
        : undefined
    return {
      what: recorded?.action ?? `${call.method} ${call.path}`,
      at: call.at,
      until: Math.max(call.answeredAt, migration?.updatedAt ?? 0),
      target: `server/${call.serverId ?? 'none'}`,
      runId: call.runId,
      userId: recorded?.userId ?? call.userId,
      took: call.status < 400,
      evidence: call.line,
    }
  })
  const ofSsh = records.starts
    .filter((start) => !startedByUs(start, records.journal))
    .map(
      (start): Effect => ({
        what: 'restart',
        at: start.at,
        until: start.startedAt,
        target: `host/${start.host}`,
        took: true,
        evidence: start.line,
      }),
    )
  return [...ofApi, ...ofSsh].sort((a, b) => a.at - b.at)
}

/** Starts that the chaos run made itself are in its journal. */
function startedByUs({ host, startedAt }: ServiceStart, journal: readonly Entry[]): boolean {
  return journal.some(
    (entry) =>
      entry.event === 'compute started' &&
      `compute${entry.n}` === host &&
      Number(entry.startedAt) <= startedAt + 50 &&
      startedAt <= Number(entry.endedAt),
  )
}

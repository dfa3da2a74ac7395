import { failure } from '../../core/errors.ts'
import type { PlanDocument } from '../../core/plan-document.ts'
import { coldChoiceOf, letMoveCold } from './cold.ts'
import { fingerprintOf, touchedBy } from './fingerprint.ts'
import { defaultMaxCpuPercent, type Model, type ModelServer } from './model.ts'

/**
 * Refuses a plan that does not hold any more. Asked before the first wave and before every other one, with a new picture
 * of the cloud; real use is looked at anew too: a target that has become busy in the meantime refuses the plan.
 *
 * @param wave the wave that is about to begin
 * @throws PLAN_STALE naming what has changed
 */
export function assertHolds(document: PlanDocument, given: Model, nowMs: number, wave = 1): void {
  const model = letMoveCold(given, coldChoiceOf(document))
  const { validity, waves } = document
  // a plan that has begun is finished or given up by what the cloud is like, not by the clock
  if (wave === 1 && nowMs >= Date.parse(validity.expiresAt))
    throw failure('PLAN_STALE', `the plan was good until ${validity.expiresAt}`, { planId: document.id })
  const moves = waves.flatMap((one) => one.moves)
  const next = waves.find((one) => one.wave === wave)
  if (!next) return
  if (fingerprintOf(model, touchedBy(moves)) !== next.fingerprint)
    throw failure(
      'PLAN_STALE',
      `hosts or servers of the plan are not as wave ${wave} expects them: ${whatChanged(moves, next.moves, model)}`,
      {
        planId: document.id,
        wave,
      },
    )
  const asked = document.options.maxCpuPercent
  const maxCpuPercent = typeof asked === 'number' ? asked : defaultMaxCpuPercent
  for (const { when, use } of scales) {
    const busy = new Map<string, number>()
    const byId = new Map(model.servers.map((server) => [server.id, use(server)]))
    for (const server of model.servers) busy.set(server.host, (busy.get(server.host) ?? 0) + use(server))
    for (const { serverId, to } of next.moves) busy.set(to, (busy.get(to) ?? 0) + (byId.get(serverId) ?? 0))
    for (const { name, threads } of model.hosts) {
      const percent = (busy.get(name) ?? 0) / threads
      if (next.moves.some(({ to }) => to === name) && percent > maxCpuPercent + 1e-6)
        throw failure(
          'PLAN_STALE',
          `${name} has become busy: wave ${wave} would bring it to ${percent.toFixed(0)} % CPU${when}`,
          {
            planId: document.id,
            wave,
          },
        )
    }
  }
}

/** Where no day is known, both are the same. */
const scales: readonly { readonly when: string; use(server: ModelServer): number }[] = [
  { when: '', use: ({ cpuPercent }) => cpuPercent },
  { when: ' over the day', use: ({ cpuPercent, cpuPercentOfDay = cpuPercent }) => cpuPercentOfDay },
]

/**
 * The model as it was before these moves: for a wave of which a part has been made, and which is still to be held to what
 * was expected before it.
 */
export function asBefore(model: Model, moves: readonly { readonly serverId: string; readonly from: string }[]): Model {
  const from = new Map(moves.map((move) => [move.serverId, move.from]))
  return { ...model, servers: model.servers.map((server) => ({ ...server, host: from.get(server.id) ?? server.host })) }
}

type Moves = PlanDocument['waves'][number]['moves']

/** The most telling difference, for people. */
function whatChanged(all: Moves, next: Moves, { servers, hosts }: Model): string {
  const byId = new Map(servers.map((server) => [server.id, server]))
  for (const { serverId, from, isOff = false } of next) {
    const server = byId.get(serverId)
    if (!server) return `server ${serverId} is gone`
    if (server.host !== from) return `server ${serverId} is on ${server.host} and not on ${from}`
    if (server.pinned !== undefined) return `server ${serverId} has to stay: ${server.pinned}`
    if (isOff && server.power !== 'off') return `server ${serverId} was off when it was planned, and runs by now`
    if (!isOff && server.power === 'off') return `server ${serverId} ran when it was planned, and is off by now`
  }
  for (const { to } of all) {
    const host = hosts.find(({ name }) => name === to)
    if (!host) return `host ${to} is gone`
    if (host.usable === false) return `host ${to} takes no servers any more`
  }
  return 'what runs on a host of the plan, or the size of one, has changed'
}

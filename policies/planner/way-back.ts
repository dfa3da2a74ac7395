import { failure } from '../../core/errors.ts'
import type { PlanDocument } from '../../core/plan-document.ts'
import { letMoveCold } from './cold.ts'
import { forecastPlan } from './cost.ts'
import { assertFresh, type DocumentOptions, type Picture, writeDown } from './document.ts'
import { defaultMaxCpuPercent, type Model, type Skipped } from './model.ts'
import { planNothing } from './plan-goal.ts'
import { hottest, returning } from './undo.ts'
import { weighPlan } from './worth.ts'

/** A move that was made, whatever became of the rest of its plan. */
export interface MadeMove {
  readonly serverId: string
  readonly from: string
  readonly to: string
}

/**
 * Plans the way back from moves that were made, in the order in which they were: on the cloud as it is now, so that it also
 * leads back from half a plan. Servers that are gone, or that somebody has moved on since, are left where they are.
 *
 * @throws PLAN_IMPOSSIBLE, PLAN_STALE as `planDocument`
 */
export function wayBackDocument(
  { model: seen, ...picture }: Picture,
  made: readonly MadeMove[],
  options: DocumentOptions,
  nowMs: number,
): PlanDocument {
  assertFresh(picture.takenMs, options, nowMs)
  const given = letMoveCold(seen, options.cold)
  const { homes, skipped } = homesOf(given, made)
  const shut = given.hosts.filter(({ name, usable }) => usable === false && [...homes.values()].includes(name))
  if (shut.length > 0)
    throw failure(
      'PLAN_IMPOSSIBLE',
      `${shut.map(({ name }) => name).join(', ')}: down, asleep or closed by somebody else; wake-host turns on what a plan has turned off`,
      { hosts: shut.map(({ name }) => name) },
    )
  const model = relyingOnHomes(given, homes)
  const maxCpuPercent = Math.max(options.maxCpuPercent ?? defaultMaxCpuPercent, hottest(given))
  const { plan, impossible } = returning(model, homes, { ...options, maxCpuPercent })
  if (!plan) throw failure('PLAN_IMPOSSIBLE', impossible)
  const forecast = forecastPlan(model, plan, options.migrations)
  const balance = weighPlan(model, plan, forecast, options.worth, maxCpuPercent)
  const { bound } = planNothing(model, 'balance', { maxCpuPercent }, [])
  const whole = { plan: { ...plan, skipped, bound }, forecast, ...balance, faults: [] }
  // it is held to the limit it was planned with
  return writeDown({ model, ...picture }, 'undo', whole, { ...options, maxCpuPercent }, nowMs)
}

function homesOf({ servers }: Model, made: readonly MadeMove[]): { homes: Map<string, string>; skipped: Skipped[] } {
  const now = new Map(servers.map(({ id, host }) => [id, host]))
  const paths = new Map<string, { home: string; last: string }>()
  for (const { serverId, from, to } of made) paths.set(serverId, { home: paths.get(serverId)?.home ?? from, last: to })
  const homes = new Map<string, string>()
  const skipped: Skipped[] = []
  for (const [serverId, { home, last }] of paths) {
    const host = now.get(serverId)
    if (host === undefined) skipped.push({ serverId, reason: 'is gone' })
    else if (host !== last) skipped.push({ serverId, reason: `is on ${host} by now, and was left on ${last}` })
    else if (home !== last) homes.set(serverId, home)
  }
  return { homes, skipped }
}

/** Servers rely on no more CPU features than the hosts had on which they began. */
function relyingOnHomes(model: Model, homes: ReadonlyMap<string, string>): Model {
  const traits = new Map(model.hosts.map(({ name, cpuTraits }) => [name, cpuTraits ?? []]))
  const servers = model.servers.map((server) => {
    const home = homes.get(server.id)
    return home === undefined ? server : { ...server, cpuTraits: traits.get(home) ?? [] }
  })
  return { ...model, servers }
}

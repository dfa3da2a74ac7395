import { type Forecast, forecastMove, type Migrations } from './cost.ts'
import { defaultMaxCpuPercent, type Goal, type GoalPlan, type Model, type ModelServer } from './model.ts'

/**
 * What things are worth, all in host-hours: one hour of one host that need not be in use. The figures are an operator's;
 * the defaults say that a minute of moving costs about a minute of a host, and a second of standstill three.
 */
export interface Worth {
  /** How long what a plan brings is expected to last. @default 24 */
  readonly horizonHours?: number
  /** One minute in which a server moves. @default 0.02 */
  readonly movingMinute?: number
  /** One second in which a server stands still. @default 0.05 */
  readonly downtimeSecond?: number
  /** An hour in which a host is one point less above the CPU limit. @default 0.05 */
  readonly hotPointHour?: number
  /** An hour in which all hosts are one point less uneven, per host. @default 0.002 */
  readonly unevenPointHour?: number
}

const usual: Required<Worth> = {
  horizonHours: 24,
  movingMinute: 0.02,
  downtimeSecond: 0.05,
  hotPointHour: 0.05,
  unevenPointHour: 0.002,
}

export interface Balance {
  readonly benefitHostHours: number
  readonly costHostHours: number
}

/** Goals that somebody asked for whatever they cost. */
export const isOrdered = (goal: Goal) => goal === 'drain'

/** What a plan brings over the horizon, and what carrying it out costs. */
export function weighPlan(
  model: Model,
  plan: GoalPlan,
  forecast: Forecast,
  worth: Worth = {},
  maxCpuPercent = defaultMaxCpuPercent,
): Balance {
  const { horizonHours, hotPointHour, unevenPointHour } = { ...usual, ...worth }
  const at = new Map(plan.moves.map(({ serverId, to }) => [serverId, to]))
  const hotBefore = hotPoints(model, ({ host }) => host, maxCpuPercent)
  const hotAfter = hotPoints(model, ({ id, host }) => at.get(id) ?? host, maxCpuPercent)
  const points = Math.max(0, pointsOff(plan)) * model.hosts.length
  const perHour =
    plan.goal === 'consolidate'
      ? plan.hostsBefore - plan.hostsAfter
      : (hotBefore - hotAfter) * hotPointHour + points * unevenPointHour
  return { benefitHostHours: perHour * horizonHours, costHostHours: costOf(forecast, worth) }
}

/** Where a day is known: the mean of both scales. */
const pointsOff = ({ deviationBefore, deviationAfter, deviationOfDay: ofDay }: GoalPlan) =>
  ofDay ? (deviationBefore - deviationAfter + ofDay.before - ofDay.after) / 2 : deviationBefore - deviationAfter

/** Points above the limit, of each host on the scale on which it is hotter. */
function hotPoints({ hosts, servers }: Model, place: (server: ModelServer) => string, maxCpuPercent: number): number {
  const now = new Map<string, number>()
  const day = new Map<string, number>()
  for (const server of servers) {
    const { cpuPercent, cpuPercentOfDay = cpuPercent } = server
    const name = place(server)
    now.set(name, (now.get(name) ?? 0) + cpuPercent)
    day.set(name, (day.get(name) ?? 0) + cpuPercentOfDay)
  }
  const percentOf = (name: string, threads: number) => Math.max(now.get(name) ?? 0, day.get(name) ?? 0) / threads
  return hosts.reduce((sum, { name, threads }) => sum + Math.max(0, percentOf(name, threads) - maxCpuPercent), 0)
}

const costOf = ({ movingMs, downtimeMs }: Pick<Forecast, 'movingMs' | 'downtimeMs'>, worth: Worth) => {
  const { movingMinute, downtimeSecond } = { ...usual, ...worth }
  return (movingMs / 60_000) * movingMinute + (downtimeMs / 1000) * downtimeSecond
}

/**
 * Pins what is not worth moving whatever the rest of the plan: servers whose move would not end by itself, and for
 * `consolidate` all servers of a host that costs more to empty than it saves over the horizon.
 */
export function pinDear(model: Model, goal: Goal, worth: Worth = {}, migrations: Migrations = {}): Model {
  if (isOrdered(goal)) return model
  const saves = { ...usual, ...worth }.horizonHours
  const forecasts = new Map(model.servers.map((server) => [server.id, forecastMove(server, migrations)]))
  const costs = new Map<string, number>()
  for (const { id, host } of model.servers) {
    const { durationMs, downtimeMs } = forecasts.get(id) as { durationMs: number; downtimeMs: number }
    costs.set(host, (costs.get(host) ?? 0) + costOf({ movingMs: durationMs, downtimeMs }, worth))
  }
  const why = ({ id, host, dirtyMiBps }: ModelServer): string | undefined => {
    if (forecasts.get(id)?.converges === false)
      return `its move would not end by itself: it rewrites ${dirtyMiBps} MiB of memory a second`
    const cost = costs.get(host) ?? 0
    if (goal === 'consolidate' && cost >= saves)
      return `emptying ${host} costs ${cost.toFixed(1)} host-hours and saves ${saves}`
    return undefined
  }
  return {
    ...model,
    servers: model.servers.map((server) => {
      const pinned = server.pinned ?? why(server)
      return pinned === undefined ? server : { ...server, pinned }
    }),
  }
}

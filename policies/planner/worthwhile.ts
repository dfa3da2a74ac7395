import { compare } from '../placement.ts'
import { type Forecast, forecastPlan, type Migrations } from './cost.ts'
import { type Fault, whyLeftAlone } from './faults.ts'
import type { Goal, GoalPlan, Model, PlanOptions } from './model.ts'
import { planGoal, planNothing } from './plan-goal.ts'
import { letRest, type PastMove, type RestOptions } from './rest.ts'
import { type Balance, isOrdered, pinDear, type Worth, weighPlan } from './worth.ts'

export interface WorthwhileOptions extends PlanOptions {
  readonly worth?: Worth
  readonly migrations?: Migrations
  /** Moves of the past, in any order. */
  readonly past?: readonly PastMove[]
  readonly rest?: RestOptions
  /** Servers to be planned around: their moves have just failed. They are no part of what the plan is held to. */
  readonly stay?: readonly { readonly serverId: string; readonly reason: string }[]
}

export interface WorthwhilePlan extends Balance {
  readonly plan: GoalPlan
  readonly forecast: Forecast
  readonly faults: readonly Fault[]
  /** The model as it was planned on: with everything pinned that was not worth moving. */
  readonly model: Model
}

/** Shares of what could be done that are tried for being the most worthwhile. */
const shares = [1, 0.75, 0.5, 0.25]

/**
 * Plans like `planGoal`, and keeps of it what brings more over the horizon than it costs. Doing less is tried too: fewer
 * hosts emptied, fewer moves. "No useful move" is an answer, with the reasons.
 *
 * A drain was ordered by somebody, so it is never given up for its cost, and servers do not rest from it.
 *
 * @throws what `planGoal` throws
 */
export function planWorthwhile(
  given: Model,
  goal: Goal,
  { worth, migrations, past = [], rest, stay = [], ...options }: WorthwhileOptions,
  nowMs: number,
): WorthwhilePlan {
  const around = letStay(given, stay)
  const rested = isOrdered(goal) ? around : letRest(around, past, nowMs, rest)
  const model = pinDear(rested, goal, worth, migrations)
  const weigh = (plan: GoalPlan): WorthwhilePlan => {
    const forecast = forecastPlan(model, plan, migrations)
    const balance = weighPlan(model, plan, forecast, worth, options.maxCpuPercent)
    return { plan, forecast, ...balance, faults: [], model }
  }
  const whole = weigh(planGoal(model, goal, options))
  const tryLess = (less: PlanOptions) => weigh(planGoal(model, goal, { ...options, ...less }))
  const best = isOrdered(goal) ? whole : mostWorthwhile(whole, tryLess)
  const { plan, benefitHostHours, costHostHours } = best
  if (isOrdered(goal) || plan.moves.length === 0 || benefitHostHours > costHostHours)
    return { ...best, faults: whyLeftAlone(model, plan, options) }
  const reason =
    `no move is worth it: the best plan brings ${benefitHostHours.toFixed(1)} host-hours ` +
    `and costs ${costHostHours.toFixed(1)}`
  const hosts = [...new Set(model.servers.map(({ host }) => host))].sort(compare)
  const nothing = planNothing(
    model,
    goal,
    options,
    hosts.map((host) => ({ host, reason })),
  )
  return { ...weigh(nothing), faults: whyLeftAlone(model, nothing, options) }
}

function letStay(model: Model, stay: NonNullable<WorthwhileOptions['stay']>): Model {
  const why = new Map(stay.map(({ serverId, reason }) => [serverId, reason]))
  const held = model.servers.map((server) => ({ ...server, pinned: server.pinned ?? why.get(server.id) }))
  return {
    ...model,
    servers: held.map(({ pinned, ...rest }) => ({ ...rest, ...(pinned !== undefined && { pinned }) })),
  }
}

/** The plan that brings most after its costs; of equal ones the one with fewer moves. */
function mostWorthwhile(
  whole: WorthwhilePlan,
  tryLess: (less: Pick<PlanOptions, 'maxHosts' | 'maxMoves'>) => WorthwhilePlan,
): WorthwhilePlan {
  const { goal, hostsBefore, hostsAfter, moves } = whole.plan
  let best = whole
  for (const share of shares.slice(1)) {
    const freed = Math.round((hostsBefore - hostsAfter) * share)
    const most = Math.round(moves.length * share)
    if (most === 0 || (goal === 'consolidate' && freed === 0)) continue
    const less = tryLess(goal === 'consolidate' ? { maxHosts: hostsBefore - freed } : { maxMoves: most })
    if (gain(less) > gain(best) || (gain(less) === gain(best) && less.plan.moves.length < best.plan.moves.length))
      best = less
  }
  return best
}

const gain = ({ benefitHostHours, costHostHours }: Balance) => benefitHostHours - costHostHours

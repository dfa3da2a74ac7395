import { assemble } from './assemble.ts'
import { balance, spread } from './balance.ts'
import { boundHosts } from './bound.ts'
import { consolidate } from './consolidate.ts'
import { drain } from './drain.ts'
import { evictNoisy } from './evict-noisy.ts'
import { defaultMaxCpuPercent, type Goal, type GoalPlan, type Model, type PlanOptions, type Skipped } from './model.ts'
import { createOccupancy } from './occupancy.ts'
import { tiedHosts } from './reasons.ts'
import { tabulate } from './tables.ts'
import { assertConsistent, assertOptions } from './validate.ts'

const planners = { consolidate, balance, drain, spread, 'evict-noisy': evictNoisy } as const satisfies Record<
  Goal,
  unknown
>

/**
 * Plans towards a goal. Pure: the same model and options give the same plan, in whatever order their lists come.
 *
 * A plan without moves is an answer: `skipped` says why nothing is moved.
 *
 * @throws INPUT_INVALID (the model contradicts itself, an option makes no sense), PLAN_IMPOSSIBLE (`drain` only)
 */
export function planGoal(model: Model, goal: Goal, options: PlanOptions = {}): GoalPlan {
  assertConsistent(model)
  assertOptions(model, options, goal)
  return planners[goal](model, options)
}

/** The plan that moves nothing: what is shown where a goal cannot be reached, with the reasons. */
export function planNothing(model: Model, goal: Goal, options: PlanOptions, skipped: readonly Skipped[]): GoalPlan {
  const tables = tabulate(model, options.maxCpuPercent ?? defaultMaxCpuPercent)
  const start = createOccupancy(tables)
  const all = [...tables.hosts.keys()]
  const bound = boundHosts(tables, start.used, all, tiedHosts(tables, start, all))
  return assemble(tables, goal, { steps: [], skipped, bound }, () => '')
}

import type { Command } from 'commander'
import { codeOf, detailsOf, messageOf } from '../core/errors.ts'
import { letMoveCold } from '../policies/planner/cold.ts'
import type { Goal, GoalPlan, Model, PlanOptions, Skipped } from '../policies/planner/model.ts'
import { readModel } from '../policies/planner/model-file.ts'
import { drawPlan } from '../policies/planner/picture.ts'
import { planGoal, planNothing } from '../policies/planner/plan-goal.ts'
import type { GlobalOptions } from './api-client.ts'
import { explain } from './explain.ts'
import { readJson } from './json-file.ts'
import { addPlanExport } from './plan-export.ts'
import { type GoalOptions, planOptionsOf, withGoal } from './plan-options.ts'
import { addPlansOfCloud } from './plans.ts'
import { addRecurringPlanCommands } from './recurring-plans.ts'

/** plan simulate: runs a goal on a model file, without a server and without a cloud; and all other words about plans. */
export function addPlanCommands(program: Command): void {
  const plan = program.command('plan').description('plans that move servers between hosts')
  addPlansOfCloud(plan)
  addRecurringPlanCommands(plan)
  addPlanExport(plan)
  withGoal(plan.command('simulate <file>').description('plans on a model file; moves nothing')).action(
    async (file: string, given: GoalOptions, command: Command) => {
      const json = command.optsWithGlobals<GlobalOptions>().json === true
      const model = readModel(await readJson(file))
      const { result, refusal } = measured(model, given)
      if (json) process.stdout.write(`${JSON.stringify(result)}\n`)
      else if (!refusal) process.stdout.write(drawPlan(model, result))
      if (refusal) {
        process.stderr.write(`${explain(refusal)}\n`)
        process.exitCode = 1
      }
    },
  )
}

/** Plans, and says what that cost. Where the goal cannot be reached: a plan without moves, and why. */
export function measured(model: Model, { goal, ...given }: GoalOptions) {
  const before = process.cpuUsage()
  const options = planOptionsOf(given)
  const { plan, refusal } = planOrRefusal(letMoveCold(model, options.cold), goal, options)
  const { user, system } = process.cpuUsage(before)
  const cpuSeconds = (user + system) / 1e6
  const peakMemoryMiB = Math.round(process.resourceUsage().maxRSS / 1024)
  return { result: { ...plan, cpuSeconds, peakMemoryMiB }, refusal }
}

function planOrRefusal(model: Model, goal: Goal, options: PlanOptions): { plan: GoalPlan; refusal?: unknown } {
  try {
    return { plan: planGoal(model, goal, options) }
  } catch (error) {
    if (codeOf(error) !== 'PLAN_IMPOSSIBLE') throw error
    const { reasons = [] } = detailsOf(error) as { reasons?: Skipped[] }
    const why = (options.drain ?? []).map((host) => ({ host, reason: messageOf(error) }))
    return { plan: planNothing(model, goal, options, reasons.length > 0 ? reasons : why), refusal: error }
  }
}

import { type Command, InvalidArgumentError, Option } from 'commander'
import { codeOf, detailsOf, messageOf } from '../core/errors.ts'
import { dimensionNames, type Weights } from '../policies/planner/dimensions.ts'
import {
  type Goal,
  type GoalPlan,
  goals,
  type Model,
  type PlanOptions,
  type Skipped,
} from '../policies/planner/model.ts'
import { readModel } from '../policies/planner/model-file.ts'
import { drawPlan } from '../policies/planner/picture.ts'
import { planGoal, planNothing } from '../policies/planner/plan-goal.ts'
import type { GlobalOptions } from './api-client.ts'
import { explain } from './explain.ts'
import { readJson } from './json-file.ts'
import { addPlanExport } from './plan-export.ts'

interface SimulateOptions {
  goal: Goal
  drain?: string[]
  maxMoves?: number
  maxHosts?: number
  maxCpu?: number
  outgoing?: number
  targetDeviation?: number
  weights?: Weights
}

/** plan simulate: runs a goal on a model file, without a server and without a cloud; plan export: writes such a file. */
export function addPlanCommands(program: Command): void {
  const plan =
    program.commands.find((command) => command.name() === 'plan') ??
    program.command('plan').description('plans that move servers between hosts')
  addPlanExport(plan)
  plan
    .command('simulate <file>')
    .description('plans on a model file; moves nothing')
    .addOption(new Option('--goal <goal>', 'what to plan for').choices(goals).makeOptionMandatory())
    .option('--drain <host...>', 'hosts to empty, for the goal drain')
    .option('--max-moves <n>', 'most moves', whole)
    .option('--max-hosts <n>', 'consolidate down to so many hosts, with the fewest moves', whole)
    .option('--max-cpu <percent>', 'real CPU use no receiving host goes above (default: 90)', decimal)
    .option('--outgoing <n>', 'most servers that leave one host at the same time (default: 1)', whole)
    .option('--weights <list>', 'what balance and spread level: cpu=1,memory=0.5,disk=0,network=0,vcpu=0', weighted)
    .option('--target-deviation <points>', 'spread of CPU use at which balance stops', decimal)
    .action(async (file: string, given: SimulateOptions, command: Command) => {
      const json = command.optsWithGlobals<GlobalOptions>().json === true
      const model = readModel(await readJson(file))
      const { result, refusal } = measured(model, given)
      if (json) process.stdout.write(`${JSON.stringify(result)}\n`)
      else if (!refusal) process.stdout.write(drawPlan(model, result))
      if (refusal) {
        process.stderr.write(`${explain(refusal)}\n`)
        process.exitCode = 1
      }
    })
}

/** Plans, and says what that cost. Where the goal cannot be reached: a plan without moves, and why. */
export function measured(model: Model, given: SimulateOptions) {
  const { goal, maxCpu: maxCpuPercent, outgoing: outgoingPerHost } = given
  const { drain, maxMoves, maxHosts, targetDeviation, weights } = given
  const options = defined({ drain, maxMoves, maxHosts, targetDeviation, weights, maxCpuPercent, outgoingPerHost })
  const before = process.cpuUsage()
  const { plan, refusal } = planOrRefusal(model, goal, options)
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

const defined = (options: { [K in keyof PlanOptions]: PlanOptions[K] | undefined }) =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as PlanOptions

function decimal(text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new InvalidArgumentError('It has to be a number.')
  return Number(text)
}

function weighted(text: string): Weights {
  const pairs = text.split(',').map((pair) => pair.split('='))
  const known: readonly string[] = dimensionNames
  for (const [name = '', weight = ''] of pairs)
    if (!known.includes(name) || !/^\d+(\.\d+)?$/.test(weight))
      throw new InvalidArgumentError(`It has to be a list like cpu=1,memory=0.5 of ${known.join(', ')}.`)
  return Object.fromEntries(pairs.map(([name, weight]) => [name, Number(weight)]))
}

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It has to be a whole number.')
  return Number(text)
}

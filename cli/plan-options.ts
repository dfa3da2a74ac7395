import { type Command, InvalidArgumentError, Option } from 'commander'
import { dimensionNames, type Weights } from '../policies/planner/dimensions.ts'
import { type ColdChoice, coldChoices, type Goal, goals, type PlanOptions } from '../policies/planner/model.ts'

export interface GoalOptions {
  goal: Goal
  drain?: string[]
  maxMoves?: number
  maxHosts?: number
  maxCpu?: number
  outgoing?: number
  targetDeviation?: number
  weights?: Weights
  cold?: ColdChoice
}

/** What a plan is made for, whether on a file or on the live cloud. */
export const withGoal = (command: Command): Command =>
  command
    .addOption(new Option('--goal <goal>', 'what to plan for').choices(goals).makeOptionMandatory())
    .option('--drain <host...>', 'hosts to empty, for the goal drain')
    .option('--max-moves <n>', 'most moves', whole)
    .option('--max-hosts <n>', 'consolidate down to so many hosts, with the fewest moves', whole)
    .option('--max-cpu <percent>', 'real CPU use no receiving host goes above (default: 90)', decimal)
    .option('--outgoing <n>', 'most servers that leave one host at the same time (default: 1)', whole)
    .option(
      '--weights <list>',
      'what balance and spread level: cpu=1,cpu-day=1,memory=0.5,disk=0,network=0,vcpu=0',
      weighted,
    )
    .addOption(
      new Option(
        '--cold <servers>',
        'servers moved by cold migration: none; stopped: those that are off, which stay off; all: also those that run, which are down meanwhile (default: none)',
      ).choices(coldChoices),
    )
    .option('--target-deviation <points>', 'spread of CPU use at which balance stops', decimal)

export interface PowerOptions {
  powerOff?: boolean
  reserve?: number
}

/** What becomes of the power of hosts, on the live cloud only. */
export const withPower = (command: Command): Command =>
  command
    .option('--power-off', 'consolidate: turn off the hosts it has emptied, one by one, when its servers were moved')
    .option('--reserve <n>', 'empty hosts that stay on (default: 1)', whole)

export const powerOf = ({ powerOff, reserve }: PowerOptions) => ({
  ...(powerOff && { powerOff }),
  ...(reserve !== undefined && { reserveHosts: reserve }),
})

/** The same in the planner's words. */
export function planOptionsOf(given: Omit<GoalOptions, 'goal'>): PlanOptions {
  const { drain, maxMoves, maxHosts, targetDeviation, weights, maxCpu: maxCpuPercent, outgoing, cold } = given
  const all = { drain, maxMoves, maxHosts, targetDeviation, weights, maxCpuPercent, outgoingPerHost: outgoing, cold }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as PlanOptions
}

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

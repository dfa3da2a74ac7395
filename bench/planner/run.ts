import { readFileSync } from 'node:fs'
import { checkPlan } from '../../policies/planner/check.ts'
import type { Goal, Model, PlanOptions } from '../../policies/planner/model.ts'
import { readModel } from '../../policies/planner/model-file.ts'
import { planGoal } from '../../policies/planner/plan-goal.ts'
import { generateCloud } from './generate.ts'

/** A goal on a model: in a file, or generated. */
export interface Task {
  readonly file?: string
  readonly size?: { readonly hosts: number; readonly servers: number; readonly groups?: boolean }
  readonly goal: Goal
  readonly options: PlanOptions
  /** Share of the hosts, the first by name, to drain. */
  readonly drainShare?: number
}

export interface Run {
  readonly hostsBefore: number
  readonly hostsAfter: number
  readonly bound: number
  readonly moves: number
  readonly waves: number
  readonly deviationBefore: number
  readonly deviationAfter: number
  readonly cpuSeconds: number
  readonly peakMemoryMiB: number
  readonly violations: readonly string[]
}

/** Plans once and checks the plan. CPU seconds are those of the planning alone. */
export function run({ file, size, goal, options: given, drainShare }: Task): Run {
  const model = readModel(file ? JSON.parse(readFileSync(file, 'utf8')) : generateCloud({ ...size!, seed: 7 }))
  const options = drainShare ? { ...given, drain: firstHosts(model, drainShare) } : given
  const before = process.cpuUsage()
  const plan = planGoal(model, goal, options)
  const { user, system } = process.cpuUsage(before)
  const peakMemoryMiB = Math.round(process.resourceUsage().maxRSS / 1024)
  return {
    hostsBefore: plan.hostsBefore,
    hostsAfter: plan.hostsAfter,
    bound: plan.bound.hosts,
    moves: plan.moves.length,
    waves: plan.moves.at(-1)?.wave ?? 0,
    deviationBefore: plan.deviationBefore,
    deviationAfter: plan.deviationAfter,
    cpuSeconds: (user + system) / 1e6,
    peakMemoryMiB,
    violations: checkPlan(model, plan, options),
  }
}

function firstHosts({ hosts }: Model, share: number): string[] {
  const names = hosts.map(({ name }) => name).sort((a, b) => (a < b ? -1 : 1))
  return names.slice(0, Math.ceil(names.length * share))
}

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeOf, detailsOf } from '../../../core/errors.ts'
import { checkPlan } from '../../../policies/planner/check.ts'
import { type Goal, type GoalPlan, goals, type Model, type PlanOptions } from '../../../policies/planner/model.ts'
import { planGoal } from '../../../policies/planner/plan-goal.ts'
import { clouds, limits } from './clouds.ts'

const cases = fc
  .record({
    model: clouds({ hosts: 6, servers: 24 }),
    goal: fc.constantFrom(...goals),
    options: limits,
    drained: fc.array(fc.nat(), { minLength: 1, maxLength: 2 }),
  })
  .map(({ model, goal, options: { maxHosts, ...rest }, drained }) => ({
    model,
    goal,
    options: {
      ...rest,
      ...(goal === 'consolidate' && maxHosts !== undefined && { maxHosts }),
      ...(goal === 'drain' && { drain: drained.map((n) => model.hosts[n % model.hosts.length]!.name) }),
    } satisfies PlanOptions,
  }))

/** The plan, or the refusal with its reasons. */
function outcome(model: Model, goal: Goal, options: PlanOptions): GoalPlan | { refused: unknown } {
  try {
    return planGoal(model, goal, options)
  } catch (error) {
    if (codeOf(error) !== 'PLAN_IMPOSSIBLE') throw error
    return { refused: [(error as Error).message, detailsOf(error)] }
  }
}

describe('any plan', () => {
  it('breaks no rule in any wave, and keeps what it claims', () => {
    fc.assert(
      fc.property(cases, ({ model, goal, options }) => {
        const plan = outcome(model, goal, options)
        if ('refused' in plan) return
        expect(checkPlan(model, plan, options)).toEqual([])
        if (goal === 'consolidate' || goal === 'drain')
          expect(plan.moves.length === 0 || plan.released.length > 0).toBe(true)
        if (goal === 'consolidate') expect(plan.hostsAfter).toBe(plan.hostsBefore - plan.released.length)
        if (goal === 'balance' && plan.moves.length > 0) {
          const limit = options.maxCpuPercent ?? 90
          const hot = (all: number[]) => Math.max(limit, ...all)
          expect(hot(loads(model, plan))).toBeLessThanOrEqual(hot(loads(model)))
          if (hot(loads(model)) === limit) expect(plan.deviationAfter).toBeLessThan(plan.deviationBefore)
        }
      }),
      { numRuns: 1500 },
    )
  })

  it('is the same whatever the order of hosts, servers, groups and members, and leaves its input alone', () => {
    const shuffled = cases.chain((given) =>
      fc
        .record({
          hosts: fc.shuffledSubarray([...given.model.hosts], { minLength: given.model.hosts.length }),
          servers: fc.shuffledSubarray([...given.model.servers], { minLength: given.model.servers.length }),
        })
        .map(({ hosts, servers }) => {
          const groups = given.model.groups.map((g) => ({ ...g, members: g.members.toReversed() })).toReversed()
          return { ...given, other: { hosts, servers, groups } }
        }),
    )
    fc.assert(
      fc.property(shuffled, ({ model, other, goal, options }) => {
        const untouched = structuredClone(model)
        expect(outcome(other, goal, options)).toEqual(outcome(model, goal, options))
        expect(model).toEqual(untouched)
      }),
      { numRuns: 500 },
    )
  })

  it('has a reason for every host that was not emptied', () => {
    fc.assert(
      fc.property(clouds({ hosts: 6, servers: 24 }), limits, (model, options) => {
        const plan = planGoal(model, 'consolidate', options)
        const inUse = new Set(model.servers.map((one) => one.host))
        for (const name of plan.released) inUse.delete(name)
        const explained = plan.skipped.flatMap((one) => ('host' in one && one.reason !== '' ? [one.host] : []))
        expect(new Set(explained)).toEqual(inUse)
      }),
      { numRuns: 300 },
    )
  })

  it('empties the drained hosts or says which servers are in the way', () => {
    fc.assert(
      fc.property(clouds({ hosts: 5, servers: 20 }), (model) => {
        const drain = [model.hosts[0]!.name]
        const plan = outcome(model, 'drain', { drain })
        if ('refused' in plan) expect(JSON.stringify(plan.refused)).toMatch(/s\d\d: |no order of/)
        else expect(plan.released).toEqual(model.servers.some((one) => one.host === drain[0]) ? drain : [])
      }),
      { numRuns: 500 },
    )
  })
})

/** Real CPU use of each host in percent of its threads, now or after a plan. */
function loads(model: Model, plan?: GoalPlan): number[] {
  const at = new Map(model.servers.map((one) => [one.id, one.host]))
  for (const { serverId, to } of plan?.moves ?? []) at.set(serverId, to)
  return model.hosts.map(
    ({ name, threads }) =>
      model.servers.reduce((sum, one) => (at.get(one.id) === name ? sum + one.cpuPercent : sum), 0) / threads,
  )
}

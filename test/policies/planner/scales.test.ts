import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeOf, detailsOf } from '../../../core/errors.ts'
import { checkPlan } from '../../../policies/planner/check.ts'
import {
  type Goal,
  type GoalPlan,
  goals,
  type Model,
  type ModelServer,
  type PlanOptions,
} from '../../../policies/planner/model.ts'
import { drawPlan } from '../../../policies/planner/picture.ts'
import { planGoal } from '../../../policies/planner/plan-goal.ts'
import { undoOf } from '../../../policies/planner/undo.ts'
import { planWorthwhile } from '../../../policies/planner/worthwhile.ts'
import { cloud, clouds, host, limits, measuredModel, server } from './clouds.ts'

/** The same cloud of which a day is known, of most servers. */
const withDays = (models: fc.Arbitrary<Model>) =>
  models.chain((model) =>
    fc
      .array(fc.option(fc.integer({ min: 0, max: 60 }), { freq: 6 }), {
        minLength: model.servers.length,
        maxLength: model.servers.length,
      })
      .map((percents) => ofDay(model, ({ uses }, at) => percents[at] && percents[at] * uses.vcpu)),
  )

const ofDay = (model: Model, day: (one: ModelServer, at: number) => number | null | undefined): Model => ({
  ...model,
  servers: model.servers.map((one, at) => {
    const cpuPercentOfDay = day(one, at)
    return typeof cpuPercentOfDay === 'number' ? { ...one, cpuPercentOfDay } : one
  }),
})

const cases = (models: fc.Arbitrary<Model>) =>
  fc
    .record({ model: models, goal: fc.constantFrom(...goals), options: limits, drained: fc.nat() })
    .map(({ model, goal, options: { maxHosts, ...rest }, drained }) => ({
      model,
      goal,
      options: {
        ...rest,
        ...(goal === 'consolidate' && maxHosts !== undefined && { maxHosts }),
        ...(goal === 'drain' && { drain: [model.hosts[drained % model.hosts.length]!.name] }),
      },
    }))

function outcome(model: Model, goal: Goal, options: PlanOptions): { plan?: GoalPlan; refused?: unknown } {
  try {
    return { plan: planGoal(model, goal, options) }
  } catch (error) {
    if (codeOf(error) !== 'PLAN_IMPOSSIBLE') throw error
    return { refused: [(error as Error).message, detailsOf(error)] }
  }
}

/** Four servers on each host; what they use altogether, now and over the day, in percent of the host. */
const crowds = (uses: Readonly<Record<string, readonly [now: number, ofDay: number]>>, hosts = Object.keys(uses)) =>
  cloud(
    hosts.map((name) => host(name)),
    Object.entries(uses).flatMap(([name, [now, busy]]) =>
      [1, 2, 3, 4].map((n) => server(`${name}${n}`, name, 1, { cpuPercent: now * 2, cpuPercentOfDay: busy * 2 })),
    ),
  )

const without = (model: Model) => ({
  ...model,
  servers: model.servers.map(({ cpuPercentOfDay: _, ...rest }) => rest),
})

describe('any plan on a cloud of which a day is known', () => {
  it('breaks no rule in any wave, neither now nor over the day', () => {
    fc.assert(
      fc.property(cases(withDays(clouds({ hosts: 6, servers: 24 }))), ({ model, goal, options }) => {
        const { plan } = outcome(model, goal, options)
        if (!plan) return
        expect(checkPlan(model, plan, options)).toEqual([])
        const limit = options.maxCpuPercent ?? 90
        const at = new Map(model.servers.map(({ id, host: on }) => [id, on]))
        for (const wave of new Set(plan.moves.map((move) => move.wave))) {
          const moves = plan.moves.filter((move) => move.wave === wave)
          for (const { name, threads } of model.hosts.filter((one) => moves.some(({ to }) => to === one.name))) {
            const here = model.servers.filter(
              ({ id }) => at.get(id) === name || moves.some(({ serverId, to }) => serverId === id && to === name),
            )
            const percent = here.reduce((sum, one) => sum + (one.cpuPercentOfDay ?? one.cpuPercent), 0) / threads
            expect(percent).toBeLessThanOrEqual(limit + 1e-6)
          }
          for (const { serverId, to } of moves) at.set(serverId, to)
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('is the same whatever the order of hosts and servers', () => {
    fc.assert(
      fc.property(cases(withDays(clouds({ hosts: 6, servers: 20 }))), ({ model, goal, options }) => {
        const other = { ...model, hosts: model.hosts.toReversed(), servers: model.servers.toReversed() }
        expect(outcome(other, goal, options)).toEqual(outcome(model, goal, options))
      }),
      { numRuns: 300 },
    )
  })

  it('never leaves a host hotter than the hottest was, now or over the day', () => {
    fc.assert(
      fc.property(withDays(clouds({ hosts: 5, servers: 20 })), (model) => {
        const plan = planGoal(model, 'balance')
        const at = new Map(model.servers.map(({ id, host: on }) => [id, on]))
        for (const { serverId, to } of plan.moves) at.set(serverId, to)
        for (const use of [
          (one: ModelServer) => one.cpuPercent,
          (one: ModelServer) => one.cpuPercentOfDay ?? one.cpuPercent,
        ]) {
          const most = (place: (one: ModelServer) => string | undefined) =>
            model.hosts.reduce(
              (max, { name, threads }) =>
                Math.max(max, model.servers.reduce((n, one) => (place(one) === name ? n + use(one) : n), 0) / threads),
              90,
            )
          expect(most(({ id }) => at.get(id))).toBeLessThanOrEqual(most((one) => one.host) + 1e-6)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('a cloud of which no day is known', () => {
  it('is packed and drained as one in which nobody does anything over the day', () => {
    fc.assert(
      fc.property(cases(clouds({ hosts: 6, servers: 24 })), ({ model, goal, options }) => {
        if (goal === 'balance' || goal === 'spread') return
        const { plan, refused } = outcome(model, goal, options)
        const quiet = outcome(
          ofDay(model, () => 0),
          goal,
          options,
        )
        expect(quiet.plan?.moves).toEqual(plan?.moves)
        expect(quiet.refused).toEqual(refused)
        expect(plan?.deviationOfDay).toBeUndefined()
      }),
      { numRuns: 500 },
    )
  })

  it('is packed so where there are many of them, too', () => {
    const model = measuredModel('c50x500')
    const { moves } = planGoal(model, 'consolidate')
    expect(
      planGoal(
        ofDay(model, () => 0),
        'consolidate',
      ).moves,
    ).toEqual(moves)
  })

  it('is levelled by what servers use now, and nothing is said of a day', () => {
    const model = without(crowds({ a: [80, 0], b: [10, 0] }))
    const plan = planGoal(model, 'balance')
    expect(plan.levelled).toBeUndefined()
    expect(JSON.stringify(plan)).not.toContain('over the day')
    expect(planGoal(model, 'balance', { weights: { cpu: 1, 'cpu-day': 1 } }).moves).toEqual(plan.moves)
  })
})

describe('a plan made at night', () => {
  const night = crowds({ a: [5, 62], b: [5, 62], c: [5, 62] })

  it('packs no host with servers that are all busy by day', () => {
    expect(planGoal(without(night), 'consolidate').hostsAfter).toBe(1)
    const plan = planGoal(night, 'consolidate')
    expect([plan.moves, plan.bound.hosts]).toEqual([[], 3])
    const reason = 'no plan can do with fewer than 3 hosts, for the CPU that servers use over the day'
    expect(plan.skipped).toContainEqual({ host: 'a', reason })
    const alike = crowds({ a: [62, 62], b: [62, 62], c: [62, 62] })
    expect(planGoal(alike, 'consolidate').skipped[0]?.reason).toBe('no plan can do with fewer than 3 hosts')
    const few = planGoal(crowds({ a: [5, 40], b: [5, 40], c: [5, 40] }), 'consolidate')
    expect([few.hostsAfter, few.bound.hosts]).toEqual([2, 2])
  })

  it.each([
    ['c10x80', 4, 5],
    ['c50x500', 27, 31],
  ])('keeps as many hosts as the day needs, and no more: %s', (name, now, over) => {
    const model = measuredModel(name)
    const twice = ofDay(model, ({ uses, cpuPercent }) => Math.min(100 * uses.vcpu, 2 * cpuPercent))
    expect(planGoal(model, 'consolidate').hostsAfter).toBe(now)
    const plan = planGoal(twice, 'consolidate')
    expect([plan.hostsAfter, plan.bound.hosts]).toEqual([over, over])
    expect(checkPlan(twice, plan)).toEqual([])
  })

  it('empties no host into others that are busy by day, and says that this is why', () => {
    const moved = crowds({ a: [5, 40], b: [5, 85], c: [5, 85] })
    expect(() => planGoal(moved, 'drain', { drain: ['a'] })).toThrow(/2 too busy over the day/)
    expect(planGoal(without(moved), 'drain', { drain: ['a'] }).released).toEqual(['a'])
  })

  it('evicts the one that is noisy by day, and none onto a host that is busy by day', () => {
    const noisy = server('loud', 'a', 1, { cpuPercent: 10, cpuPercentOfDay: 400 })
    const model = cloud(
      ['a', 'b', 'c'].map((name) => host(name)),
      [
        noisy,
        ...['a', 'b'].map((on) =>
          server(`on-${on}`, on, 1, { cpuPercent: 10, cpuPercentOfDay: on === 'a' ? 199 : 300 }),
        ),
        server('on-c', 'c', 1, { cpuPercent: 100, cpuPercentOfDay: 100 }),
      ],
    )
    expect(planGoal(model, 'evict-noisy').moves).toMatchObject([
      { serverId: 'loud', to: 'c', reason: 'takes 50 % of the cpu over the day of a, which is at 75 %' },
    ])
  })
})

describe('a server of which no day is known', () => {
  it('counts for the day with what it uses now', () => {
    const model = crowds({ a: [80, 80], b: [5, 5], c: [5, 5] })
    const fresh = {
      ...model,
      servers: model.servers.map(({ cpuPercentOfDay, ...one }) =>
        one.host === 'a' ? one : { ...one, cpuPercentOfDay: cpuPercentOfDay ?? 0 },
      ),
    }
    expect(planGoal(fresh, 'consolidate').moves).toEqual(planGoal(model, 'consolidate').moves)
    expect(planGoal(fresh, 'balance').deviationOfDay).toEqual(planGoal(model, 'balance').deviationOfDay)
  })
})

describe('balance, where a day is known', () => {
  it('evens out what hosts use over the day as well, by half, and says so', () => {
    const model = crowds({ a: [30, 85], b: [30, 5] })
    const plan = planGoal(model, 'balance')
    expect(plan.moves.length).toBeGreaterThan(0)
    expect(plan.deviationOfDay!.after).toBeLessThan(plan.deviationOfDay!.before / 2)
    expect(plan.levelled).toEqual({ cpu: 0.5, 'cpu-day': 0.5 })
    expect(plan.moves[0]?.reason).toMatch(/^a goes from 85 % to .* CPU over the day, b from 5 % to/)
    const picture = drawPlan(model, plan)
    expect(picture).toContain('over the day 40.0 before')
    expect(picture).toContain('levels cpu=0.5,cpu-day=0.5: no weights were given')
    expect(planGoal(model, 'balance', { weights: { cpu: 1 } }).moves).toEqual([])
    expect(planGoal(model, 'balance', { weights: { cpu: 1, 'cpu-day': 1 } })).toMatchObject({ moves: plan.moves })
    expect(planGoal(model, 'spread').levelled).toEqual({ cpu: 0.5, 'cpu-day': 0.5, memory: 1, vcpu: 1 })
  })

  it('relieves a host that is above the limit over the day, however calm it is now', () => {
    const model = crowds({ a: [5, 100], b: [40, 40], c: [40, 40] })
    const plan = planGoal(model, 'balance', { targetDeviation: 60 })
    expect(plan.moves).toMatchObject([{ from: 'a' }])
    expect(plan.moves[0]?.reason).toContain('a goes from 100 % to 75 % CPU over the day (the limit is 90 %)')
    const { moves } = undoOf(model, plan)
    expect(moves).toMatchObject([{ serverId: plan.moves[0]?.serverId, to: 'a' }])
  })

  const spike = crowds({ a: [99, 30], b: [30, 30], c: [30, 30], d: [30, 30] })

  it.each<[string, PlanOptions]>([
    ['as it is asked by default', {}],
    ['with moves to spare', { maxMoves: 10 }],
    ['with weights', { weights: { cpu: 3, 'cpu-day': 1 } }],
  ])('relieves a host of a spike, and only as far as the limit: %s', (_, options) => {
    const plan = planGoal(spike, 'balance', options)
    const left = plan.moves.filter(({ from }) => from === 'a')
    expect(left.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/^a goes from 99 % to \d+ % CPU now \(the limit is 90 %\), . from 30 % to/),
    ])
  })

  it('moves nothing for a spike below the limit, unless asked to level what is used now', () => {
    const below = crowds({ a: [85, 30], b: [30, 30], c: [30, 30], d: [30, 30] })
    expect(planGoal(below, 'balance', { maxMoves: 10 }).moves).toEqual([])
    expect(planGoal(below, 'balance', { weights: { cpu: 1 } }).moves.length).toBeGreaterThan(0)
  })

  it('names the scale on which a host that it cannot relieve is too busy', () => {
    const stuck = crowds({ a: [20, 100], b: [85, 85] })
    expect(planGoal(stuck, 'balance').skipped).toContainEqual({
      host: 'a',
      reason: 'at 100 % CPU over the day: no move of one of its servers that fits helps enough',
    })
    // further above the mean over the day, but above the limit now
    expect(planGoal(crowds({ a: [95, 60], b: [85, 5] }), 'balance').skipped).toContainEqual({
      host: 'a',
      reason: 'at 95 % CPU now: no move of one of its servers that fits helps enough',
    })
  })

  it('is worth it for what it brings over the day', () => {
    const model = crowds({ a: [30, 88], b: [30, 2] })
    const { plan, benefitHostHours } = planWorthwhile(model, 'balance', {}, 0)
    expect(plan.moves.length).toBeGreaterThan(0)
    expect(benefitHostHours).toBeGreaterThan(0)
    const hot = crowds({ a: [5, 120], b: [5, 5] })
    const relieved = planWorthwhile(hot, 'balance', { worth: { unevenPointHour: 0 } }, 0)
    expect(relieved.plan.moves.length).toBeGreaterThan(0)
  })
})

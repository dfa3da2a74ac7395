import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkPlan } from '../../../policies/planner/check.ts'
import { forecastMove, forecastPlan } from '../../../policies/planner/cost.ts'
import { whyLeftAlone } from '../../../policies/planner/faults.ts'
import { goals } from '../../../policies/planner/model.ts'
import { planGoal } from '../../../policies/planner/plan-goal.ts'
import { letRest, type PastMove } from '../../../policies/planner/rest.ts'
import { planWorthwhile, type WorthwhileOptions } from '../../../policies/planner/worthwhile.ts'
import { cloud, clouds, host, limits, measuredModel, server } from './clouds.ts'

const nowMs = Date.parse('2026-11-20T10:00:00Z')
const hourMs = 3_600_000
const sized = (memoryMiB: number, more: object = {}) =>
  server('1', 'a', 1, { uses: { vcpu: 1, memoryMiB, diskGiB: 1 }, ...more })

describe('a move', () => {
  it('takes as long as its memory takes, and its overhead', () => {
    const quiet = forecastMove(sized(50_000), { bandwidthMiBps: 500, overheadMs: 5000 })
    expect(quiet).toEqual({ durationMs: 105_000, downtimeMs: 0, copiedMiB: 50_000, converges: true })
  })

  it('is shorter where less memory is really used, and never longer than for all of it', () => {
    expect(forecastMove(sized(50_000, { memoryUsedMiB: 5000 })).durationMs).toBe(15_000)
    expect(forecastMove(sized(5000, { memoryUsedMiB: 90_000 })).durationMs).toBe(15_000)
  })

  it('sends what was rewritten again, until the rest fits into the standstill', () => {
    // 10,000 MiB at 500 MiB/s: 20 s; 100 MiB/s rewritten: 2000, 400, then 80 MiB, which take 160 ms
    const busy = forecastMove(sized(10_000, { dirtyMiBps: 100 }), { overheadMs: 0, maxDowntimeMs: 500 })
    expect(busy).toEqual({ durationMs: 24_960, downtimeMs: 160, copiedMiB: 12_480, converges: true })
  })

  it('has a standstill at the end that is no longer than aimed at, if it ends at all', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 500_000 }), fc.integer({ min: 0, max: 2000 }), (memoryMiB, dirtyMiBps) => {
        const { converges, downtimeMs, durationMs } = forecastMove(sized(memoryMiB, { dirtyMiBps }))
        expect(converges).toBe(downtimeMs <= 500)
        expect(durationMs).toBeGreaterThanOrEqual(5000)
        if (dirtyMiBps < 250) expect(converges).toBe(true)
        if (dirtyMiBps >= 500 && memoryMiB > 250) expect(converges).toBe(false)
      }),
    )
  })

  it('copies local disks too', () => {
    expect(forecastMove(sized(500, { copiedDiskGiB: 100 }), { overheadMs: 0 }).durationMs).toBe(205_800)
  })
})

describe('a plan', () => {
  const model = cloud(
    [host('a'), host('b'), host('c')],
    [sized(4, { cpuPercent: 400 }), server('2', 'b', 1, { cpuPercent: 80 })],
  )
  const step = (wave: number, serverId: string, from: string, to: string) => ({ wave, serverId, from, to, reason: '-' })

  it('says how busy source and target are before and after each move', () => {
    const { moves } = forecastPlan(model, { moves: [step(1, '1', 'a', 'c'), step(2, '2', 'b', 'c')] })
    expect(moves.map(({ source, target }) => [source, target])).toEqual([
      [
        { host: 'a', beforePercent: 50, afterPercent: 0 },
        { host: 'c', beforePercent: 0, afterPercent: 50 },
      ],
      [
        { host: 'b', beforePercent: 10, afterPercent: 0 },
        { host: 'c', beforePercent: 50, afterPercent: 60 },
      ],
    ])
  })

  it('shares the network between the moves of a wave that meet on a host', () => {
    const big = cloud([host('a'), host('b'), host('c')], [sized(1000), { ...sized(1000), id: '2', host: 'b' }])
    const options = { bandwidthMiBps: 100, overheadMs: 0 }
    const together = forecastPlan(big, { moves: [step(1, '1', 'a', 'c'), step(1, '2', 'b', 'c')] }, options)
    const after = forecastPlan(big, { moves: [step(1, '1', 'a', 'c'), step(2, '2', 'b', 'c')] }, options)
    expect([together.durationMs, together.movingMs]).toEqual([20_000, 40_000])
    expect([after.durationMs, after.movingMs]).toEqual([20_000, 20_000])
  })
})

describe('a worthwhile plan', () => {
  it('is the whole plan where hosts are worth much more than moves', () => {
    const model = measuredModel('c10x80')
    const { plan, benefitHostHours, costHostHours, forecast } = planWorthwhile(model, 'consolidate', {}, nowMs)
    expect(plan).toEqual(planGoal(model, 'consolidate'))
    expect(benefitHostHours).toBe(6 * 24)
    expect(costHostHours).toBeGreaterThan(0)
    expect(forecast.moves).toHaveLength(plan.moves.length)
  })

  it('is to do nothing where the horizon is too short, and says so for every host', () => {
    const model = measuredModel('c10x80')
    const { plan, faults } = planWorthwhile(model, 'consolidate', { worth: { horizonHours: 0.001 } }, nowMs)
    expect(plan).toMatchObject({ hostsBefore: 10, hostsAfter: 10, moves: [] })
    expect(new Set(plan.skipped.map((one) => 'host' in one && one.host)).size).toBe(10)
    expect(faults).toHaveLength(10)
    expect(faults[0]?.reasons[0]?.reason).toMatch(/^has to stay: emptying host-0000 costs .* and saves 0.001$/)
  })

  it('empties fewer hosts where the last ones cost more than they save', () => {
    const model = measuredModel('c50x500')
    const hoursOf = (movingMinute: number) => planWorthwhile(model, 'consolidate', { worth: { movingMinute } }, nowMs)
    const cheap = hoursOf(0.02)
    const dear = hoursOf(12)
    expect(dear.plan.hostsAfter).toBeGreaterThan(cheap.plan.hostsAfter)
    expect(dear.benefitHostHours).toBeGreaterThan(dear.costHostHours)
    expect(checkPlan(model, dear.plan)).toEqual([])
  })

  it('leaves servers alone whose move would not end, though not in a drain', () => {
    const model = cloud(
      [host('a', { capacity: { vcpu: 16, memoryMiB: 99_999, diskGiB: 9 } }), host('b')],
      [sized(9000, { host: 'a', dirtyMiBps: 900 }), server('2', 'b', 1)],
    )
    const { plan, faults } = planWorthwhile(model, 'consolidate', { worth: { horizonHours: 1000 } }, nowMs)
    expect(plan.released).toEqual(['b'])
    expect(faults[0]?.reasons[0]).toMatchObject({ reason: expect.stringContaining('900 MiB of memory'), count: 1 })
    const target = { ...model, hosts: [model.hosts[0]!, { ...model.hosts[0]!, name: 'b' }] }
    const { forecast } = planWorthwhile(target, 'drain', { drain: ['a'] }, nowMs)
    expect(forecast.moves).toMatchObject([{ serverId: '1', converges: false }])
  })

  it('stops where balance stops, also when it tries fewer moves', () => {
    const model = measuredModel('c50x500')
    const { plan } = planWorthwhile(model, 'balance', { worth: { movingMinute: 0.5 } }, nowMs)
    const whole = planGoal(model, 'balance')
    expect(plan.moves.length).toBeLessThanOrEqual(whole.moves.length)
    expect(plan.deviationAfter).toBeGreaterThanOrEqual(whole.deviationAfter - 0.5)
  })

  it('weighs a balance by what it takes off hot hosts and off the unevenness', () => {
    const hot = cloud(
      [host('a'), host('b')],
      [1, 2, 3, 4].map((n) => server(`${n}`, 'a', 1, { cpuPercent: 199 })),
    )
    const sound = planWorthwhile(hot, 'balance', {}, nowMs)
    expect(sound.plan.moves.length).toBeGreaterThan(0)
    expect(sound.benefitHostHours).toBeGreaterThan(sound.costHostHours)
    const worthless = planWorthwhile(hot, 'balance', { worth: { hotPointHour: 0, unevenPointHour: 0 } }, nowMs)
    expect(worthless.plan.moves).toEqual([])
    expect(worthless.plan.skipped[0]?.reason).toMatch(
      /no move is worth it: the best plan brings 0.0 host-hours and costs 0/,
    )
  })

  it('breaks no rule and is never worth less than it costs, whatever the cloud', () => {
    const given = fc.record({
      model: clouds({ hosts: 5, servers: 16 }),
      goal: fc.constantFrom(...goals.filter((one) => one !== 'drain')),
      options: limits,
      horizonHours: fc.constantFrom(0.1, 1, 24),
      moved: fc.array(fc.record({ server: fc.nat(), hoursAgo: fc.integer({ min: 0, max: 200 }) }), { maxLength: 5 }),
    })
    fc.assert(
      fc.property(given, ({ model, goal, options: { maxHosts: _, ...options }, horizonHours, moved }) => {
        const past = moved.flatMap(({ server: n, hoursAgo }): PastMove[] => {
          const one = model.servers[n % Math.max(1, model.servers.length)]
          return one ? [{ serverId: one.id, from: 'x', to: one.host, atMs: nowMs - hoursAgo * hourMs }] : []
        })
        const all: WorthwhileOptions = { ...options, worth: { horizonHours }, past }
        const { plan, benefitHostHours, costHostHours } = planWorthwhile(model, goal, all, nowMs)
        expect(checkPlan(model, plan, options)).toEqual([])
        if (plan.moves.length > 0) expect(benefitHostHours).toBeGreaterThan(costHostHours)
        const resting = new Set(past.flatMap((one) => (nowMs - one.atMs < 24 * hourMs ? [one.serverId] : [])))
        expect(plan.moves.filter(({ serverId }) => resting.has(serverId))).toEqual([])
      }),
      { numRuns: 150 },
    )
  })
})

describe('past moves', () => {
  const model = cloud([host('a'), host('b')], [server('1', 'a', 1), server('2', 'b', 1, { pinned: 'locked' })])
  const moved = (hoursAgo: number, serverId = '1'): PastMove => ({
    serverId,
    from: 'b',
    to: 'a',
    atMs: nowMs - hoursAgo * hourMs,
  })
  const pinned = (...past: PastMove[]) => letRest(model, past, nowMs).servers[0]?.pinned

  it('let a server rest for a day, then it may move again', () => {
    expect(pinned(moved(3))).toBe('was moved 3.0 h ago, and rests for 21.0 h more')
    expect(pinned(moved(24))).toBeUndefined()
  })

  it('let it rest longer the more often it was moved, whatever the order they are told in', () => {
    const often = 'was moved 30.0 h ago, 2 times lately, and rests for 18.0 h more'
    expect(pinned(moved(30), moved(60))).toBe(often)
    expect(pinned(moved(60), moved(30))).toBe(often)
    expect(pinned(moved(30), moved(169))).toBeUndefined()
  })

  it('are made now when a clock was set back, and change no other reason', () => {
    expect(pinned(moved(-5))).toBe('was moved 0.0 h ago, and rests for 24.0 h more')
    expect(letRest(model, [moved(1, '2')], nowMs).servers[1]?.pinned).toBe('locked')
  })

  it('keep two plans in a row from sending servers to and fro', () => {
    const uneven = cloud(
      [host('a'), host('b')],
      [1, 2, 3, 4].map((n) => server(`${n}`, 'a', 1, { cpuPercent: 150 })),
    )
    const first = planWorthwhile(uneven, 'balance', {}, nowMs).plan
    expect(first.moves.length).toBeGreaterThan(0)
    const at = new Map(first.moves.map(({ serverId, to }) => [serverId, to]))
    const then = { ...uneven, servers: uneven.servers.map((one) => ({ ...one, host: at.get(one.id) ?? one.host })) }
    const past = first.moves.map((move) => ({ ...move, atMs: nowMs }))
    const second = planWorthwhile(then, 'consolidate', { past }, nowMs + hourMs).plan
    for (const { serverId } of second.moves) expect(at.has(serverId)).toBe(false)
    expect(planWorthwhile(then, 'drain', { past, drain: ['b'] }, nowMs + hourMs).plan.released).toEqual(['b'])
  })
})

describe('why nothing was moved', () => {
  it('is told per host, the most frequent reason first, with an example', () => {
    const model = cloud(
      [host('a'), host('b', { usable: false }), host('c')],
      [
        server('1', 'a', 1, { pinned: 'locked' }),
        server('2', 'a', 1, { pinned: 'locked' }),
        server('3', 'a', 16 - 2),
        server('4', 'c', 8),
      ],
    )
    expect(whyLeftAlone(model, { moves: [] })).toEqual([
      {
        host: 'a',
        reasons: [
          { reason: 'has to stay: locked', count: 2, exampleServerId: '1' },
          { reason: 'fits nowhere else: 1 not usable, 1 without room (vcpu)', count: 1, exampleServerId: '3' },
        ],
      },
      {
        host: 'c',
        reasons: [{ reason: 'fits nowhere else: 1 without room (vcpu), 1 not usable', count: 1, exampleServerId: '4' }],
      },
    ])
  })

  it('leaves out what was moved', () => {
    const model = cloud([host('a'), host('b')], [server('1', 'a', 1), server('2', 'b', 1)])
    const plan = planGoal(model, 'consolidate')
    const [fault, ...none] = whyLeftAlone(model, plan)
    expect(none).toEqual([])
    expect(fault?.reasons[0]).toMatchObject({ reason: expect.stringMatching(/^could move/), count: 1 })
  })
})

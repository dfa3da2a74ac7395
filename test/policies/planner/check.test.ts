import { describe, expect, it } from 'vitest'
import { checkPlan } from '../../../policies/planner/check.ts'
import type { GoalPlan, Model, PlanOptions } from '../../../policies/planner/model.ts'
import { planGoal } from '../../../policies/planner/plan-goal.ts'
import { apart, cloud, host, server } from './clouds.ts'

const model = cloud(
  [host('a'), host('b'), host('c', { zone: 'az2' }), host('d', { usable: false })],
  [
    server('1', 'a', 8),
    server('2', 'b', 8),
    server('3', 'c', 4, { requestedZone: 'az2' }),
    server('4', 'a', 4, { pinned: 'locked' }),
    server('5', 'b', 2),
    server('6', 'c', 1, { cpuPercent: 600 }),
  ],
  [apart('g', '1', '5'), { id: 't', policy: 'affinity', members: ['3', '6'] }],
)

const move = (wave: number, serverId: string, from: string, to: string) => ({ wave, serverId, from, to, reason: '-' })

/** A plan of these moves whose figures are right, as the checker itself counts them. */
function withMoves(of: Model, moves: GoalPlan['moves'], more: Partial<GoalPlan> = {}): GoalPlan {
  const after = new Map(of.servers.map(({ id, host: on }) => [id, on]))
  for (const { serverId, to } of moves) after.set(serverId, to)
  const before = new Set(of.servers.map(({ host: on }) => on))
  const then = new Set(after.values())
  const spread = (at: (id: string, on: string) => string) => {
    const loads = of.hosts.map(
      ({ name, threads }) =>
        of.servers.reduce((n, s) => (at(s.id, s.host) === name ? n + s.cpuPercent : n), 0) / threads,
    )
    const mean = loads.reduce((a, b) => a + b, 0) / loads.length
    return Math.sqrt(loads.reduce((n, load) => n + (load - mean) ** 2, 0) / loads.length)
  }
  return {
    goal: 'balance',
    hostsBefore: before.size,
    hostsAfter: then.size,
    released: [...before].filter((name) => !then.has(name)),
    moves,
    skipped: [],
    bound: { hosts: 1 },
    deviationBefore: spread((_, on) => on),
    deviationAfter: spread((id, on) => after.get(id) ?? on),
    ...more,
  }
}

describe('the checker', () => {
  it('finds nothing in a sound plan', () => {
    expect(checkPlan(model, planGoal(model, 'consolidate'))).toEqual([])
    expect(checkPlan(model, withMoves(model, [move(1, '5', 'b', 'c')]))).toEqual([])
  })

  it('finds a host that is full over the day, and a deviation over the day that is not so', () => {
    const busy = (server: (typeof model.servers)[number]) => ({
      ...server,
      cpuPercentOfDay: server.id === '6' ? 700 : 40,
    })
    const byDay = { ...model, servers: model.servers.map(busy) }
    expect(checkPlan(byDay, withMoves(byDay, [move(1, '5', 'b', 'c')]))).toEqual([
      'wave 1, c: at 97.5 % CPU over the day',
    ])
    const claimed = withMoves(byDay, [], { deviationOfDay: { before: 1, after: 2 } })
    expect(checkPlan(byDay, claimed)).toEqual([
      'claim does not hold: deviationOfDay: before',
      'claim does not hold: deviationOfDay: after',
    ])
  })

  it.each<[string, GoalPlan['moves'], RegExp]>([
    ['more vCPUs than there are', [move(1, '2', 'b', 'a')], /wave 1, a: above its vCPUs/],
    [
      'a server that leaves in the same wave',
      [move(1, '1', 'a', 'c'), move(1, '2', 'b', 'a')],
      /wave 1, a: above its vCPUs/,
    ],
    ['real CPU above the limit', [move(1, '2', 'b', 'c'), move(1, '1', 'a', 'c')], /c: at 100\.0 % CPU/],
    ['rivals on one host', [move(1, '5', 'b', 'a')], /a: 1 meets 5/],
    ['rivals that meet while one leaves', [move(1, '1', 'a', 'c'), move(1, '5', 'b', 'a')], /a: 1 meets 5/],
    ['a server out of its zone', [move(1, '3', 'c', 'a')], /leaves zone az2 for az1/],
    ['a pinned server', [move(1, '4', 'a', 'c')], /4 a → c: has to stay/],
    ['a member of an affinity group', [move(1, '6', 'c', 'a')], /6 c → a: has to stay/],
    ['a target that takes none', [move(1, '5', 'b', 'd')], /target takes no servers/],
    ['a wrong starting point', [move(1, '5', 'a', 'c')], /it is on b/],
    ['a move to where it is', [move(1, '5', 'b', 'b')], /goes nowhere/],
    ['unknown names', [move(1, 'x', 'a', 'b')], /unknown server or host/],
    ['two moves in a wave', [move(1, '5', 'b', 'c'), move(1, '5', 'c', 'b')], /moves twice in the wave/],
    [
      'waves out of order',
      [move(2, '5', 'b', 'c'), move(1, '5', 'c', 'b')],
      /waves: not whole numbers in growing order/,
    ],
    ['a wave before the first', [move(0, '5', 'b', 'c')], /waves: not whole/],
    ['two leaving at once', [move(1, '5', 'b', 'c'), move(1, '2', 'b', 'c')], /wave 1, b: 2 servers leave at once/],
  ])('finds %s', (_, moves, expected) => {
    expect(checkPlan(model, withMoves(model, moves)).join('\n')).toMatch(expected)
  })

  it.each<[string, Partial<GoalPlan>, PlanOptions]>([
    ['hostsBefore', { hostsBefore: 4 }, {}],
    ['hostsAfter', { hostsAfter: 2 }, {}],
    ['released', { released: ['b'] }, {}],
    ['bound', { bound: { hosts: 9 } }, {}],
    ['maxMoves', {}, { maxMoves: 0 }],
    ['maxHosts', { goal: 'consolidate' }, { maxHosts: 9, drain: [] }],
    ['drain', { goal: 'drain' }, { drain: ['b'] }],
    ['deviationBefore', { deviationBefore: 1 }, {}],
    ['deviationAfter', { deviationAfter: 1 }, {}],
  ])('finds a false claim: %s', (claim, wrong, options) => {
    // one host fewer than allowed, so that maxHosts has something to object to
    const moves = claim === 'maxHosts' ? [move(1, '5', 'b', 'c'), move(2, '2', 'b', 'c')] : [move(1, '5', 'b', 'c')]
    const given =
      claim === 'maxHosts'
        ? { ...model, servers: model.servers.map((s) => (s.id === '6' ? { ...s, cpuPercent: 0 } : s)) }
        : model
    expect(checkPlan(given, withMoves(given, moves, wrong), options).join('\n')).toContain(
      `claim does not hold: ${claim}`,
    )
  })

  it('finds memory and disk above what there is, and an empty host put to use', () => {
    const big = { uses: { vcpu: 1, memoryMiB: 12, diskGiB: 80 } }
    const tight = cloud([host('a'), host('b'), host('c')], [server('1', 'a', 1, big), server('2', 'b', 1, big)])
    const found = checkPlan(tight, withMoves(tight, [move(1, '2', 'b', 'a')]))
    expect(found).toEqual(['wave 1, a: above its memory', 'wave 1, a: above its disk'])
    const spread = withMoves(tight, [move(1, '2', 'b', 'c')], { goal: 'consolidate' })
    expect(checkPlan(tight, spread)).toEqual(['claim does not hold: consolidate: no empty host put to use'])
  })
})

describe('the checker knows what a host must have', () => {
  const kinds = cloud(
    [
      host('a', { cpuTraits: ['HW_A'], pool: 'ssd' }),
      host('b', { cpuTraits: ['HW_A', 'HW_B'], traits: ['CUSTOM_X'], pool: 'ssd' }),
      host('c', { cpuTraits: ['HW_B'], traits: ['CUSTOM_X'], pool: 'ssd' }),
      host('d', { cpuTraits: ['HW_A'], traits: ['CUSTOM_X'] }),
      host('e', {
        cpuTraits: ['HW_A'],
        traits: ['CUSTOM_X'],
        pool: 'ssd',
        largest: { vcpu: 1, memoryMiB: 9, diskGiB: 9 },
      }),
    ],
    [server('1', 'a', 2, { requiredTraits: ['CUSTOM_X'] }), server('2', 'b', 1)],
  )

  it.each<[string, string, string, RegExp]>([
    ['a CPU feature of where it began', 'a', 'c', /target is without HW_A/],
    ['its pool', 'a', 'd', /leaves pool ssd for undefined/],
    ['a server of its size', 'a', 'e', /target takes no server with so much vcpu/],
  ])('such as %s', (_, from, to, expected) => {
    expect(checkPlan(kinds, withMoves(kinds, [move(1, '1', from, to)])).join('; ')).toMatch(expected)
  })

  it('such as a trait that the server requires', () => {
    const [a, b, ...others] = kinds.hosts
    const without = { ...kinds, hosts: [a!, { ...b!, traits: [] }, ...others] }
    expect(checkPlan(without, withMoves(without, [move(1, '1', 'a', 'b')])).join()).toMatch(/is without CUSTOM_X/)
  })

  it('and the planner goes by it', () => {
    const plan = planGoal(kinds, 'drain', { drain: ['a'] })
    expect(plan.moves.map(({ to }) => to)).toEqual(['b'])
    expect(checkPlan(kinds, plan, { drain: ['a'] })).toEqual([])
    expect(() => planGoal(kinds, 'drain', { drain: ['b'] })).toThrow(/4 of another kind \(pool, CPU, traits or size\)/)
  })
})

import { describe, expect, it } from 'vitest'
import { codeOf, detailsOf } from '../../../core/errors.ts'
import { checkPlan } from '../../../policies/planner/check.ts'
import { type Goal, type GoalPlan, goals, type Model, type PlanOptions } from '../../../policies/planner/model.ts'
import { planGoal } from '../../../policies/planner/plan-goal.ts'
import { apart, cloud, host, measuredModel, server } from './clouds.ts'

function planned(model: Model, goal: Goal, options: PlanOptions = {}): GoalPlan {
  const plan = planGoal(model, goal, options)
  expect(checkPlan(model, plan, options)).toEqual([])
  return plan
}

function refused(attempt: () => unknown) {
  try {
    attempt()
  } catch (error) {
    const details = detailsOf(error) as { reasons?: { serverId: string; reason: string }[] }
    return { code: codeOf(error), message: (error as Error).message, reasons: details.reasons ?? [] }
  }
  throw new Error('not refused')
}

const routes = ({ moves }: GoalPlan) => moves.map(({ wave, serverId, to }) => `${wave} ${serverId} → ${to}`)
const reasonOf = ({ skipped }: GoalPlan, name: string) =>
  skipped.find((one) => ('host' in one ? one.host : one.serverId) === name)?.reason

describe('consolidate', () => {
  it('empties the host with the fewest servers and says why each move is made', () => {
    const plan = planned(
      cloud([host('a'), host('b')], [server('1', 'a', 4), server('2', 'a', 2), server('3', 'b', 1)]),
      'consolidate',
    )
    expect(plan).toMatchObject({ hostsBefore: 2, hostsAfter: 1, released: ['b'], bound: { hosts: 1 } })
    expect(plan.moves).toEqual([{ wave: 1, serverId: '3', from: 'b', to: 'a', reason: 'leaves b, which is emptied' }])
    expect(reasonOf(plan, 'a')).toBe('no plan can do with fewer than 1 hosts')
  })

  it('lets one server leave a host at a time, or as many as allowed', () => {
    const model = cloud(
      [host('a'), host('b')],
      ['1', '2', '3']
        .map((id) => server(id, 'b', 1))
        .concat(server('4', 'a', 1), server('5', 'a', 1), server('6', 'a', 1), server('7', 'a', 1)),
    )
    expect(planned(model, 'consolidate').moves.map(({ wave }) => wave)).toEqual([1, 2, 3])
    expect(planned(model, 'consolidate', { outgoingPerHost: 2 }).moves.map(({ wave }) => wave)).toEqual([1, 1, 2])
  })

  it('puts no empty host to use, and needs none', () => {
    const plan = planned(
      cloud([host('a'), host('b', { capacity: { vcpu: 99, memoryMiB: 99, diskGiB: 99 } })], [server('1', 'a', 4)]),
      'consolidate',
    )
    expect(plan.moves).toEqual([])
  })

  it('makes room by moving a smaller server aside', () => {
    // 8 of c fit nowhere as it is: a and b have 6 and 2 left
    const plan = planned(
      cloud(
        [host('a'), host('b'), host('c')],
        [
          server('a8', 'a', 8),
          server('a2', 'a', 2),
          server('b8', 'b', 8),
          server('b4', 'b', 4),
          server('b2', 'b', 2),
          server('c8', 'c', 8),
        ],
      ),
      'consolidate',
    )
    expect(plan.released).toEqual(['c'])
    expect(plan.moves).toHaveLength(2)
    expect(plan.moves.map(({ reason }) => reason)).toContain('leaves c, which is emptied')
    expect(plan.moves.at(-1)?.wave).toBe(2)
  })

  it('keeps servers of a group apart, and members of an affinity group where they are', () => {
    const hosts = [host('a'), host('b'), host('c')]
    const servers = [server('1', 'a', 1), server('2', 'b', 1), server('3', 'c', 1)]
    const plan = planned(cloud(hosts, servers, [apart('g', '1', '2')]), 'consolidate')
    expect(plan.hostsAfter).toBe(2)
    expect(plan.bound.hosts).toBe(2)
    const together = { id: 't', policy: 'affinity' as const, members: ['1', '4'] }
    const stays = planned(
      cloud(hosts.slice(0, 2), [...servers.slice(0, 2), server('4', 'a', 1)], [together]),
      'consolidate',
    )
    expect(routes(stays)).toEqual(['1 2 → a'])
    expect(reasonOf(stays, 'a')).toMatch(
      /^1 has to stay: has to share a host with the other servers of affinity group t/,
    )
  })

  it('keeps servers in the zone they asked for', () => {
    const plan = planned(
      cloud(
        [host('a'), host('b', { zone: 'az2' }), host('c')],
        [
          server('1', 'a', 4, { requestedZone: 'az1' }),
          server('2', 'b', 1, { requestedZone: 'az2' }),
          server('3', 'c', 1),
        ],
      ),
      'consolidate',
    )
    expect(plan.released).not.toContain('b')
    expect(plan.hostsAfter).toBe(2)
    expect(reasonOf(plan, 'b')).toMatch(/no other of the 2 hosts|no plan can do with fewer than 2/)
  })

  it('brings no receiving host above its CPU limit, and leaves a hot host that receives nothing alone', () => {
    const busy = (id: string, on: string, percent: number) => server(id, on, 1, { cpuPercent: percent })
    const model = cloud(
      [host('a'), host('b'), host('c')],
      [busy('1', 'a', 700), busy('2', 'b', 300), busy('3', 'c', 300)],
    )
    expect(planned(model, 'consolidate').hostsAfter).toBe(2)
    expect(planned(model, 'consolidate', { maxCpuPercent: 60 }).moves).toEqual([])
    expect(planned(model, 'consolidate', { maxCpuPercent: 75 }).released).toHaveLength(1)
  })

  it('stops at the moves and at the hosts it is given', () => {
    const model = measuredModel('c10x80')
    expect(planned(model, 'consolidate', { maxMoves: 0 }).moves).toEqual([])
    const few = planned(model, 'consolidate', { maxMoves: 5 })
    expect(few.moves.length).toBeLessThanOrEqual(5)
    expect(few.hostsAfter).toBeLessThan(10)
    expect(few.skipped.some(({ reason }) => /takes at least \d+ more moves/.test(reason))).toBe(true)
    expect(planned(model, 'consolidate', { maxHosts: 8 })).toMatchObject({ hostsAfter: 8 })
    expect(planned(model, 'consolidate', { maxHosts: 10 }).moves).toEqual([])
  })
})

describe('nothing to do is an answer', () => {
  const pinned = (id: string, on: string) => server(id, on, 1, { pinned: 'locked' })
  const hot = (id: string, on: string) => server(id, on, 2, { cpuPercent: 760 })
  it.each<[string, Model]>([
    ['no hosts', cloud([], [])],
    ['no servers', cloud([host('a'), host('b')], [])],
    ['one host', cloud([host('a')], [server('1', 'a', 1)])],
    ['everything pinned', cloud([host('a'), host('b')], [pinned('1', 'a'), pinned('2', 'b')])],
    ['all hosts hot', cloud([host('a'), host('b')], [hot('1', 'a'), hot('2', 'b')])],
  ])('%s', (_, model) => {
    for (const goal of ['consolidate', 'balance'] as const) expect(planned(model, goal).moves).toEqual([])
  })

  it('and says why', () => {
    const plan = planned(
      cloud([host('a'), host('b')], [pinned('1', 'a'), pinned('2', 'b'), pinned('3', 'b')]),
      'consolidate',
    )
    expect(reasonOf(plan, 'a')).toBe('1 has to stay: locked')
    expect(reasonOf(plan, 'b')).toBe('2 has to stay: locked, and 1 more have to stay')
    const full = planned(cloud([host('a'), host('b')], [server('1', 'a', 16), server('2', 'b', 1)]), 'consolidate')
    expect(full.bound.hosts).toBe(2)
    const unfit = planned(cloud([host('a'), host('b')], [hot('1', 'a'), hot('2', 'b')]), 'balance')
    expect(unfit.skipped).toHaveLength(2)
    expect(unfit.skipped[0]?.reason).toMatch(/^at 95 % CPU: /)
  })
})

describe('balance', () => {
  it('relieves the host above the limit first', () => {
    const plan = planned(
      cloud(
        [host('a'), host('b'), host('c')],
        [
          server('1', 'a', 4, { cpuPercent: 400 }),
          server('2', 'a', 4, { cpuPercent: 380 }),
          server('3', 'b', 4, { cpuPercent: 300 }),
          server('4', 'c', 1, { cpuPercent: 20 }),
        ],
      ),
      'balance',
      { maxMoves: 1 },
    )
    expect(plan.moves).toHaveLength(1)
    expect(plan.moves[0]).toMatchObject({ from: 'a', to: 'c' })
    expect(plan.moves[0]?.reason).toMatch(/^a goes from 98 % to \d+ % CPU, c from 3 % to \d+ %$/)
  })

  it('stops at the deviation asked for and says so', () => {
    const model = measuredModel('c50x500')
    const rough = planned(model, 'balance', { targetDeviation: 15 })
    const fine = planned(model, 'balance', { targetDeviation: 5 })
    expect(rough.deviationAfter).toBeLessThanOrEqual(15)
    expect(fine.deviationAfter).toBeLessThanOrEqual(5)
    expect(rough.moves.length).toBeLessThan(fine.moves.length)
    expect(rough.skipped.some(({ reason }) => reason.includes('the deviation is down to'))).toBe(true)
  })
})

describe('drain', () => {
  it('empties all hosts named, onto hosts in use before empty ones', () => {
    const model = cloud(
      [host('a'), host('b'), host('c'), host('spare')],
      [server('1', 'a', 4), server('2', 'b', 4), server('3', 'c', 4)],
    )
    const plan = planned(model, 'drain', { drain: ['a', 'b'] })
    expect(plan).toMatchObject({ released: ['a', 'b'], hostsAfter: 1 })
    const full = cloud([...model.hosts], [server('1', 'a', 16), server('2', 'b', 16), server('3', 'c', 4)])
    expect(planned(full, 'drain', { drain: ['a'] }).moves[0]?.to).toBe('spare')
  })

  it('makes room on other hosts where there is none', () => {
    const model = cloud(
      [host('a'), host('b'), host('c')],
      [server('1', 'a', 8), server('2', 'b', 8), server('3', 'b', 4), server('4', 'c', 8), server('5', 'c', 4)],
    )
    const plan = planned(model, 'drain', { drain: ['a'] })
    expect(plan.moves.length).toBe(2)
    expect(plan.moves.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/^makes room on [bc] for others$/),
      'leaves a, which is drained',
    ])
  })

  it('says that a host has nothing to move', () => {
    const plan = planned(cloud([host('a'), host('b')], [server('1', 'b', 1)]), 'drain', { drain: ['a'] })
    expect(plan.skipped).toEqual([{ host: 'a', reason: 'holds no servers' }])
  })

  it('refuses whole, with a reason for each server in the way', () => {
    const model = cloud(
      [host('a'), host('b', { zone: 'az2' }), host('c', { usable: false })],
      [server('1', 'a', 1, { requestedZone: 'az1' }), server('2', 'a', 1), server('3', 'b', 1)],
      [apart('g', '2', '3')],
    )
    const { code, reasons, message } = refused(() => planGoal(model, 'drain', { drain: ['a'] }))
    expect(code).toBe('PLAN_IMPOSSIBLE')
    expect(message).toContain('2 of 2 servers fit on no other host')
    expect(reasons).toEqual([
      { serverId: '1', reason: 'fits on no other host: 1 in another zone, 1 not usable' },
      { serverId: '2', reason: 'fits on no other host: 1 with a server it must not meet, 1 not usable' },
    ])
  })

  it('refuses where servers have to stay, where there is no other host, and beyond the moves allowed', () => {
    const locked = cloud([host('a'), host('b')], [server('1', 'a', 1, { pinned: 'locked' }), server('2', 'a', 1)])
    expect(refused(() => planGoal(locked, 'drain', { drain: ['a'] })).reasons).toEqual([
      { serverId: '1', reason: 'locked' },
    ])
    const all = cloud([host('a'), host('b')], [server('1', 'a', 1), server('2', 'b', 1)])
    expect(refused(() => planGoal(all, 'drain', { drain: ['a', 'b'] })).reasons[0]?.reason).toContain(
      'there is no other host',
    )
    const two = cloud([host('a'), host('b')], [server('1', 'a', 1), server('2', 'a', 1)])
    expect(refused(() => planGoal(two, 'drain', { drain: ['a'], maxMoves: 1 })).message).toContain('at least 2 moves')
  })
})

describe('options that make no sense', () => {
  const model = cloud([host('a'), host('b')], [server('1', 'a', 1)])
  it.each<[Goal, PlanOptions, string]>([
    ['drain', {}, 'drain: no host is named'],
    ['drain', { drain: ['x'] }, 'drain: host x is not in the model'],
    ['balance', { drain: ['a'] }, 'drain: hosts are named, but the goal is balance'],
    ['consolidate', { maxMoves: -1 }, 'maxMoves: -1 is not a whole number from 0 on'],
    ['consolidate', { maxMoves: 1.5 }, 'maxMoves: 1.5'],
    ['consolidate', { maxCpuPercent: Number.NaN }, 'maxCpuPercent: NaN'],
    ['consolidate', { outgoingPerHost: 0 }, 'outgoingPerHost: 0'],
  ])('%s %o', (goal, options, message) => {
    const found = refused(() => planGoal(model, goal, options))
    expect(found.code).toBe('INPUT_INVALID')
    expect(found.message).toContain(message)
  })

  it('takes every goal it lists', () => {
    expect(goals).toEqual(['consolidate', 'balance', 'drain', 'spread', 'evict-noisy'])
    for (const goal of goals)
      expect(planGoal(model, goal, goal === 'drain' ? { drain: [model.hosts[0]!.name] } : {}).goal).toBe(goal)
  })
})

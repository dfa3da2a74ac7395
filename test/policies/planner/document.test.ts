import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeOf } from '../../../core/errors.ts'
import { PlanDocument } from '../../../core/plan-document.ts'
import { checkPlan } from '../../../policies/planner/check.ts'
import { type DocumentOptions, planDocument } from '../../../policies/planner/document.ts'
import { asBefore, assertHolds } from '../../../policies/planner/holds.ts'
import { type Goal, type GoalPlan, goals, type Model } from '../../../policies/planner/model.ts'
import { planGoal } from '../../../policies/planner/plan-goal.ts'
import { afterMoves, undoOf } from '../../../policies/planner/undo.ts'
import { wayBackDocument } from '../../../policies/planner/way-back.ts'
import { apart, cloud, clouds, host, limits, measuredModel, server } from './clouds.ts'

const takenMs = Date.parse('2026-11-20T10:00:00Z')
const nowMs = takenMs + 20_000
const documentOf = (model: Model, goal: Goal = 'consolidate', options: DocumentOptions = {}) =>
  planDocument({ model, takenMs }, goal, options, nowMs)

const model = cloud(
  [host('a'), host('b'), host('c'), host('d')],
  [server('1', 'a', 4), server('2', 'a', 2), server('3', 'b', 6), server('4', 'c', 12), server('5', 'd', 12)],
  [apart('g', '1', '4')],
)

function refusal(attempt: () => unknown): string {
  try {
    attempt()
  } catch (error) {
    expect(codeOf(error)).toBe('PLAN_STALE')
    return (error as Error).message
  }
  throw new Error('accepted')
}

/** One change to the first server or host with this name. */
const changed = (of: Model, id: string, change: object): Model => ({
  ...of,
  hosts: of.hosts.map((one) => (one.name === id ? { ...one, ...change } : one)),
  servers: of.servers.map((one) => (one.id === id ? { ...one, ...change } : one)),
})

describe('a plan document', () => {
  it('is what its schema says, and survives JSON', () => {
    for (const goal of goals) {
      const document = documentOf(measuredModel('c10x80'), goal, goal === 'drain' ? { drain: ['host-0001'] } : {})
      expect(PlanDocument.parse(JSON.parse(JSON.stringify(document)))).toEqual(document)
    }
  })

  it('says what hosts use over the day too, where that is known, and what it levels then; the way back holds then too', () => {
    const busy = (id: string) => ({ '4': 700, '5': 10 })[id] ?? 20
    const byDay = { ...model, servers: model.servers.map((one) => ({ ...one, cpuPercentOfDay: busy(one.id) })) }
    const document = documentOf(byDay, 'balance')
    expect(PlanDocument.parse(JSON.parse(JSON.stringify(document)))).toEqual(document)
    const percents = document.hosts.map(({ before, after }) => [before.cpuPercentOfDay, after.cpuPercentOfDay])
    expect(percents.map(([before]) => before)).toEqual([5, 2.5, 87.5, 1.25])
    expect(document.efficacy.deviationOfDay?.before).toBeCloseTo(36.65, 2)
    expect(document.notes).toEqual([{ where: 'balance', says: expect.stringMatching(/^levels cpu=0.5,cpu-day=0.5: /) }])
    expect(document.picture).toContain('over the day 36.7 before')
    const hot = {
      ...byDay,
      servers: byDay.servers.map((one) => ({ ...one, cpuPercentOfDay: one.host === 'c' ? 800 : 20 })),
    }
    const drained = documentOf(hot, 'drain', { drain: ['b'] })
    expect(drained.undo).toMatchObject({ waves: [{ moves: [{ serverId: '3', to: 'b' }] }] })
    expect(JSON.stringify(documentOf(model, 'balance'))).not.toMatch(/OfDay|over the day/)
  })

  it('says what is there before and after, what it brings, costs and cannot be beaten by', () => {
    const document = documentOf(model)
    expect(document.efficacy).toMatchObject({ hostsBefore: 4, hostsAfter: 3 })
    expect(document.bound).toEqual({ hosts: 3 })
    const [released] = document.efficacy.released
    const row = document.hosts.find(({ name }) => name === released)
    expect(row?.before.servers).toBeGreaterThan(0)
    expect(row?.after).toEqual({ servers: 0, vcpu: 0, memoryMiB: 0, diskGiB: 0, cpuPercent: 0 })
    expect(document.forecast.durationMs).toBe(document.waves.reduce((sum, { durationMs }) => sum + durationMs, 0))
    expect(document.efficacy.benefitHostHours).toBe(24)
    expect(document.energy.unknown).toEqual(['a', 'b', 'c', 'd'])
    expect(document.picture).toMatch(/^consolidate: 4 hosts in use before, 3 after/)
    expect(document.validity).toMatchObject({
      takenAt: '2026-11-20T10:00:00.000Z',
      expiresAt: '2026-11-20T10:15:00.000Z',
    })
  })

  it('has the same id for the same plan, and another one for another', () => {
    const { id } = documentOf(model)
    expect(planDocument({ model, takenMs: takenMs + 5 }, 'consolidate', {}, nowMs + 9).id).toBe(id)
    const shuffled = { ...model, hosts: model.hosts.toReversed(), servers: model.servers.toReversed() }
    expect(documentOf(shuffled).id).toBe(id)
    expect(documentOf(model, 'drain', { drain: ['a'] }).id).not.toBe(id)
  })

  it('carries the notes of the picture, and why everything else was left alone', () => {
    const notes = [{ where: 'a', says: 'Placement counts less' }]
    const document = planDocument({ model, takenMs, notes }, 'consolidate', {}, nowMs)
    expect(document.notes).toEqual(notes)
    const left = new Set(model.hosts.map(({ name }) => name))
    for (const name of document.efficacy.released) left.delete(name)
    expect(new Set(document.faults.map((fault) => fault.host))).toEqual(left)
  })

  it('goes around servers that are to stay, and is not held to that later', () => {
    const stay = [{ serverId: '5', reason: 'its move has just failed' }]
    const document = documentOf(model, 'consolidate', { stay })
    expect(document.waves.flatMap(({ moves }) => moves).map(({ serverId }) => serverId)).not.toContain('5')
    expect(JSON.stringify(document.faults)).toContain('has to stay: its move has just failed')
    expect(document.options).toEqual({})
    assertHolds(document, model, nowMs)
    expect(() => documentOf(model, 'drain', { drain: ['d'], stay })).toThrow(/its move has just failed/)
  })

  it('is not made on a picture that is too old', () => {
    const late = takenMs + 15 * 60_000
    expect(refusal(() => planDocument({ model, takenMs }, 'consolidate', {}, late))).toBe(
      'the picture of the cloud is 900 s old',
    )
  })
})

describe('a plan holds', () => {
  const document = documentOf(model, 'drain', { drain: ['a'] })
  const target = document.waves[0]!.moves[0]!.to
  const first = document.waves[0]!.moves[0]!.serverId
  const untouched = model.hosts.find(({ name }) =>
    document.waves.every(({ moves }) => moves.every((m) => m.to !== name && m.from !== name)),
  )!.name

  it('while the cloud is as it was, in every wave', () => {
    expect(document.waves.length).toBeGreaterThan(1)
    let now = model
    for (const { wave, moves } of document.waves) {
      assertHolds(document, now, nowMs, wave)
      now = afterMoves(now, moves)
    }
  })

  it('whatever happens on hosts it does not touch, and whatever servers really use as long as targets take it', () => {
    const elsewhere = server('9', untouched, 1)
    assertHolds(document, { ...model, servers: [...model.servers, elsewhere] }, nowMs)
    assertHolds(document, changed(model, first, { cpuPercent: 100 }), nowMs)
  })

  it.each<[string, Model, string]>([
    ['its server is gone', { ...model, servers: model.servers.filter(({ id }) => id !== first) }, 'is gone'],
    ['its server has moved', changed(model, first, { host: untouched }), `is on ${untouched} and not on a`],
    ['its server is locked', changed(model, first, { pinned: 'locked' }), 'has to stay: locked'],
    ['its target is closed', changed(model, target, { usable: false }), 'takes no servers any more'],
    ['its target is gone', { ...model, hosts: model.hosts.filter(({ name }) => name !== target) }, 'is gone'],
    [
      'its target has less room',
      changed(model, target, { capacity: { vcpu: 9, memoryMiB: 9, diskGiB: 9 } }),
      'has changed',
    ],
    [
      'somebody else came to its target',
      { ...model, servers: [...model.servers, server('9', target, 1)] },
      'has changed',
    ],
    ['its server was resized', changed(model, first, { uses: { vcpu: 1, memoryMiB: 1, diskGiB: 1 } }), 'has changed'],
    ['its server got a rival', { ...model, groups: [...model.groups, apart('h', first, '3')] }, 'has changed'],
    ['its target became busy over the day', changed(model, first, { cpuPercentOfDay: 900 }), '% CPU over the day'],
    ['its target became busy', changed(model, first, { cpuPercent: 900 }), 'has become busy'],
  ])('no longer when %s', (_, now, message) => {
    expect(refusal(() => assertHolds(document, now, nowMs))).toContain(message)
  })

  it('no longer after its time, unless it has begun', () => {
    const late = takenMs + 3_600_000
    expect(refusal(() => assertHolds(document, model, late))).toBe('the plan was good until 2026-11-20T10:15:00.000Z')
    assertHolds(document, afterMoves(model, document.waves[0]!.moves), late, 2)
  })

  it('in a wave of which a part has been made, as long as the rest is as it was', () => {
    const many = measuredModel('c10x80')
    const plan = documentOf(many)
    const [made, ...rest] = plan.waves[0]!.moves
    expect(rest.length).toBeGreaterThan(0)
    const half = afterMoves(many, [made!])
    expect(refusal(() => assertHolds(plan, half, nowMs))).toContain('not as wave 1 expects them')
    assertHolds(plan, asBefore(half, [made!]), nowMs)
    const locked = changed(half, rest[0]!.serverId, { pinned: 'locked' })
    expect(refusal(() => assertHolds(plan, asBefore(locked, [made!]), nowMs))).toContain('has to stay: locked')
  })

  it('no longer in a wave before which a move did not happen', () => {
    expect(refusal(() => assertHolds(document, model, nowMs, 2))).toContain('not as wave 2 expects them')
  })
})

describe('the way back', () => {
  it('brings every server home, in waves, and is in the document', () => {
    const { waves, undo } = documentOf(model, 'drain', { drain: ['a'] })
    const back = undo.waves.flatMap(({ moves }) => moves)
    expect(undo.impossible).toBeUndefined()
    expect(new Set(back.map(({ serverId, to }) => `${serverId} ${to}`))).toEqual(
      new Set(waves.flatMap(({ moves }) => moves.map(({ serverId, from }) => `${serverId} ${from}`))),
    )
    expect(back[0]?.reason).toMatch(/^goes back from /)
  })

  it('leads to the host with fewer CPU features that a server came from', () => {
    const hosts = [host('a', { cpuTraits: ['HW_A'] }), host('b', { cpuTraits: ['HW_A', 'HW_B'] })]
    const mixed = cloud(hosts, [server('1', 'a', 1)])
    expect(documentOf(mixed, 'drain', { drain: ['a'] }).undo.waves).toHaveLength(1)
  })

  it('takes a server over no host without the CPU features it began with, however often it moves', () => {
    const hosts = [host('a', { cpuTraits: ['HW_A'] }), host('b', { cpuTraits: ['HW_A', 'HW_B'] }), host('c')]
    const mixed = cloud(hosts, [server('1', 'a', 1), server('2', 'c', 1)])
    const onB = afterMoves(mixed, [{ serverId: '1', to: 'b' }])
    expect(onB.servers.map(({ cpuTraits }) => cpuTraits)).toEqual([['HW_A'], undefined])
    expect(afterMoves(onB, [{ serverId: '1', to: 'a' }]).servers[0]?.cpuTraits).toEqual(['HW_A'])
    expect(() => planGoal(onB, 'drain', { drain: ['a', 'b'] })).toThrow(/1 of another kind/)
    expect(afterMoves(mixed, [{ serverId: '2', to: 'b' }]).servers[1]?.cpuTraits).toEqual([])
  })

  it('leads to a host that was closed for the drain, and to one that was hot', () => {
    const closed = cloud([host('a', { usable: false }), host('b')], [server('1', 'a', 4, { cpuPercent: 500 })])
    const hot = cloud(
      [host('a'), host('b')],
      [1, 2, 3].map((n) => server(`${n}`, 'a', 1, { cpuPercent: 260 })),
    )
    expect(documentOf(closed, 'drain', { drain: ['a'] }).undo.waves).toHaveLength(1)
    expect(documentOf(hot, 'balance').undo).toMatchObject({ waves: [{ moves: [{ to: 'a' }] }] })
  })

  it('passes the independent checker or is not offered, whatever the plan; and ends where things were', () => {
    const cases = fc.record({
      model: clouds({ hosts: 5, servers: 16 }),
      goal: fc.constantFrom(...goals.filter((one) => one !== 'drain')),
      options: limits,
    })
    let offered = 0
    let refused = 0
    fc.assert(
      fc.property(cases, ({ model: given, goal, options: { maxHosts: _, ...options } }) => {
        const plan: GoalPlan = planGoal(given, goal, options)
        expect(checkPlan(given, plan, options)).toEqual([])
        const { moves, impossible } = undoOf(given, plan, options)
        if (impossible !== undefined) refused++
        else if (plan.moves.length > 0) offered++
        if (impossible !== undefined) {
          expect(moves).toEqual([])
          return
        }
        const there = afterMoves(given, plan.moves)
        const home = new Map(given.servers.map((one) => [one.id, one.host]))
        for (const one of afterMoves(there, moves).servers) expect(one.host).toBe(home.get(one.id))
        const perWave = new Map<string, number>()
        for (const { wave, from } of moves) perWave.set(`${wave} ${from}`, (perWave.get(`${wave} ${from}`) ?? 0) + 1)
        for (const count of perWave.values()) expect(count).toBeLessThanOrEqual(options.outgoingPerHost ?? 1)
      }),
      { numRuns: 300, seed: 11 },
    )
    expect(refused).toBeLessThan(offered / 5)
  })
})

describe('the way back from moves that were made', () => {
  const drained = documentOf(model, 'drain', { drain: ['a'] })
  const moves = drained.waves.flatMap((wave) => wave.moves)
  const back = (now: Model, made = moves) => wayBackDocument({ model: now, takenMs }, made, {}, nowMs)

  it('ends where things were, from a whole plan and from a part of one', () => {
    const there = afterMoves(model, moves)
    const document = back(there)
    expect(PlanDocument.parse(JSON.parse(JSON.stringify(document)))).toEqual(document)
    expect(document.picture).toMatch(/^undo: 3 hosts in use before, 4 after, at best 3\n/)
    const home = afterMoves(
      there,
      document.waves.flatMap((wave) => wave.moves),
    )
    for (const { id, host: on } of home.servers) expect(on).toBe(model.servers.find((one) => one.id === id)?.host)
    expect(back(afterMoves(model, moves.slice(0, 1)), moves.slice(0, 1)).waves).toHaveLength(1)
    let now = there
    for (const { wave, moves: own } of document.waves) {
      assertHolds(document, now, nowMs, wave)
      now = afterMoves(now, own)
    }
  })

  it('leaves servers alone that are gone, or that somebody has moved on since', () => {
    const [first, second] = moves
    const there = afterMoves(model, moves)
    const gone = { ...there, groups: [], servers: there.servers.filter(({ id }) => id !== first?.serverId) }
    const elsewhere = second?.to === 'b' ? 'c' : 'b'
    const document = back(changed(gone, second!.serverId, { host: elsewhere }))
    expect(document.waves).toEqual([])
    expect(document.skipped).toEqual([
      { serverId: first?.serverId, reason: 'is gone' },
      { serverId: second?.serverId, reason: `is on ${elsewhere} by now, and was left on ${second?.to}` },
    ])
  })

  it('is none where there is no room any more', () => {
    const there = afterMoves(model, moves)
    const full = { ...there, servers: [...there.servers, server('9', 'a', 16)] }
    expect(() => back(full)).toThrow(/no order of moves brings \d servers back/)
  })
})

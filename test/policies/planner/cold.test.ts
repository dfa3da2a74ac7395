import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeOf } from '../../../core/errors.ts'
import { PlanDocument } from '../../../core/plan-document.ts'
import { checkPlan } from '../../../policies/planner/check.ts'
import { letMoveCold } from '../../../policies/planner/cold.ts'
import { digestOf } from '../../../policies/planner/digest.ts'
import { type DocumentOptions, planDocument } from '../../../policies/planner/document.ts'
import { assertHolds } from '../../../policies/planner/holds.ts'
import { coldChoices, type Goal, type Model, type ModelServer } from '../../../policies/planner/model.ts'
import { readModel } from '../../../policies/planner/model-file.ts'
import { wayBackDocument } from '../../../policies/planner/way-back.ts'
import { cloud, clouds, host, server } from './clouds.ts'

const takenMs = Date.parse('2026-11-20T10:00:00Z')
const nowMs = takenMs + 20_000
const documentOf = (model: Model, options: DocumentOptions = {}, goal: Goal = 'drain') =>
  planDocument({ model, takenMs }, goal, goal === 'drain' ? { drain: ['a'], ...options } : options, nowMs)

/** As a picture of a cloud has it: pinned for being off. */
const off = (id: string, on: string, more: Partial<ModelServer> = {}) =>
  server(id, on, 2, { power: 'off', pinned: 'its status is SHUTOFF', isFreeWhenCold: true, cpuPercent: 0, ...more })
const model = cloud(
  [host('a'), host('b'), host('c')],
  [
    off('1', 'a', { copiedDiskGiB: 10 }),
    off('2', 'a'),
    server('3', 'a', 4, { copiedDiskGiB: 50 }),
    server('4', 'b', 4),
  ],
)
const movesOf = (document: PlanDocument) => document.waves.flatMap(({ moves }) => moves)
const howMoved = (document: PlanDocument) =>
  movesOf(document)
    .map(({ serverId, kind, isOff = false }) => [serverId, kind, isOff] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
const changed = (of: Model, id: string, change: Partial<ModelServer>): Model => ({
  ...of,
  servers: of.servers.map((one) => (one.id === id ? { ...one, ...change } : one)),
})
function refusal(attempt: () => unknown): string {
  try {
    attempt()
  } catch (error) {
    return `${codeOf(error)}: ${(error as Error).message}`
  }
  throw new Error('accepted')
}

describe('servers that are off', () => {
  it('stay where they are unless somebody chose otherwise', () => {
    expect(refusal(() => documentOf(model))).toMatch(/^PLAN_IMPOSSIBLE/)
    expect(refusal(() => documentOf(model, { cold: 'none' }))).toMatch(/^PLAN_IMPOSSIBLE/)
    const { faults } = documentOf(model, {}, 'balance')
    expect(JSON.stringify(faults)).toContain('has to stay: its status is SHUTOFF')
  })

  it('leave their host by cold migration with `stopped`, and those that run leave it live', () => {
    const document = documentOf(model, { cold: 'stopped' })
    expect(howMoved(document)).toEqual([
      ['1', 'cold', true],
      ['2', 'cold', true],
      ['3', 'live', false],
    ])
    expect(document.efficacy.released).toEqual(['a'])
    expect(document.options.cold).toBe('stopped')
    expect(PlanDocument.parse(JSON.parse(JSON.stringify(document)))).toEqual(document)
    expect(movesOf(document).find(({ serverId }) => serverId === '1')?.reason).toMatch(
      /; cold: it is off, and stays off$/,
    )
    expect(document.picture).toMatch(/HOW +WHY/)
    expect(document.picture).toMatch(/ cold, off +/)
  })

  it('have no downtime, and only their disk is copied', () => {
    const document = documentOf(model, { cold: 'stopped' })
    const [first, second] = ['1', '2'].map((id) => movesOf(document).find(({ serverId }) => serverId === id))
    expect(first).toMatchObject({ downtimeMs: 0, copiedMiB: 10 * 1024, converges: true })
    expect(second).toMatchObject({ downtimeMs: 0, copiedMiB: 0, durationMs: 5_000 })
    expect(document.notes).toEqual([])
    expect(digestOf(document, 'p').takenDown).toBeUndefined()
  })

  it('stay for any other reason they have', () => {
    const locked = changed(model, '1', { pinned: 'locked', isFreeWhenCold: undefined as never })
    expect(refusal(() => documentOf(locked, { cold: 'all' }))).toMatch(/^PLAN_IMPOSSIBLE/)
  })
})

describe('a plan that moves everything cold', () => {
  const document = documentOf(model, { cold: 'all' })

  it('says that servers that run are down meanwhile, how many and for how long', () => {
    expect(howMoved(document)).toEqual([
      ['1', 'cold', true],
      ['2', 'cold', true],
      ['3', 'cold', false],
    ])
    const moved = movesOf(document).find(({ serverId }) => serverId === '3')
    // shutting down and starting again, and 50 GiB at 500 MiB/s
    expect(moved?.downtimeMs).toBe(60_000 + 102_400)
    expect(moved?.durationMs).toBe(5_000 + 162_400)
    expect(moved?.reason).toMatch(/; cold: it is down meanwhile$/)
    expect(document.notes).toEqual([
      { where: 'downtime', says: '1 server(s) that run are moved cold: each is down for about 163 s' },
    ])
    expect(document.forecast.downtimeMs).toBe(162_400)
    expect(digestOf(document, 'p').takenDown).toBe(1)
  })

  it('weighs that: what is hardly worth a live move is not worth a downtime', () => {
    const busy = cloud([host('a'), host('b')], [server('1', 'a', 2, { cpuPercent: 200 }), server('2', 'a', 2)])
    const options = { worth: { unevenPointHour: 0.001 } }
    expect(movesOf(documentOf(busy, options, 'balance'))).toHaveLength(1)
    expect(movesOf(documentOf(busy, { ...options, cold: 'all' }, 'balance'))).toEqual([])
  })

  it('leaves servers alone that are paused: Nova moves them live only', () => {
    const paused = changed(model, '3', { power: 'paused' })
    expect(refusal(() => documentOf(paused, { cold: 'all' }))).toMatch(/^PLAN_IMPOSSIBLE/)
    const { skipped, faults } = documentOf(paused, { cold: 'all' }, 'balance')
    expect(JSON.stringify([skipped, faults])).toContain('it is paused, and cannot be moved cold')
  })

  it('is another plan than one that moves the same servers live: a yes to the one is none to the other', () => {
    const running = cloud([host('a'), host('b')], [server('1', 'a', 2)])
    expect(documentOf(running, { cold: 'all' }).id).not.toBe(documentOf(running).id)
  })
})

describe('a plan does not hold any more', () => {
  const runs = { power: undefined as never, pinned: undefined as never, isFreeWhenCold: undefined as never }
  it.each([
    ['stopped', '1', runs, 'server 1 was off when it was planned, and runs by now'],
    ['stopped', '3', off('3', 'a'), 'server 3 ran when it was planned, and is off by now'],
    ['all', '1', runs, 'server 1 was off when it was planned, and runs by now'],
    ['all', '3', off('3', 'a'), 'server 3 ran when it was planned, and is off by now'],
  ] as const)('(cold: %s) once server %s was started or stopped', (cold, id, change, says) => {
    const document = documentOf(model, { cold, outgoingPerHost: 3 })
    expect(() => assertHolds(document, model, nowMs)).not.toThrow()
    const { host: _host, uses: _uses, ...state } = change as Partial<ModelServer>
    expect(refusal(() => assertHolds(document, changed(model, id, state), nowMs))).toBe(
      `PLAN_STALE: hosts or servers of the plan are not as wave 1 expects them: ${says}`,
    )
  })
})

describe('the way back', () => {
  const made = (document: PlanDocument) => movesOf(document).map(({ serverId, from, to }) => ({ serverId, from, to }))
  const after = (document: PlanDocument): Model => {
    const at = new Map(movesOf(document).map(({ serverId, to }) => [serverId, to]))
    return { ...model, servers: model.servers.map((one) => ({ ...one, host: at.get(one.id) ?? one.host })) }
  }

  it.each(['stopped', 'all'] as const)('goes as the way there went (%s)', (cold) => {
    const there = documentOf(model, { cold })
    const back = wayBackDocument({ model: after(there), takenMs }, made(there), { cold }, nowMs)
    expect(howMoved(back)).toEqual(howMoved(there))
    expect(new Set(movesOf(back).map(({ to }) => to))).toEqual(new Set(['a']))
    const written = there.undo.waves.flatMap(({ moves }) => moves)
    expect(new Map(written.map(({ serverId, kind }) => [serverId, kind]))).toEqual(
      new Map(movesOf(there).map(({ serverId, kind }) => [serverId, kind])),
    )
  })
})

describe('a model file', () => {
  const row = { host: 'a', vcpus: 1, mem_mib: 1, disk_gib: 1, cpu_util_pct: 0 }
  const h = { az: 'z', vcpus: 8, mem_mib: 16, disk_gib: 100 }
  const ratios = { cpu_allocation_ratio: 1, mem_allocation_ratio: 1, disk_allocation_ratio: 1 }
  const read = (...instances: object[]) =>
    readModel({
      format: 'mist-peers-cluster/1',
      hosts: ['a', 'b'].map((name) => ({ name, ...h, ...ratios })),
      instances: instances.map((more, at) => ({ id: `${at}`, ...row, ...more })),
    })

  it('tells who is off and may be moved cold, and who has another reason to stay', () => {
    const { servers } = letMoveCold(
      read(
        { state: 'shutoff' },
        { state: 'SHUTOFF', pinned: 'its status is SHUTOFF', moves_cold: true },
        { state: 'shutoff', pinned: 'locked' },
        { state: 'shelved' },
        { state: 'active' },
      ),
      'stopped',
    )
    expect(servers.map(({ kind, pinned }) => kind ?? pinned)).toEqual([
      'cold',
      'cold',
      'locked',
      'is in state shelved',
      undefined,
    ])
  })
})

describe('any cloud', () => {
  const mixed = clouds({ hosts: 6, servers: 16 }).chain((drawn) =>
    fc.array(fc.constantFrom('runs', 'runs', 'off', 'paused'), { minLength: 16, maxLength: 16 }).map((powers) => ({
      ...drawn,
      servers: drawn.servers.map((one, at): ModelServer => {
        if (powers[at] === 'paused') return { ...one, power: 'paused' }
        if (powers[at] !== 'off') return one
        const isFreeWhenCold = one.pinned === undefined && ({ isFreeWhenCold: true } as const)
        return { ...one, power: 'off', pinned: one.pinned ?? 'its status is SHUTOFF', ...isFreeWhenCold }
      }),
    })),
  )

  it('is planned for as ever when nobody speaks of cold', () => {
    fc.assert(
      fc.property(mixed, (drawn) => {
        const bare = {
          ...drawn,
          servers: drawn.servers.map(({ power: _p, isFreeWhenCold: _f, ...rest }) => rest),
        }
        const [former, unasked, none] = [
          documentOf(bare, {}, 'consolidate'),
          documentOf(drawn, {}, 'consolidate'),
          documentOf(drawn, { cold: 'none' }, 'consolidate'),
        ]
        expect(unasked).toEqual(former)
        expect({ ...none, options: {} }).toEqual(former)
      }),
      { numRuns: 60 },
    )
  })

  it('moves live only what runs or is paused, and cold only what Nova takes', () => {
    fc.assert(
      fc.property(mixed, fc.constantFrom(...coldChoices), (drawn, cold) => {
        const document = documentOf(drawn, { cold }, 'consolidate')
        const power = new Map(drawn.servers.map((one) => [one.id, one.power ?? 'runs']))
        for (const { serverId, kind } of movesOf(document)) {
          const allowed = { none: ['live runs', 'live paused'], stopped: ['live runs', 'live paused', 'cold off'] }
          const all = ['cold runs', 'cold off']
          expect(cold === 'all' ? all : allowed[cold]).toContain(`${kind} ${power.get(serverId)}`)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('is checked by somebody else: a server that is off must not be moved live', () => {
    const { deviationOfDay: _none, ...efficacy } = documentOf(model, { cold: 'stopped' }).efficacy
    const live = { wave: 1, serverId: '1', from: 'a', to: 'b', reason: '' }
    const plan = { goal: 'balance' as const, ...efficacy, moves: [live], skipped: [], bound: { hosts: 0 } }
    expect(checkPlan(letMoveCold(model, 'stopped'), plan)).toContain('wave 1, 1 a → b: it cannot be moved live')
  })
})

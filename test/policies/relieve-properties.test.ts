import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeOf } from '../../core/errors.ts'
import type { Host, Plan, Resources, Server, Snapshot } from '../../core/plan.ts'
import { type RelieveOptions, relieve } from '../../policies/relieve.ts'

const zones = fc.constantFrom('az1', 'az1', 'az2')
const amounts = (min: number, max: number) =>
  fc.record({
    vcpu: fc.integer({ min, max }),
    memoryMiB: fc.integer({ min, max }),
    diskGiB: fc.integer({ min: 0, max: 2 }),
  })
/** Mostly the first, so that plans of several moves are common. */
const mostly = <T>(usual: T, ...others: T[]) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(usual) }, fc.constantFrom(...others))
const clouds = fc
  .record({
    targets: fc.array(fc.record({ used: amounts(0, 5), usable: mostly(true, false), zone: zones }), {
      minLength: 1,
      maxLength: 3,
    }),
    extra: fc.integer({ min: 0, max: 2 }),
    servers: fc.array(
      fc.record({
        uses: amounts(0, 4),
        on: mostly(-1, 0, 1),
        pinned: mostly<string | undefined>(undefined, 'busy'),
        group: mostly<'anti-affinity' | 'affinity' | undefined>(undefined, 'anti-affinity', 'affinity'),
        groupId: fc.constantFrom('g', 'h'),
        requestedZone: mostly<string | undefined>(undefined, 'az1', 'az2'),
      }),
      { minLength: 3, maxLength: 6 },
    ),
    limit: fc.constantFrom(0.3, 0.5, 0.6, 0.7),
    maxMoves: fc.integer({ min: 1, max: 4 }),
    resource: fc.constantFrom('vcpu' as const, 'memory' as const),
  })
  .map(({ targets, extra, servers, limit, maxMoves, resource }) => {
    const placed = servers.map(
      ({ uses, on, pinned, group, groupId, requestedZone }, i): Server => ({
        id: `id-${i}`,
        name: `s${i % 3}`,
        host: on >= 0 && on < targets.length ? `t${on}` : 'hot',
        uses,
        ...(pinned && { pinned }),
        ...(group && { group: { id: `${group}-${groupId}`, policy: group } }),
        ...(requestedZone && { requestedZone }),
      }),
    )
    const held = placed.filter((s) => s.host === 'hot').reduce((sum, { uses }) => plus(sum, uses), nothing)
    const capacity = { vcpu: 12, memoryMiB: 12, diskGiB: 8 }
    const hosts: Host[] = [
      { name: 'hot', capacity, used: { ...held, vcpu: held.vcpu + extra }, usable: true, zone: 'az1' },
      ...targets.map(({ used, usable, zone }, i) => ({ name: `t${i}`, capacity, used, usable, zone })),
    ]
    return {
      cloud: { takenAt: '2026-11-21T00:00:00.000Z', hosts, servers: placed },
      options: { host: 'hot', resource, limit, maxMoves } satisfies RelieveOptions,
    }
  })

const nothing: Resources = { vcpu: 0, memoryMiB: 0, diskGiB: 0 }
const plus = (a: Resources, b: Resources): Resources => ({
  vcpu: a.vcpu + b.vcpu,
  memoryMiB: a.memoryMiB + b.memoryMiB,
  diskGiB: a.diskGiB + b.diskGiB,
})
const planned = (cloud: Snapshot, opts: RelieveOptions): Plan | undefined => {
  try {
    return relieve(cloud, opts)
  } catch (error) {
    if (codeOf(error) === 'PLAN_IMPOSSIBLE') return undefined
    throw error
  }
}

/** Carries moves out one by one, with allocations on both hosts meanwhile; says what rule is broken. */
function broken(cloud: Snapshot, moves: readonly { serverId: string; to: string }[], opts: RelieveOptions) {
  const key = opts.resource === 'vcpu' ? 'vcpu' : 'memoryMiB'
  const used = new Map(cloud.hosts.map((h) => [h.name, h.used]))
  const at = new Map(cloud.servers.map((s) => [s.id, s.host]))
  for (const { serverId, to } of moves) {
    const moved = cloud.servers.find((s) => s.id === serverId)
    const target = cloud.hosts.find((h) => h.name === to)
    if (!moved || !target || at.get(serverId) !== 'hot' || to === 'hot') return 'no such move'
    if (!target.usable) return 'target not usable'
    if (moved.pinned) return 'pinned'
    if (moved.requestedZone && moved.requestedZone !== target.zone) return 'zone'
    const mates = cloud.servers.filter((s) => s.id !== serverId && s.group && s.group.id === moved.group?.id)
    if (moved.group?.policy === 'anti-affinity' && mates.some((s) => at.get(s.id) === to)) return 'anti-affinity'
    if (moved.group?.policy === 'affinity' && mates.length > 0) return 'affinity'
    const now = plus(used.get(to) ?? nothing, moved.uses)
    for (const kind of ['vcpu', 'memoryMiB', 'diskGiB'] as const)
      if (moved.uses[kind] > 0 && now[kind] > target.capacity[kind]) return `capacity ${kind}`
    if (now[key] / target.capacity[key] > opts.limit) return 'limit'
    used.set(to, now)
    at.set(serverId, to)
    const left = used.get('hot') ?? nothing
    used.set('hot', { ...left, [key]: left[key] - moved.uses[key] })
  }
  const hot = cloud.hosts[0]
  return (used.get('hot')?.[key] ?? 0) / (hot?.capacity[key] ?? 1) > opts.limit ? 'still too full' : undefined
}

/** The best [moves, memory] by trying everything. */
function bruteForce(cloud: Snapshot, opts: RelieveOptions): [number, number] | undefined {
  const servers = cloud.servers.filter((s) => s.host === 'hot')
  const targets = cloud.hosts.filter((h) => h.name !== 'hot')
  let found: [number, number] | undefined
  const choices = (targets.length + 1) ** servers.length
  for (let code = 0; code < choices; code++) {
    const moves: { serverId: string; to: string }[] = []
    let memory = 0
    for (let i = 0, rest = code; i < servers.length; i++, rest = Math.floor(rest / (targets.length + 1))) {
      const target = targets[(rest % (targets.length + 1)) - 1]
      const s = servers[i]
      if (!target || !s) continue
      moves.push({ serverId: s.id, to: target.name })
      memory += s.uses.memoryMiB
    }
    if (moves.length > opts.maxMoves || broken(cloud, moves, opts)) continue
    if (!found || moves.length < found[0] || (moves.length === found[0] && memory < found[1]))
      found = [moves.length, memory]
  }
  return found
}

describe('any plan of relieve', () => {
  it('breaks no rule at any moment of its execution, and brings the host down', () => {
    fc.assert(
      fc.property(clouds, ({ cloud, options: opts }) => {
        const plan = planned(cloud, opts)
        if (!plan) return
        expect(broken(cloud, plan.moves, opts)).toBeUndefined()
        expect(plan.after).toBeLessThanOrEqual(opts.limit)
        expect(plan.moves.length).toBeLessThanOrEqual(opts.maxMoves)
      }),
      { numRuns: 1000 },
    )
  })

  it('has the fewest moves there are, and of those the least memory; there is none only if there is none', () => {
    fc.assert(
      fc.property(clouds, ({ cloud, options: opts }) => {
        const plan = planned(cloud, opts)
        const memory = plan?.moves.reduce((sum, move) => sum + move.memoryMiB, 0)
        expect(plan && [plan.moves.length, memory]).toEqual(bruteForce(cloud, opts))
      }),
      { numRuns: 2000 },
    )
  }, 60_000)

  it('is the same in whatever order hosts and servers come, and leaves its input alone', () => {
    const shuffled = clouds.chain((given) =>
      fc
        .tuple(
          fc.shuffledSubarray([...given.cloud.hosts], { minLength: given.cloud.hosts.length }),
          fc.shuffledSubarray([...given.cloud.servers], { minLength: given.cloud.servers.length }),
        )
        .map(([hosts, servers]) => ({ ...given, other: { ...given.cloud, hosts, servers } })),
    )
    fc.assert(
      fc.property(shuffled, ({ cloud, other, options: opts }) => {
        const untouched = structuredClone(cloud)
        expect(planned(other, opts)).toEqual(planned(cloud, opts))
        expect(cloud).toEqual(untouched)
      }),
      { numRuns: 500 },
    )
  })

  it('has a reason for every server of the host that stays', () => {
    fc.assert(
      fc.property(clouds, ({ cloud, options: opts }) => {
        const plan = planned(cloud, opts)
        if (!plan || plan.moves.length === 0) return
        const moved = new Set(plan.moves.map((move) => move.serverId))
        const staying = cloud.servers.filter((s) => s.host === 'hot' && !moved.has(s.id))
        const explained = plan.skipped.filter(({ subject }) => subject !== 'hot')
        expect(explained.map(({ subject }) => subject).sort()).toEqual(staying.map((s) => `${s.name} (${s.id})`).sort())
      }),
    )
  })
})

import { describe, expect, it } from 'vitest'
import { readCloudModel } from '../../activities/cloud-model.ts'
import type { ReadUse } from '../../activities/measured-use.ts'
import { createPlanWaves } from '../../activities/plan-waves.ts'
import { codeOf } from '../../core/errors.ts'
import type { PlanDocument } from '../../core/plan-document.ts'
import { planDocument } from '../../policies/planner/document.ts'
import { emptiedBy } from '../../policies/planner/emptied.ts'
import type { Goal } from '../../policies/planner/model.ts'
import { readModel } from '../../policies/planner/model-file.ts'
import { move as moveServer } from '../../simulator/cloud.ts'
import { rejection } from '../openstack/server.ts'
import { setUp } from './rig.ts'

const ownReason = 'steward plan/1'

/** Two servers on compute1, one on compute3, and a plan for them. */
async function planned(goal: Goal = 'drain', options: object = { drain: ['compute1'] }, readUse?: ReadUse) {
  const rig = await setUp()
  const { cloud, sessions, requestId } = rig
  for (const host of ['compute1', 'compute1', 'compute3']) cloud.addServer({ host })
  const model = readModel(await readCloudModel(await sessions.forRemediation(), { requestId }))
  const document = planDocument({ model, takenMs: Date.now() }, goal, options, Date.now())
  const read = async (): Promise<PlanDocument> => document
  const waves = createPlanWaves({ sessions, documents: { read }, readUse })
  const at = { workflowId: 'plan/1', pack: 'pack-1', wave: 1 }
  const part = await rig.run(() => waves.readWave(at))
  const carryOut = (wave: number) => {
    for (const { serverId, to } of document.waves[wave - 1]?.moves ?? [])
      moveServer(cloud.world, cloud.server(serverId), cloud.host(to))
  }
  return {
    ...{ ...rig, document, part, carryOut },
    check: (wave: number, moved: string[] = []) =>
      rig.run(() => waves.checkWave({ ...at, wave, moved, ownReason })).then(() => 'holds'),
    verify: () => rig.run(() => waves.verifyMoves({ moves: part.moves })),
  }
}

describe('a wave', () => {
  it('is its moves with their zones, and the hosts that it helps to empty', async () => {
    const { document, part } = await planned()
    const [first] = document.waves[0]?.moves ?? []
    expect(part.moves[0]).toMatchObject({ serverId: first?.serverId, from: 'compute1', to: first?.to })
    expect(part.moves[0]?.memoryMiB).toBe(first?.copiedMiB)
    expect([part.zones, part.emptied]).toEqual([['nova'], ['compute1']])
    expect(emptiedBy({ ...document, goal: 'balance' })).toEqual(new Set())
  })

  it('that consolidates empties the hosts it does without, and none that it sends servers to', async () => {
    const { part, document } = await planned('consolidate', {})
    expect(part.emptied).toEqual(
      document.efficacy.released.filter((host) => part.moves.some(({ from }) => from === host)),
    )
    expect(part.emptied).toEqual(['compute3'])
  })

  it('holds while the cloud is as it expects it, also on hosts that were disabled for it', async () => {
    const { cloud, check, carryOut } = await planned()
    expect(await check(1)).toBe('holds')
    Object.assign(cloud.service('nova-compute', 'compute1'), { status: 'disabled', disabledReason: ownReason })
    expect(await check(1)).toBe('holds')
    carryOut(1)
    expect(await check(2)).toBe('holds')
    expect(codeOf(await rejection(check(1)))).toBe('PLAN_STALE')
  })

  it('is stale when a host has become busy that it moves servers to; what has not been measured yet is no reason', async () => {
    const usage = new Map<string, { cpuPercentOfOwn: number }>()
    const use: ReadUse = async () => ({ usage, notCounted: new Map() })
    const { cloud, check, document } = await planned('drain', { drain: ['compute1'], maxCpuPercent: 1 }, use)
    expect(await check(1)).toBe('holds')
    const [{ to } = { to: '' }] = document.waves[0]?.moves ?? []
    for (const { id } of cloud.world.servers) usage.set(id, { cpuPercentOfOwn: 100 })
    const error = await rejection(check(1))
    expect([codeOf(error), error.message]).toEqual(['PLAN_STALE', expect.stringContaining(`${to} has become busy`)])
  })

  it('is stale when its host would be too busy over the day, with those that have just arrived there counted', async () => {
    const ofDay = new Map<string, number>()
    const use: ReadUse = async () => ({ usage: new Map(), notCounted: new Map(), ofDay })
    const { cloud, check, document } = await planned('drain', { drain: ['compute1'], maxCpuPercent: 1 }, use)
    expect(await check(1)).toBe('holds')
    for (const { id } of cloud.world.servers) ofDay.set(id, 100)
    const [{ to } = { to: '' }] = document.waves[0]?.moves ?? []
    const { message } = await rejection(check(1))
    expect(message).toMatch(new RegExp(`${to} has become busy: wave 1 would bring it to \\d+ % CPU over the day`))
  })

  it('of which a part was made is held to what was expected before it', async () => {
    const { document, check, carryOut } = await planned()
    carryOut(1)
    const moved = document.waves[0]?.moves.map(({ serverId }) => serverId)
    expect(await check(1, moved)).toBe('holds')
    document.validity.expiresAt = new Date(Date.parse(document.validity.takenAt) + 1).toISOString()
    expect(await check(1, moved)).toBe('holds')
  })

  it.each([
    [
      'somebody else has disabled its host',
      ({ cloud }: Awaited<ReturnType<typeof planned>>) =>
        Object.assign(cloud.service('nova-compute', 'compute1'), { status: 'disabled', disabledReason: 'olga' }),
      'has changed',
    ],
    [
      'a server came to its host',
      ({ cloud }: Awaited<ReturnType<typeof planned>>) => cloud.addServer({ host: 'compute1' }),
      'has changed',
    ],
    [
      'its time is over',
      ({ document }: Awaited<ReturnType<typeof planned>>) =>
        Object.assign(document.validity, { expiresAt: new Date(0).toISOString() }),
      'was good until',
    ],
  ])('holds no longer when %s', async (_what, change, message) => {
    const plan = await planned()
    change(plan)
    const error = await rejection(plan.check(1))
    expect([codeOf(error), error.message]).toEqual(['PLAN_STALE', expect.stringContaining(message)])
  })

  it('is looked at with the standing delegation, by reads with the id of the run', async () => {
    const { cloud, check, requestId } = await planned()
    const before = cloud.received.length
    await check(1)
    const asked = cloud.received.slice(before).filter(({ service }) => service !== 'identity')
    expect(new Set(asked.map(({ method }) => method))).toEqual(new Set(['GET']))
    expect(new Set(asked.map(({ headers }) => headers['x-openstack-request-id']))).toEqual(new Set([requestId]))
  })
})

describe('servers that were moved', () => {
  it('are where they should be when Nova and Placement say so', async () => {
    const { cloud, part, carryOut, verify } = await planned()
    const [{ serverId = '', to = '' } = {}] = part.moves
    expect(await verify()).toEqual({ astray: [`server ${serverId} is on compute1 and not on ${to}`] })
    carryOut(1)
    expect(await verify()).toEqual({ astray: [] })
    const held = cloud.world.allocations.get(serverId)
    held?.set('compute1', { VCPU: 1, MEMORY_MB: 1, DISK_GB: 1 })
    const { astray } = await verify()
    expect(astray[0]).toMatch(/ is on compute\d, but room is held on compute\d, compute\d$/)
  })
})

import { describe, expect, it } from 'vitest'
import { createDrainActivities } from '../../activities/drain.ts'
import { codeOf, detailsOf } from '../../core/errors.ts'
import { rejection } from '../openstack/server.ts'
import { setUp } from './rig.ts'

async function draining() {
  const rig = await setUp()
  const { planDrain } = createDrainActivities(rig.sessions)
  return { ...rig, plan: (host: string, atOnce = 1) => rig.run(() => planDrain({ host, atOnce })) }
}

describe('a plan to empty a host', () => {
  it('names every server on it with its place to go, so many at a time, and changes nothing', async () => {
    const { cloud, plan } = await draining()
    const on = [1, 2, 3].map(() => cloud.addServer({ host: 'compute1' }))
    cloud.addServer({ host: 'compute3' })
    const { waves } = await plan('compute1', 2)
    expect(waves.map((wave) => wave.length)).toEqual([2, 1])
    const moves = waves.flat()
    expect(new Set(moves.map(({ serverId }) => serverId))).toEqual(new Set(on.map(({ id }) => id)))
    for (const move of moves)
      expect(move).toEqual({
        serverId: move.serverId,
        serverName: cloud.server(move.serverId).name,
        from: 'compute1',
        to: expect.stringMatching(/^compute[23]$/),
        memoryMiB: 1024,
        reason: 'leaves compute1, which is drained',
      })
    expect(cloud.effects.filter(({ kind }) => kind !== 'token')).toEqual([])
  })

  it('has no waves when nothing is on it', async () => {
    const { plan } = await draining()
    expect((await plan('compute1')).waves).toEqual([])
  })

  it('is refused, and says which server cannot leave and why', async () => {
    const { cloud, plan } = await draining()
    const { id } = cloud.addServer({ host: 'compute1', status: 'SHUTOFF', vmState: 'stopped' })
    const error = await rejection(plan('compute1'))
    expect([codeOf(error), detailsOf(error).reasons]).toEqual([
      'PLAN_IMPOSSIBLE',
      [{ serverId: id, reason: 'its status is SHUTOFF' }],
    ])
  })

  it('of a host that nobody knows is refused', async () => {
    const { plan } = await draining()
    expect(codeOf(await rejection(plan('nowhere')))).toBe('HOST_UNKNOWN')
  })
})

import { describe, expect, it } from 'vitest'
import { createEvacuationActivities } from '../../activities/evacuation.ts'
import { codeOf, detailsOf } from '../../core/errors.ts'
import { flavors } from '../../simulator/openstack/world.ts'
import { rejection } from '../openstack/server.ts'
import { setUp } from './rig.ts'

async function looking() {
  const rig = await setUp()
  const { cloud } = rig
  cloud.kill('compute1')
  const { findRoom } = createEvacuationActivities(rig.sessions)
  const find = (servers: { id: string }[], host = 'compute1') =>
    rig.run(() => findRoom({ host, serverIds: servers.map(({ id }) => id) }))
  return { cloud, find }
}

describe('room for the servers of a dead host (P1 14)', () => {
  it('is found on hosts that are up, for servers in any state, and nothing is moved for it', async () => {
    const { cloud, find } = await looking()
    const on = [
      cloud.addServer({ host: 'compute1', status: 'ERROR', vmState: 'error', taskState: 'powering-off' }),
      cloud.addServer({ host: 'compute1', status: 'SHUTOFF', vmState: 'stopped', locked: true }),
    ]
    const left = cloud.addServer({ host: 'compute1', locked: true })
    const { places } = await find(on)
    expect(new Set(places.map(({ serverId }) => serverId))).toEqual(new Set(on.map(({ id }) => id)))
    expect(places.every(({ host }) => host === 'compute2' || host === 'compute3')).toBe(true)
    expect(places.map(({ serverId }) => serverId)).not.toContain(left.id)
    expect(cloud.effects.filter(({ kind }) => kind !== 'token')).toEqual([])
  })

  it('is not made by moving others, and each server without a place is named', async () => {
    const { cloud, find } = await looking()
    cloud.service('nova-compute', 'compute3').status = 'disabled'
    cloud.addServer({ host: 'compute2', flavor: flavors[3]! })
    const one = cloud.addServer({ host: 'compute1', flavor: flavors[3]! })
    const error = await rejection(find([one]))
    expect([codeOf(error), detailsOf(error).reasons]).toMatchObject(['PLAN_IMPOSSIBLE', [{ serverId: one.id }]])
  })

  it('of a host that nobody knows is refused', async () => {
    const { find } = await looking()
    expect(codeOf(await rejection(find([], 'nowhere')))).toBe('HOST_UNKNOWN')
  })
})

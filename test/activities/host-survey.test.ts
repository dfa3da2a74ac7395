import { describe, expect, it } from 'vitest'
import { createGovernorActivities } from '../../activities/governor.ts'
import { codeOf } from '../../core/errors.ts'
import type { FakeCloud } from '../../simulator/cloud.ts'
import { rejection } from '../openstack/server.ts'
import { released, setUp } from './rig.ts'

async function surveying(reached: readonly string[] = []) {
  const { cloud, sessions, run } = await setUp()
  const isReached = (host: string) => reached.includes(host)
  const unused = undefined as never
  const { surveyHosts } = createGovernorActivities({
    ...{ sessions, isReached, brake: released, governor: unused, client: unused },
  })
  return { cloud, survey: (host: string) => run(() => surveyHosts({ host })) }
}

/** It has said nothing for longer than Nova waits. */
const silent = (cloud: FakeCloud, host: string) =>
  Object.assign(cloud.service('nova-compute', host), { alive: false, lastReportMs: Date.now() - 600_000 })

describe('the hosts that are well', () => {
  it('are counted in the zone of a compute host, and in all', async () => {
    const { cloud, survey } = await surveying()
    cloud.world.services.push({
      ...cloud.service('nova-compute', 'compute3'),
      id: 'far',
      host: 'far',
      zone: 'far away',
    })
    silent(cloud, 'compute1')
    expect(await survey('compute2')).toMatchObject({
      zone: { name: 'nova', up: 2, down: 1 },
      cloud: { up: 3, down: 1 },
    })
  })

  it('are all counted around a controller, which has no nova-compute but is named in steward.yaml', async () => {
    const { cloud, survey } = await surveying(['control1'])
    silent(cloud, 'compute1')
    expect(await survey('control1')).toMatchObject({
      zone: { name: 'internal', up: 2, down: 1 },
      cloud: { up: 2, down: 1 },
    })
  })

  it('are not counted around a host that neither Nova nor steward.yaml knows', async () => {
    const { survey } = await surveying(['control1'])
    expect(codeOf(await rejection(survey('nowhere')))).toBe('HOST_UNKNOWN')
  })
})

import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { createEvacuationChecks } from '../../activities/unfinished-evacuations.ts'
import { codeOf, detailsOf } from '../../core/errors.ts'
import type { FakeCloud } from '../../simulator/cloud.ts'
import { rejection } from '../openstack/server.ts'
import { setUp, stopTheClock } from './rig.ts'

beforeEach(stopTheClock)

const evacuated = (
  cloud: FakeCloud,
  status: string,
  from = 'compute1',
  kind: 'evacuation' | 'live-migration' = 'evacuation',
) =>
  cloud.world.migrations.unshift({
    ...{ kind, number: cloud.world.migrations.length + 1, id: randomUUID(), serverId: `server-${status}` },
    ...{
      from,
      to: 'compute2',
      status,
      userId: 'u',
      projectId: 'p',
      changedMs: Date.now(),
      createdMs: Date.now(),
      steps: [],
    },
  })

async function checked(prepare: (cloud: FakeCloud) => unknown) {
  const { cloud, sessions, run } = await setUp()
  prepare(cloud)
  const { checkEvacuations } = createEvacuationChecks(sessions)
  return run(() => checkEvacuations({ host: 'compute1' }))
}

describe('a start of nova-compute', () => {
  it.each(['accepted', 'pre-migrating', 'done', 'a state of tomorrow'])(
    'is refused while an evacuation from its host is %s',
    async (status) => {
      const error = await rejection(checked((cloud) => evacuated(cloud, status)))
      expect(codeOf(error)).toBe('EVACUATION_UNFINISHED')
      expect(error.message).toContain(`server-${status} (${status})`)
      expect(detailsOf(error)).toEqual({ host: 'compute1', evacuations: 1 })
    },
  )

  it.each(['completed', 'failed', 'error', 'cancelled'])(
    'destroys nothing of an evacuation that is %s',
    async (status) => {
      await expect(checked((cloud) => evacuated(cloud, status))).resolves.toBeUndefined()
    },
  )

  it('has nothing to do with evacuations from other hosts, nor with other migrations', async () => {
    await expect(checked((cloud) => evacuated(cloud, 'done', 'compute2'))).resolves.toBeUndefined()
    await expect(checked((cloud) => evacuated(cloud, 'running', 'compute1', 'live-migration'))).resolves.toBeUndefined()
  })

  it('names some of many', async () => {
    const error = await rejection(
      checked((cloud) => {
        for (let n = 0; n < 8; n++) evacuated(cloud, 'done')
      }),
    )
    expect(error.message).toMatch(/(server-done \(done\), ){4}server-done \(done\) and 3 more$/)
  })
})

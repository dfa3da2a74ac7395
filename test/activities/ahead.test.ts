import { describe, expect, it } from 'vitest'
import { createAheadActivities } from '../../activities/ahead.ts'
import type { Work } from '../../core/work.ts'
import { deferred } from './deferred.ts'

/** A project with a server, and what a look ahead of work there finds. */
async function project() {
  const rig = await deferred()
  const { checkAhead } = createAheadActivities(rig.sessions)
  return { ...rig, look: (work: Work) => rig.run(() => checkAhead({ work, trustId: rig.trustId })) }
}

const create = (flavorRef: string): Work => ({
  call: { service: 'compute', method: 'POST', path: '/servers', body: { server: { name: 'x', flavorRef } } },
})

describe('a look ahead at the quota', () => {
  it('names what is short: in use, limit, and wanted', async () => {
    const { cloud, look } = await project()
    cloud.world.quota = { instances: 10, cores: 4, ram: 51_200 }
    expect(await look(create('2'))).toBeNull()
    expect(await look(create('4'))).toEqual({
      code: 'QUOTA_SHORT',
      detail: 'compute cores: 2 in use of 4, 4 wanted',
    })
  })

  it('counts what a resize takes more', async () => {
    const { cloud, server, look } = await project()
    const resize: Work = { action: 'server.resize', with: { serverId: server.id, flavorId: '4' } }
    cloud.world.quota = { instances: 10, cores: 4, ram: 51_200 }
    expect(await look(resize)).toBeNull()
    cloud.world.quota.cores = 3
    expect(await look(resize)).toMatchObject({ detail: 'compute cores: 2 in use of 3, 2 wanted' })
  })

  it('is no news when nobody says how the project stands', async () => {
    const { cloud, look } = await project()
    cloud.world.quota.cores = 0
    cloud.fail({ service: 'compute', path: /\/limits$/, times: 1 }, { status: 503 })
    expect(await look(create('4'))).toBeNull()
    const volume = {
      service: 'block-storage',
      method: 'POST',
      path: '/volumes',
      body: { volume: { size: 1 } },
    } as const
    expect(await look({ call: volume })).toBeNull()
  })
})

import { describe, expect, it } from 'vitest'
import { createDeferredCallActivities } from '../../activities/deferred-call.ts'
import type { Deed } from '../../core/chain.ts'
import { passing, released, setUp } from './rig.ts'

/** A server of which a live migration is under way, until it is brought to its end. */
async function moving() {
  const { cloud, sessions, run, trustId } = await setUp()
  const { performCall } = createDeferredCallActivities(sessions, passing(), released)
  const { id: serverId } = cloud.addServer({ host: 'compute1' })
  const perform = (deed: Deed) => run(() => performCall({ ...deed, trustId }))
  const goOn = () => {
    for (const { steps } of cloud.world.underWay) for (const step of steps.splice(0)) step()
  }
  cloud.host('compute1').migrationsStay = 'running'
  await perform({ action: 'server.live-migrate-to', input: { serverId, host: 'compute2' } })
  goOn()
  const [migration] = cloud.world.migrations
  return { cloud, migration, goOn, order: (action: string) => perform({ action, input: orderOf(serverId, migration) }) }
}

const orderOf = (serverId: string, migration: { readonly number: number } | undefined) => ({
  serverId,
  migrationId: migration?.number ?? 0,
})

describe.each(['server.abort-live-migration', 'server.force-live-migration'])('%s', (action) => {
  it('is sent while the migration is under way', async () => {
    const { cloud, order } = await moving()
    expect(await order(action)).toMatchObject({ status: 202 })
    expect(cloud.effects).toHaveLength(2)
  })

  it('has nothing to do once the migration is over, and is not sent', async () => {
    const { cloud, migration, goOn, order } = await moving()
    migration?.complete?.()
    goOn()
    expect(await order(action)).toMatchObject({ already: true })
    expect(cloud.effects).toHaveLength(1)
  })
})

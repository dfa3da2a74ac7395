import { describe, expect, it } from 'vitest'
import { createAheadActivities } from '../../activities/ahead.ts'
import { createDeferredCallActivities } from '../../activities/deferred-call.ts'
import { codeOf } from '../../core/errors.ts'
import type { FakeCloud } from '../../simulator/cloud.ts'
import { rejection } from '../openstack/server.ts'
import { stop } from './deferred.ts'
import { passing, released, setUp } from './rig.ts'

const kinds = ['trust', 'application credential'] as const

/** What alice has asked for, with the rights she gave, and Steward logged in with them already. */
async function asked(kind: (typeof kinds)[number]) {
  const rig = await setUp()
  const { cloud, sessions } = rig
  const server = cloud.addServer({ host: 'compute1' })
  const { id, secret } = cloud.addCredential('alice', 'demo')
  const delegation =
    kind === 'trust'
      ? { trustId: cloud.addTrust('alice', 'demo', ['member']) }
      : { applicationCredential: { id, secret } }
  const { performCall } = createDeferredCallActivities(sessions, passing(), released)
  const { checkAhead } = createAheadActivities(sessions)
  await sessions.through(delegation).token()
  return {
    cloud,
    perform: () => rig.run(() => performCall({ call: stop(server), ...delegation })),
    look: () => rig.run(() => checkAhead({ work: { call: stop(server) }, ...delegation })),
  }
}

/** Tries as the workflow does: what may be repeated is repeated, once. */
async function tried(perform: () => Promise<unknown>) {
  const error = await rejection(perform())
  return codeOf(error) === 'CLOUD_BUSY' ? codeOf(await rejection(perform())) : codeOf(error)
}

describe.each(kinds)('an action with a %s', (kind) => {
  const ends: [what: string, happen: (cloud: FakeCloud) => void][] = [
    ['is disabled', (cloud) => void Object.assign(cloud.user('alice'), { enabled: false })],
    ['is deleted', (cloud) => cloud.deleteUser('alice')],
    ['loses the project', (cloud) => cloud.deleteProject('demo')],
    ['loses the role', (cloud) => cloud.revoke('alice', 'demo', 'member')],
  ]
  it.each(ends)('whose owner %s is lost, which is seen ahead, and calls nothing', async (_what, happen) => {
    const { cloud, perform, look } = await asked(kind)
    happen(cloud)
    expect(await look()).toMatchObject({ code: 'DELEGATION_LOST' })
    expect(await tried(perform)).toBe('DELEGATION_LOST')
    expect(cloud.effects).toEqual([])
  })

  const comings: [what: string, go: (cloud: FakeCloud) => void, comeBack: (cloud: FakeCloud) => void][] = [
    [
      'the role is taken and given back',
      (cloud) => cloud.revoke('alice', 'demo', 'member'),
      (cloud) => cloud.grant('alice', 'demo', 'member'),
    ],
    [
      'they are disabled and enabled',
      (cloud) => void Object.assign(cloud.user('alice'), { enabled: false }),
      (cloud) => {
        Object.assign(cloud.user('alice'), { enabled: true })
        cloud.killTokens('alice')
      },
    ],
  ]
  it.each(comings)('is done when, before it is due, %s', async (_what, go, comeBack) => {
    const { cloud, perform, look } = await asked(kind)
    go(cloud)
    expect(await look()).toMatchObject({ code: 'DELEGATION_LOST' })
    comeBack(cloud)
    expect(await look()).toBeNull()
    expect(await perform()).toMatchObject({ status: 202 })
  })

  it('is done although its owner changed their password and all their tokens were revoked', async () => {
    const { cloud, perform } = await asked(kind)
    Object.assign(cloud.user('alice'), { password: 'another' })
    cloud.killTokens('alice')
    expect(await perform()).toMatchObject({ status: 202 })
  })
})

it("an action is put off, not lost, while Steward's password is being changed, and done with the new one", async () => {
  const { cloud, perform } = await asked('trust')
  const { password } = cloud
  Object.assign(cloud.user('steward'), { password: 'the new one' })
  cloud.killTokens('steward')
  const error = await rejection(perform())
  expect(codeOf(error)).toBe('SERVICE_LOGIN_REFUSED')
  expect(error).toMatchObject({ nonRetryable: false })
  Object.assign(cloud.user('steward'), { password })
  expect(await perform()).toMatchObject({ status: 202 })
})

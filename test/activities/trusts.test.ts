import { describe, expect, it } from 'vitest'
import { createEvidenceActivities } from '../../activities/evidence.ts'
import { createTrustActivities } from '../../activities/trusts.ts'
import { codeOf } from '../../core/errors.ts'
import { delegationIdOf } from '../../temporal/delegation-id.ts'
import { rejection } from '../openstack/server.ts'
import { createRig, setUp } from './rig.ts'

const deletions = { service: 'identity', method: 'DELETE' } as const

async function trusted() {
  const rig = await setUp({ timeoutMs: 500 })
  const { cloud } = rig
  const trustId = cloud.addTrust('alice', 'demo', ['member'])
  const { deleteTrust, checkTrust, findOrphans } = createTrustActivities(rig)
  return {
    ...rig,
    trustId,
    remove: () => rig.run(() => deleteTrust({ trustId })),
    check: () => rig.run(() => checkTrust({ trustId })),
    orphans: (most = 10) => rig.run(() => findOrphans({ most })),
    isThere: () => cloud.world.trusts.some((trust) => trust.id === trustId && !trust.deleted),
    logIns: () => cloud.received.filter(({ method, path }) => method === 'POST' && path === '/v3/auth/tokens').length,
  }
}

describe('a trust that is not needed any more', () => {
  it("is deleted through itself, in its owner's name, with the id of the run", async () => {
    const { cloud, remove, isThere, requestId, trustId } = await trusted()
    await remove()
    expect(isThere()).toBe(false)
    expect(cloud.effects).toEqual([
      { kind: 'trust deleted', target: trustId, userId: cloud.user('alice').id, sentRequestId: requestId },
    ])
  })

  it('may be deleted twice', async () => {
    const { cloud, remove } = await trusted()
    await remove()
    await remove()
    expect(cloud.effects).toHaveLength(1)
  })

  it.each(['reset after effect', { status: 504, afterEffect: true }] as const)(
    'is gone also when the answer was lost (%j): the repeat finds that out',
    async (wrong) => {
      const { cloud, remove, isThere } = await trusted()
      cloud.fail(deletions, wrong)
      const error = await rejection(remove())
      expect(codeOf(error)).toBe('KEYSTONE_UNREACHABLE')
      expect(error).toMatchObject({ nonRetryable: false })
      expect(isThere()).toBe(false)
      await remove()
      expect(cloud.effects).toHaveLength(1)
    },
  )

  it('is deleted with a new token when the one at hand is dead', async () => {
    const { cloud, remove, check, isThere, logIns } = await trusted()
    await check()
    cloud.killTokens('steward')
    await remove()
    expect(isThere()).toBe(false)
    expect(logIns()).toBe(2)
  })

  it('may have been deleted by its owner', async () => {
    const { cloud, remove, check, trustId } = await trusted()
    await check()
    cloud.deleteTrust(trustId)
    await remove()
    expect(cloud.effects).toEqual([])
  })

  it.each([
    ['Steward was not logged in through it', false],
    ['Steward has a token of it', true],
  ])('is not said to be deleted while it only sleeps, and %s', async (_what, isLoggedIn) => {
    const { cloud, remove, check, isThere } = await trusted()
    if (isLoggedIn) await check()
    cloud.revoke('alice', 'demo', 'member')
    const error = await rejection(remove())
    expect(['DELEGATION_LOST', 'CLOUD_REFUSED']).toContain(codeOf(error))
    expect(error).toMatchObject({ nonRetryable: true })
    expect(isThere()).toBe(true)
    cloud.grant('alice', 'demo', 'member')
    await remove()
    expect(isThere()).toBe(false)
  })

  it('stays to be deleted while Keystone is down', async () => {
    const { cloud, remove, isThere } = await trusted()
    await cloud.keystone.stop()
    const error = await rejection(remove())
    expect(codeOf(error)).toBe('KEYSTONE_UNREACHABLE')
    expect(error).toMatchObject({ nonRetryable: false })
    await cloud.keystone.start()
    await remove()
    expect(isThere()).toBe(false)
  })

  it("stays to be deleted while Steward's own login is refused", async () => {
    const { cloud, remove, isThere } = await trusted()
    Object.assign(cloud.user('steward'), { password: 'another' })
    expect(codeOf(await rejection(remove()))).toBe('SERVICE_LOGIN_REFUSED')
    expect(isThere()).toBe(true)
  })
})

describe('the check of a trust', () => {
  it('logs in anew, whatever was remembered of it', async () => {
    const { check, logIns } = await trusted()
    await check()
    await check()
    expect(logIns()).toBe(2)
  })

  it.each([
    ['was deleted', ({ cloud, trustId }) => cloud.deleteTrust(trustId)],
    ['cannot be used for now', ({ cloud }) => cloud.revoke('alice', 'demo', 'member')],
  ] satisfies [string, (made: Awaited<ReturnType<typeof trusted>>) => void][])(
    'tells that it %s',
    async (_what, lose) => {
      const made = await trusted()
      await made.check()
      lose(made)
      expect(codeOf(await rejection(made.check()))).toBe('DELEGATION_LOST')
    },
  )

  it('tells nothing of it while Keystone is down', async () => {
    const { cloud, check } = await trusted()
    await cloud.keystone.stop()
    expect(codeOf(await rejection(check()))).toBe('KEYSTONE_UNREACHABLE')
  })
})

describe('the look for orphans', () => {
  const hourAgo = new Date(Date.now() - 3_600_000).toISOString()

  it('finds trusts whose workflows have all ended, and counts those in use and those nothing knows', async () => {
    const { cloud, orphans, held, trustId } = await trusted()
    const waiting = cloud.addTrust('carol', 'demo2', ['member'])
    held.set(delegationIdOf(trustId), { kind: 'action', for: 'a', endedAt: hourAgo })
    held.set(delegationIdOf(waiting), { kind: 'action', for: 'b' })
    // the one left is olga's, of another installation
    const found = { orphans: [{ id: delegationIdOf(trustId), trustId }], used: 1, unknown: 1 }
    expect(await orphans()).toEqual(found)
    expect(cloud.effects).toEqual([])
  })

  it('leaves alone what ended just now, and trusts that are over', async () => {
    const { cloud, orphans, held, trustId } = await trusted()
    const over = cloud.addTrust('carol', 'demo2', ['member'], -1)
    held.set(delegationIdOf(trustId), { kind: 'action', for: 'a', endedAt: new Date().toISOString() })
    held.set(delegationIdOf(over), { kind: 'action', for: 'b', endedAt: hourAgo })
    expect(await orphans()).toEqual({ orphans: [], used: 1, unknown: 1 })
  })

  it('brings no more than asked for', async () => {
    const { cloud, orphans, held, trustId } = await trusted()
    for (const id of [trustId, cloud.addTrust('carol', 'demo2', ['member'])])
      held.set(delegationIdOf(id), { kind: 'action', for: 'a', endedAt: hourAgo })
    expect(await orphans(1)).toMatchObject({ orphans: [{}], used: 0, unknown: 1 })
  })

  it('knows nothing while Keystone is down', async () => {
    const { cloud, orphans } = await trusted()
    await cloud.keystone.stop()
    expect(codeOf(await rejection(orphans()))).toBe('KEYSTONE_UNREACHABLE')
  })
})

describe('sessions', () => {
  it('are the same for the same trust, until it is forgotten', async () => {
    const { sessions, trustId } = await setUp()
    const session = sessions.throughTrust(trustId)
    expect(sessions.throughTrust(trustId)).toBe(session)
    expect(sessions.throughTrust('another')).not.toBe(session)
    expect(await sessions.forRemediation()).toBe(session)
    sessions.forget({ trustId })
    expect(sessions.throughTrust(trustId)).not.toBe(session)
  })

  it('are kept for the thousand trusts used last', async () => {
    const { sessions } = await setUp()
    const [first, second] = [sessions.throughTrust('first'), sessions.throughTrust('second')]
    for (let n = 0; n < 998; n++) sessions.throughTrust(`trust ${n}`)
    expect(sessions.throughTrust('first')).toBe(first)
    sessions.throughTrust('one more')
    expect(sessions.throughTrust('first')).toBe(first)
    expect(sessions.throughTrust('second')).not.toBe(second)
  })

  it('for remediation need a delegation', async () => {
    const { cloud } = await setUp()
    const { sessions } = createRig(cloud)
    expect(codeOf(await rejection(sessions.forRemediation()))).toBe('DELEGATION_MISSING')
  })

  it("of Steward's own have its own rights only", async () => {
    const { sessions } = await setUp()
    expect(await sessions.own.token()).toMatchObject({ userName: 'steward', projectName: 'service', roles: ['reader'] })
  })
})

describe('evidence', () => {
  const lines = [{ at: '2026-11-20T10:00:00Z', level: 'ERROR', component: 'nova-compute', text: 'x', requestIds: [] }]

  it('is the services of the host, those every host needs, and the lines that came with the alert', async () => {
    const { cloud, sessions, run } = await setUp()
    cloud.service('nova-scheduler', 'controller').status = 'disabled'
    const { collectEvidence } = createEvidenceActivities(sessions)
    const found = await run(() => collectEvidence({ host: 'compute2', lines }))
    expect(found.lines).toEqual(lines)
    expect(found.collectedAt).toMatch(/^\d{4}-.*Z$/)
    expect(found.services.map(({ host, binary, status }) => `${binary}@${host} ${status}`)).toEqual([
      'nova-conductor@controller enabled',
      'nova-scheduler@controller disabled',
      'nova-compute@compute2 enabled',
    ])
    expect(cloud.effects).toEqual([])
  })

  it('can be collected later while Nova is away', async () => {
    const { cloud, sessions, run } = await setUp()
    await cloud.nova.stop()
    const { collectEvidence } = createEvidenceActivities(sessions)
    const error = await rejection(run(() => collectEvidence({ host: 'compute2', lines })))
    expect(codeOf(error)).toBe('CLOUD_UNREACHABLE')
    expect(error).toMatchObject({ nonRetryable: false })
  })
})

import { describe, expect, it } from 'vitest'
import { codeOf } from '../../core/errors.ts'
import { isProjectToken, type Token } from '../../openstack/token.ts'
import { rejection } from '../openstack/server.ts'
import { keystoneOf, logIn } from './cloud-under-test.ts'
import { nextExpiry, type People, trusting } from './people.ts'

const path = '/OS-TRUST/trusts'

function ofProject(token: Token) {
  if (!isProjectToken(token)) throw new Error('the token has no project')
  return token
}

export function describeTrusts(known: () => People): void {
  describe('a trust', () => {
    it('is made by its trustor', async () => {
      const { users, projects, roles } = known()
      const expiresAt = nextExpiry()
      const { made } = await trusting(known(), 'alice', 'member', expiresAt)
      expect(made.json.trust).toMatchObject({
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
        trustor_user_id: users.get('alice'),
        trustee_user_id: users.get('steward'),
        project_id: projects.get('demo'),
        impersonation: true,
        expires_at: expiresAt.toISOString().replace('.000Z', '.000000Z'),
        remaining_uses: null,
        deleted_at: null,
        redelegation_count: 0,
        roles: [{ id: roles.get('member'), name: 'member' }],
      })
    })

    it('is made through the client, which reads all of it', async () => {
      const { cloud, alice, steward } = known()
      const wanted = { trusteeUserId: steward.token.userId, roles: ['member'], expiresAt: nextExpiry() }
      const trust = await keystoneOf(cloud).createTrust(ofProject(alice.token), wanted)
      expect(trust).toMatchObject({ trustorUserId: alice.token.userId, impersonation: true, ...wanted })
      expect(await keystoneOf(cloud).getTrust(steward.token, trust.id)).toEqual(trust)
    })

    it('is refused with 409 while an equal one exists, whatever its roles, and even after that was deleted', async () => {
      const { alice } = known()
      const { body, trustId } = await trusting(known(), 'alice', 'member')
      const reader = { trust: { ...body.trust, roles: [{ name: 'reader' }] } }
      expect((await alice.ask('identity', 'POST', path, { body })).status).toBe(409)
      expect((await alice.ask('identity', 'POST', path, { body: reader })).status).toBe(409)
      expect((await alice.ask('identity', 'DELETE', `${path}/${trustId}`)).status).toBe(204)
      expect((await alice.ask('identity', 'POST', path, { body })).status).toBe(409)
    })

    it('ends a second later through the client when an equal one is in the way', async () => {
      const { cloud, alice, steward } = known()
      const wanted = { trusteeUserId: steward.token.userId, roles: ['member'], expiresAt: nextExpiry() }
      await keystoneOf(cloud).createTrust(ofProject(alice.token), wanted)
      const second = await keystoneOf(cloud).createTrust(ofProject(alice.token), wanted)
      expect(second.expiresAt?.getTime()).toBe(wanted.expiresAt.getTime() + 1000)
    })

    it.each([
      ['does not have', 'admin', /^Could not find role: [0-9a-f]{32}\.$/],
      ['cannot have, for nobody knows it', 'nonsense', /^Role nonsense is not defined$/],
    ])('is refused with 404 for a role its trustor %s', async (_what, role, message) => {
      const { cloud, alice, steward } = known()
      const { body } = await trusting(known(), 'alice', 'reader')
      const lacking = { trust: { ...body.trust, roles: [{ name: role }] } }
      const { status, json } = await alice.ask('identity', 'POST', path, { body: lacking })
      expect(status).toBe(404)
      expect(json.error).toMatchObject({ code: 404, title: 'Not Found', message: expect.stringMatching(message) })
      const wanted = { trusteeUserId: steward.token.userId, roles: [role], expiresAt: nextExpiry() }
      const error = await rejection(keystoneOf(cloud).createTrust(ofProject(alice.token), wanted))
      expect(codeOf(error)).toBe('ROLE_MISSING')
    })

    it("is not made by carol in alice's name", async () => {
      const { cloud, alice, carol } = known()
      const { body } = await trusting(known(), 'alice', 'member')
      expect((await carol.ask('identity', 'POST', path, { body })).status).toBe(403)
      const forged = { ...ofProject(alice.token), id: carol.token.id }
      const wanted = { trusteeUserId: carol.token.userId, roles: ['member'], expiresAt: nextExpiry() }
      expect(codeOf(await rejection(keystoneOf(cloud).createTrust(forged, wanted)))).toBe('DELEGATION_REFUSED')
    })

    it.each([
      ['no role', { roles: [] }, 403],
      ['an end in the past', { expires_at: '2020-01-01T00:00:00Z' }, 400],
      ['an end with an offset', { expires_at: '2099-01-01T00:00:00+02:00' }, 400],
    ])('is not made with %s', async (_what, change, status) => {
      const { alice } = known()
      const { body } = await trusting(known(), 'alice', 'member')
      const answer = await alice.ask('identity', 'POST', path, { body: { trust: { ...body.trust, ...change } } })
      expect(answer.status).toBe(status)
    })

    it('is read by both sides and by nobody else', async () => {
      const { alice, carol, steward } = known()
      const { trustId } = await trusting(known(), 'alice', 'member')
      const statusFor = async ({ ask }: typeof alice) => (await ask('identity', 'GET', `${path}/${trustId}`)).status
      expect([await statusFor(alice), await statusFor(steward), await statusFor(carol)]).toEqual([200, 200, 403])
      expect((await alice.ask('identity', 'GET', `${path}/unknown`)).status).toBe(404)
    })

    it("is in its trustor's list, without its roles", async () => {
      const { alice } = known()
      const { trustId } = await trusting(known(), 'alice', 'member')
      const { json } = await alice.ask('identity', 'GET', `${path}?trustor_user_id=${alice.token.userId}`)
      const listed = json.trusts.find(({ id }: { id: string }) => id === trustId)
      expect(listed).toMatchObject({ trustor_user_id: alice.token.userId, impersonation: true })
      expect(listed).not.toHaveProperty('roles')
    })

    it("is in its trustee's list, without its roles, also when it has ended", async () => {
      const { cloud, steward, carol } = known()
      const lasting = await trusting(known(), 'alice', 'member')
      const end = new Date(Math.ceil(Date.now() / 1000) * 1000 + 3_000)
      const ended = await trusting(known(), 'carol', 'member', end)
      await cloud.letPass(end.getTime() - Date.now() + 1_000)
      const list = `${path}?trustee_user_id=${steward.token.userId}`
      const { json } = await steward.ask('identity', 'GET', list)
      const found = new Map(json.trusts.map((trust: { id: string }) => [trust.id, trust]))
      expect([found.has(lasting.trustId), found.has(ended.trustId)]).toEqual([true, true])
      expect(found.get(lasting.trustId)).not.toHaveProperty('roles')
      expect((await carol.ask('identity', 'GET', list)).status).toBe(403)
      const usable = await keystoneOf(cloud).listTrusts(steward.token)
      expect(usable.find(({ id }) => id === lasting.trustId)).toMatchObject({ trusteeUserId: steward.token.userId })
      expect(usable.map(({ id }) => id)).not.toContain(ended.trustId)
    })

    it('gives Steward a token in the name of its owner, with the delegated role and those it implies', async () => {
      const { cloud, alice, carol } = known()
      const { trustId, delegate } = await trusting(known(), 'alice', 'member')
      expect(delegate.token).toMatchObject({
        userName: 'alice',
        projectName: 'demo',
        trust: { id: trustId, trustorUserId: alice.token.userId, impersonation: true },
      })
      expect(delegate.token.roles.toSorted()).toEqual(['member', 'reader'])
      const least = await trusting(known(), 'alice', 'reader')
      expect(least.delegate.token.roles).toEqual(['reader'])
      await expect(logIn(cloud, 'carol', { trustId })).rejects.toThrow()
      expect(carol.token.userName).toBe('carol')
    })

    it('cannot be used to make another trust', async () => {
      const { delegate, body } = await trusting(known(), 'alice', 'member')
      const another = { trust: { ...body.trust, expires_at: nextExpiry().toISOString() } }
      expect((await delegate.ask('identity', 'POST', path, { body: another })).status).toBe(403)
    })

    it('is deleted neither by the trustee nor by a stranger', async () => {
      const { carol, steward } = known()
      const { trustId } = await trusting(known(), 'alice', 'member')
      expect((await steward.ask('identity', 'DELETE', `${path}/${trustId}`)).status).toBe(403)
      expect((await carol.ask('identity', 'DELETE', `${path}/${trustId}`)).status).toBe(403)
    })

    it('is deleted through itself, after which its token is dead everywhere and it cannot be used again', async () => {
      const { cloud } = known()
      const { trustId, delegate } = await trusting(known(), 'alice', 'member')
      expect((await delegate.ask('compute', 'GET', '/servers')).status).toBe(200)
      expect((await delegate.ask('identity', 'DELETE', `${path}/${trustId}`)).status).toBe(204)
      expect((await delegate.ask('identity', 'DELETE', `${path}/${trustId}`)).status).toBe(404)
      expect((await delegate.ask('compute', 'GET', '/servers')).status).toBe(401)
      expect((await delegate.ask('placement', 'GET', '/resource_providers')).status).toBe(401)
      expect(codeOf(await rejection(logIn(cloud, 'steward', { trustId })))).toBe('DELEGATION_LOST')
    })

    it('ends with its time: its token is refused, and it is not to be seen any more', async () => {
      const { cloud, steward } = known()
      const end = new Date(Math.ceil(Date.now() / 1000) * 1000 + 3_000)
      const { trustId, delegate } = await trusting(known(), 'carol', 'member', end)
      expect(delegate.token.expiresAt).toEqual(end)
      await cloud.letPass(end.getTime() - Date.now() + 1_000)
      expect((await delegate.ask('compute', 'GET', '/servers')).status).toBe(401)
      expect((await delegate.ask('identity', 'DELETE', `${path}/${trustId}`)).status).toBe(401)
      expect((await steward.ask('identity', 'GET', `${path}/${trustId}`)).status).toBe(404)
      expect(codeOf(await rejection(logIn(cloud, 'steward', { trustId })))).toBe('DELEGATION_LOST')
    })

    it('sleeps while its owner lacks the role: services answer 503, Keystone 403, and it wakes with the role', async () => {
      const { cloud, olga, steward, users, projects, roles } = known()
      const { trustId, delegate } = await trusting(known(), 'carol', 'member')
      const grant = `/projects/${projects.get('demo2')}/users/${users.get('carol')}/roles/${roles.get('member')}`
      expect((await olga.ask('identity', 'DELETE', grant)).status).toBe(204)
      try {
        const { status, json } = await delegate.ask('compute', 'GET', '/servers')
        expect(status).toBe(503)
        expect(json.message).toMatch('The Keystone service is temporarily unavailable')
        expect((await delegate.ask('placement', 'GET', '/resource_providers')).status).toBe(503)
        expect((await delegate.ask('identity', 'DELETE', `${path}/${trustId}`)).status).toBe(403)
        expect((await steward.ask('identity', 'GET', `${path}/${trustId}`)).status).toBe(200)
        expect(codeOf(await rejection(logIn(cloud, 'steward', { trustId })))).toBe('DELEGATION_LOST')
      } finally {
        expect((await olga.ask('identity', 'PUT', grant)).status).toBe(204)
      }
      expect((await delegate.ask('compute', 'GET', '/servers')).status).toBe(200)
    })
  })
}

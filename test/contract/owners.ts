import { describe, expect, it, vi } from 'vitest'
import { codeOf, messageOf } from '../../core/errors.ts'
import type { ProjectToken } from '../../openstack/token.ts'
import { rejection } from '../openstack/server.ts'
import { keystoneOf, logIn, projectScope } from './cloud-under-test.ts'
import { nextExpiry, type People, trusting } from './people.ts'

let made = 0

/** Somebody new in a project of their own, with a trust for Steward and Steward logged in through it. */
async function owner({ cloud, olga, steward, roles }: People) {
  const name = `owner-${Date.now()}-${made++}`
  const make = async (kind: 'user' | 'project', fields: object): Promise<string> => {
    const { json } = await olga.ask('identity', 'POST', `/${kind}s`, { body: { [kind]: fields } })
    return json[kind].id
  }
  const projectId = await make('project', { name, domain_id: 'default' })
  const userId = await make('user', { name, domain_id: 'default', password: cloud.password })
  const grant = `/projects/${projectId}/users/${userId}/roles/${roles.get('member')}`
  expect((await olga.ask('identity', 'PUT', grant)).status).toBe(204)
  const person = await logIn(cloud, name, projectScope(name))
  const wish = { trusteeUserId: steward.token.userId, roles: ['member'], expiresAt: nextExpiry() }
  const trust = await keystoneOf(cloud).createTrust(person.token as ProjectToken, wish)
  const through = () => logIn(cloud, 'steward', { trustId: trust.id })
  const enable = (kind: 'user' | 'project', enabled: boolean) =>
    olga.ask('identity', 'PATCH', `/${kind}s/${kind === 'user' ? userId : projectId}`, {
      body: { [kind]: { enabled } },
    })
  const remove = async (kind: 'user' | 'project') =>
    expect((await olga.ask('identity', 'DELETE', `/${kind}s/${kind === 'user' ? userId : projectId}`)).status).toBe(204)
  return { person, trust, through, enable, remove, delegate: await through() }
}

const lost = async (login: () => Promise<unknown>) => codeOf(await rejection(login()))

/** What becomes of a trust when something happens to whoever made it. */
export function describeOwners(known: () => People): void {
  describe('the trust of somebody', () => {
    it('outlives the token it was made with', async () => {
      const { person, through, delegate } = await owner(known())
      const headers = { 'x-subject-token': person.token.id }
      expect((await person.ask('identity', 'DELETE', '/auth/tokens', { headers })).status).toBe(204)
      expect((await person.ask('compute', 'GET', '/servers')).status).toBe(401)
      expect((await delegate.ask('compute', 'GET', '/servers')).status).toBe(200)
      expect((await through()).token.roles.toSorted()).toEqual(['member', 'reader'])
    })

    it('who is disabled sleeps, and wakes with them; tokens of before do not', async () => {
      const { through, enable, delegate, trust } = await owner(known())
      const { steward, cloud } = known()
      expect((await enable('user', false)).status).toBe(200)
      expect((await delegate.ask('compute', 'GET', '/servers')).status).toBe(503)
      expect(await lost(through)).toBe('DELEGATION_LOST')
      expect(await keystoneOf(cloud).getTrust(steward.token, trust.id)).toBeDefined()
      expect((await enable('user', true)).status).toBe(200)
      expect((await delegate.ask('compute', 'GET', '/servers')).status).toBe(401)
      // Keystone counts in whole seconds: a token of the very second in which the user was disabled is dead as well
      const anew = async () => (await (await through()).ask('compute', 'GET', '/servers')).status
      await vi.waitFor(async () => expect(await anew()).toBe(200), { timeout: 5_000, interval: 250 })
    })

    it.each(['user', 'project'] as const)('whose %s was deleted is gone', async (kind) => {
      const { through, remove, delegate, trust } = await owner(known())
      const { steward, cloud } = known()
      await remove(kind)
      expect((await delegate.ask('compute', 'GET', '/servers')).status).toBe(401)
      expect(await lost(through)).toBe('DELEGATION_LOST')
      expect(await keystoneOf(cloud).getTrust(steward.token, trust.id)).toBeUndefined()
    })

    it('cannot be made with a token that came through a trust, which is said', async () => {
      const { cloud, steward } = known()
      const { delegate } = await trusting(known(), 'alice', 'member')
      const wish = { trusteeUserId: steward.token.userId, roles: ['member'], expiresAt: nextExpiry() }
      const error = await rejection(keystoneOf(cloud).createTrust(delegate.token as ProjectToken, wish))
      expect([codeOf(error), messageOf(error)]).toEqual([
        'DELEGATION_REFUSED',
        'a token got through a trust cannot make another trust',
      ])
    })
  })
}

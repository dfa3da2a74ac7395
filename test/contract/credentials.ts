import { describe, expect, it } from 'vitest'
import { codeOf } from '../../core/errors.ts'
import { createHttp } from '../../openstack/http.ts'
import { loginWith } from '../../openstack/login.ts'
import { createSession } from '../../openstack/session.ts'
import type { ProjectToken } from '../../openstack/token.ts'
import { rejection } from '../openstack/server.ts'
import { keystoneOf } from './cloud-under-test.ts'
import { nextExpiry, type People } from './people.ts'

const http = createHttp()
const stop = { service: 'compute', method: 'POST', path: '/v2.1/servers/*/action' }
const list = { service: 'compute', method: 'GET', path: '/v2.1/servers' }
const readItself = { service: 'identity', method: 'GET', path: '/v3/users/*/application_credentials/*' }

let made = 0

/** An application credential of a user, and a login with it as somebody has whom it was lent. */
async function lent({ cloud, ...people }: People, owner: 'alice' | 'carol', wish: object = {}) {
  const { token, ask } = people[owner]
  const path = `/users/${token.userId}/application_credentials`
  const body = { application_credential: { name: `contract ${Date.now()} ${made++}`, ...wish } }
  const answer = await ask('identity', 'POST', path, { body })
  if (answer.status !== 201) throw new Error(`no credential of ${owner}: ${answer.status}`)
  const { id, secret } = answer.json.application_credential as { id: string; secret: string }
  const keystone = keystoneOf(cloud)
  const session = createSession({ keystone, http, login: loginWith({ id, secret }), isLent: true, region: 'RegionOne' })
  const from = async (service: string, method: 'GET' | 'POST', at: string, more: object = {}) => {
    const given = await session.token()
    const headers = { 'x-auth-token': given.id, 'openstack-identity-access-rules': '1' }
    const { status } = await http({ service, method, url: `${given.catalog.endpoint(service)}${at}`, headers, ...more })
    return status
  }
  const remove = () => ask('identity', 'DELETE', `${path}/${id}`)
  return { id, secret, path: `${path}/${id}`, session, keystone, from, remove, answer }
}

const ofProject = (token: unknown) => token as ProjectToken
const seconds = (ms: number) => new Date(ms).toISOString().slice(0, 19)

export function describeCredentials(known: () => People): void {
  describe('an application credential', () => {
    it('gives a token of its owner and project, which says whether it is restricted', async () => {
      const { alice } = known()
      for (const unrestricted of [false, true]) {
        const { id, session, remove } = await lent(known(), 'alice', { unrestricted })
        const token = await session.token()
        expect(token).toMatchObject({
          ...{ userId: alice.token.userId, projectId: alice.token.projectId, isApplicationCredential: true },
          applicationCredential: { id, restricted: !unrestricted },
        })
        expect(token.roles.toSorted()).toEqual(['member', 'reader'])
        expect(token.applicationCredential).not.toHaveProperty('accessRules')
        expect((await remove()).status).toBe(204)
      }
    })

    it('of a lower role has that role, and of a higher one those it implies', async () => {
      const reader = await lent(known(), 'alice', { roles: [{ name: 'reader' }] })
      expect((await reader.session.token()).roles).toEqual(['reader'])
      const member = await lent(known(), 'alice', { roles: [{ name: 'member' }] })
      expect((await member.session.token()).roles.toSorted()).toEqual(['member', 'reader'])
    })

    it('tells its end to its own token; one without an end says so', async () => {
      const { keystone, session } = await lent(known(), 'alice')
      expect(await keystone.credentialEnd(await session.token())).toBe('never')
      const endMs = Math.ceil(Date.now() / 1000) * 1000 + 86_400_000
      const ending = await lent(known(), 'alice', { expires_at: seconds(endMs) })
      expect(await keystone.credentialEnd(await ending.session.token())).toEqual(new Date(endMs))
    })

    it('cannot make a trust, restricted or not', async () => {
      const { steward } = known()
      for (const unrestricted of [false, true]) {
        const { keystone, session } = await lent(known(), 'alice', { unrestricted })
        const wish = { trusteeUserId: steward.token.userId, roles: ['member'], expiresAt: nextExpiry() }
        const error = await rejection(keystone.createTrust(ofProject(await session.token()), wish))
        expect(codeOf(error)).toBe('DELEGATION_REFUSED')
      }
    })

    it('with access rules is good for those calls alone, and tells which they are', async () => {
      const { keystone, session, from } = await lent(known(), 'alice', { access_rules: [stop, list] })
      const token = await session.token()
      expect(token.applicationCredential?.accessRules).toHaveLength(2)
      expect(token.applicationCredential?.accessRules).toEqual(expect.arrayContaining([stop, list]))
      expect(await from('compute', 'GET', '/servers')).toBe(200)
      expect(await from('compute', 'GET', '/servers?name=x')).toBe(200)
      expect(await from('compute', 'GET', '/servers/detail')).toBe(401)
      expect(await from('compute', 'POST', '/servers/made-up/action', { body: { 'os-stop': null } })).not.toBe(401)
      expect(await keystone.credentialEnd(token)).toBeUndefined()
    })

    it('with access rules may be read when one of them says so', async () => {
      const { keystone, session } = await lent(known(), 'alice', { access_rules: [stop, readItself] })
      expect(await keystone.credentialEnd(await session.token())).toBe('never')
    })

    it('with access rules gives a token that Steward can validate, as others can who know of access rules', async () => {
      const { cloud, alice } = known()
      const { session } = await lent(known(), 'alice', { access_rules: [stop] })
      const token = await session.token()
      expect(await keystoneOf(cloud).validate(token.id)).toMatchObject({
        userId: alice.token.userId,
        applicationCredential: { accessRules: [stop] },
      })
      const headers = { 'x-subject-token': token.id }
      expect((await alice.ask('identity', 'GET', '/auth/tokens', { token: token.id, headers })).status).toBe(404)
    })

    it('is refused with another secret, and with a scope', async () => {
      const { alice } = known()
      const { id, secret } = await lent(known(), 'alice')
      const status = async (given: object, scope?: unknown) => {
        const identity = { methods: ['application_credential'], application_credential: given }
        const body = { auth: { identity, ...(scope !== undefined && { scope }) } }
        return (await alice.ask('identity', 'POST', '/auth/tokens', { token: null, body })).status
      }
      expect(await status({ id, secret })).toBe(201)
      expect(await status({ id, secret: 'another' })).toBe(401)
      expect(await status({ id, secret }, { project: { id: alice.token.projectId } })).toBe(401)
      expect(await status({ id: 'f'.repeat(32), secret })).toBe(404)
    })

    it('that was deleted is lost at once, with its tokens', async () => {
      const { session, from, remove } = await lent(known(), 'alice')
      const token = await session.token()
      expect(await from('compute', 'GET', '/servers')).toBe(200)
      expect((await remove()).status).toBe(204)
      expect(await from('compute', 'GET', '/servers')).toBe(401)
      expect(codeOf(await rejection(session.renew(token)))).toBe('DELEGATION_LOST')
    })

    it('that has expired is lost, with its tokens', async () => {
      const { cloud } = known()
      const endMs = Math.ceil(Date.now() / 1000) * 1000 + 3_000
      const { session, from } = await lent(known(), 'carol', { expires_at: seconds(endMs) })
      const token = await session.token()
      expect(token.expiresAt).toEqual(new Date(endMs))
      await cloud.letPass(endMs - Date.now() + 1_000)
      expect(codeOf(await rejection(session.renew(token)))).toBe('DELEGATION_LOST')
      expect(codeOf(await rejection(from('compute', 'GET', '/servers')))).toBe('DELEGATION_LOST')
    })

    it('is of no use while its owner lacks the role, and works again with it', async () => {
      const { olga, users, projects, roles } = known()
      const { session, from } = await lent(known(), 'carol')
      const token = await session.token()
      const grant = `/projects/${projects.get('demo2')}/users/${users.get('carol')}/roles/${roles.get('member')}`
      expect((await olga.ask('identity', 'DELETE', grant)).status).toBe(204)
      try {
        expect(await from('compute', 'GET', '/servers')).toBe(401)
        expect(codeOf(await rejection(session.renew(token)))).toBe('DELEGATION_LOST')
      } finally {
        expect((await olga.ask('identity', 'PUT', grant)).status).toBe(204)
      }
      expect((await session.token()).roles.toSorted()).toEqual(['member', 'reader'])
      expect(await from('compute', 'GET', '/servers')).toBe(200)
    })
  })
}

import { describe, expect, it } from 'vitest'
import { codeOf, messageOf } from '../../core/errors.ts'
import { rejection } from '../openstack/server.ts'
import { keystoneOf, logIn, loginOf, projectScope } from './cloud-under-test.ts'
import type { People } from './people.ts'

/** Keystone's times. */
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000Z$/)
const requestId = expect.stringMatching(/^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)

const loginBody = (name: string, password: string, scope: unknown) => ({
  auth: {
    identity: { methods: ['password'], password: { user: { name, domain: { id: 'default' }, password } } },
    scope,
  },
})

export function describeIdentity(known: () => People): void {
  describe('Keystone', () => {
    it('answers a login with a token, its owner, project, roles and times', async () => {
      const { cloud, alice, users, projects, roles } = known()
      const scope = { project: { name: 'demo', domain: { id: 'default' } } }
      const answer = await alice.ask('identity', 'POST', '/auth/tokens', {
        token: null,
        body: loginBody('alice', cloud.password, scope),
      })
      expect(answer.status).toBe(201)
      expect(answer.headers['x-subject-token']).toMatch(/^gAAAAA[\w-]{100,}=*$/)
      expect(answer.headers['x-openstack-request-id']).toEqual(requestId)
      const { token } = answer.json
      expect(token).toMatchObject({
        methods: ['password'],
        user: { id: users.get('alice'), name: 'alice', domain: { id: 'default', name: 'Default' } },
        project: { id: projects.get('demo'), name: 'demo', domain: { id: 'default' } },
        issued_at: time,
        expires_at: time,
      })
      expect(new Set(token.roles.map(({ id }: { id: string }) => id))).toEqual(
        new Set([roles.get('reader'), roles.get('member')]),
      )
      expect(Date.parse(token.expires_at) - Date.parse(token.issued_at)).toBe(3_600_000)
    })

    it('lists where the services are, three interfaces each', async () => {
      const { alice } = known()
      const { json } = await alice.ask('identity', 'GET', '/auth/tokens', {
        headers: { 'x-subject-token': alice.token.id },
      })
      const compute = json.token.catalog.find(({ type }: { type: string }) => type === 'compute')
      expect(compute.endpoints).toHaveLength(3)
      for (const face of ['public', 'internal', 'admin'])
        expect(compute.endpoints).toContainEqual(
          expect.objectContaining({
            interface: face,
            region_id: 'RegionOne',
            region: 'RegionOne',
            url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/v2\.1$/),
          }),
        )
      expect(alice.token.catalog.endpoint('placement')).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
      expect(alice.token.catalog.endpoint('identity')).toMatch(/\/v3$/)
    })

    it('gives a token without scope neither project nor roles nor catalogue', async () => {
      const { cloud, alice } = known()
      const body = loginBody('alice', cloud.password, 'unscoped')
      const { status, json } = await alice.ask('identity', 'POST', '/auth/tokens', { token: null, body })
      expect(status).toBe(201)
      expect(Object.keys(json.token)).not.toEqual(
        expect.arrayContaining([expect.stringMatching(/^(project|roles|catalog)$/)]),
      )
    })

    it('refuses a wrong password and a project without a role in the same words', async () => {
      const { cloud, alice } = known()
      const scope = { project: { name: 'demo2', domain: { id: 'default' } } }
      for (const body of [loginBody('alice', 'wrong', undefined), loginBody('alice', cloud.password, scope)]) {
        const { status, json } = await alice.ask('identity', 'POST', '/auth/tokens', { token: null, body })
        expect(status).toBe(401)
        expect(json).toEqual({
          error: { code: 401, message: 'The request you have made requires authentication.', title: 'Unauthorized' },
        })
      }
      const error = await rejection(keystoneOf(cloud).authenticate(loginOf('alice', 'wrong'), projectScope('demo')))
      expect(codeOf(error)).toBe('SERVICE_LOGIN_REFUSED')
    })

    it('tells a caller about their own token, with nothing but that token', async () => {
      const { cloud, alice } = known()
      const seen = await keystoneOf(cloud).validate(alice.token.id)
      expect(seen).toMatchObject({ userName: 'alice', projectName: 'demo', projectId: alice.token.projectId })
      expect(seen.roles.toSorted()).toEqual(['member', 'reader'])
      expect(seen.expiresAt).toEqual(alice.token.expiresAt)
    })

    it('does not know a made-up token', async () => {
      const { cloud, alice } = known()
      const headers = { 'x-subject-token': 'made-up' }
      const { status } = await alice.ask('identity', 'GET', '/auth/tokens', { token: 'made-up', headers })
      expect(status).toBe(401)
      expect(codeOf(await rejection(keystoneOf(cloud).validate('made-up')))).toBe('TOKEN_INVALID')
    })

    it('gives an administrator a token for the whole system, which is nobody in a project', async () => {
      const { cloud, alice } = known()
      for (const [name, scope, says] of [
        ['admin', { system: { all: true } }, /it is scoped to the system$/],
        ['alice', 'unscoped', /it has no scope$/],
      ] as const) {
        const body = loginBody(name, cloud.password, scope)
        const { status, headers } = await alice.ask('identity', 'POST', '/auth/tokens', { token: null, body })
        expect(status).toBe(201)
        const error = await rejection(keystoneOf(cloud).validate(headers['x-subject-token'] ?? ''))
        expect([codeOf(error), messageOf(error)]).toEqual(['TOKEN_INVALID', expect.stringMatching(says)])
      }
    })

    it('lets Steward in with no right but its own', async () => {
      const { cloud } = known()
      const { token } = await logIn(cloud, 'steward', projectScope('service'))
      expect(token).toMatchObject({ userName: 'steward', projectName: 'service', roles: ['reader'] })
      expect(token.trust).toBeUndefined()
    })
  })
}

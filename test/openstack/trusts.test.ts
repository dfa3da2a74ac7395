import { describe, expect, it } from 'vitest'
import { codeOf } from '../../core/errors.ts'
import { createHttp } from '../../openstack/http.ts'
import { createKeystone } from '../../openstack/keystone.ts'
import type { ProjectToken } from '../../openstack/token.ts'
import { fakeKeystone, keystoneFault, project, trustee, trustId, trustor } from './fake-keystone.ts'
import { type Reply, rejection, serve } from './server.ts'

const setUp = async () => {
  const fake = await fakeKeystone()
  return { fake, keystone: createKeystone({ authUrl: fake.authUrl, http: createHttp({ timeoutMs: 300 }) }) }
}

describe('trusts', () => {
  const caller = {
    ...{ id: 'callers-token', userId: trustor.id, projectId: project.id, projectName: 'demo' },
    ...{ roles: ['reader', 'member'], methods: ['password'] },
  } as unknown as ProjectToken
  const wish = { trusteeUserId: trustee.id, roles: ['member'], expiresAt: new Date('2026-11-21T00:34:10.300Z') }
  const trustBody = (expiresAt = '2026-11-21T00:34:11.000000Z') => ({
    trust: {
      id: trustId,
      trustor_user_id: trustor.id,
      trustee_user_id: trustee.id,
      project_id: project.id,
      impersonation: true,
      expires_at: expiresAt,
      remaining_uses: null,
      roles: [{ id: '961c', name: 'member' }],
    },
  })

  it('impersonate, cannot be passed on, end on a whole second and may be used as often as needed', async () => {
    const { fake, keystone } = await setUp()
    fake.onOther = () => ({ status: 201, body: trustBody() })
    const trust = await keystone.createTrust(caller, wish)
    expect(fake.received[0]).toMatchObject({
      path: '/v3/OS-TRUST/trusts',
      headers: { 'x-auth-token': 'callers-token' },
    })
    expect(fake.received[0]?.body).toEqual({
      trust: {
        trustor_user_id: trustor.id,
        trustee_user_id: trustee.id,
        project_id: project.id,
        impersonation: true,
        allow_redelegation: false,
        roles: [{ name: 'member' }],
        expires_at: '2026-11-21T00:34:11Z',
      },
    })
    expect(trust).toMatchObject({ id: trustId, roles: ['member'], expiresAt: new Date('2026-11-21T00:34:11Z') })
  })

  it('move their end on by a second while an equal one is in the way', async () => {
    const { fake, keystone } = await setUp()
    const ends: string[] = []
    fake.onOther = ({ body }) => {
      const { expires_at } = (body as ReturnType<typeof trustBody>).trust
      ends.push(expires_at)
      return ends.length < 4 ? keystoneFault(409, 'Conflict') : { status: 201, body: trustBody(expires_at) }
    }
    const trust = await keystone.createTrust(caller, wish)
    expect(ends).toEqual([
      '2026-11-21T00:34:11Z',
      '2026-11-21T00:34:12Z',
      '2026-11-21T00:34:13Z',
      '2026-11-21T00:34:14Z',
    ])
    expect(trust.expiresAt).toEqual(new Date('2026-11-21T00:34:14Z'))
  })

  it('are given up after five moves', async () => {
    const { fake, keystone } = await setUp()
    fake.onOther = () => keystoneFault(409, 'Conflict')
    expect(codeOf(await rejection(keystone.createTrust(caller, wish)))).toBe('CLOUD_BUSY')
    expect(fake.received).toHaveLength(6)
  })

  it.each<[string, Partial<ProjectToken>, Reply, string, RegExp]>([
    [
      'an application credential',
      { isApplicationCredential: true },
      keystoneFault(403, 'no'),
      'DELEGATION_REFUSED',
      /^tokens of application credentials cannot make trusts$/,
    ],
    [
      'a trust',
      { trust: { id: 't', trustorUserId: 'u', impersonation: true } },
      keystoneFault(403, 'no'),
      'DELEGATION_REFUSED',
      /through a trust/,
    ],
    [
      'somebody the policy forbids it',
      {},
      keystoneFault(403, 'You are not authorized'),
      'DELEGATION_REFUSED',
      /You are not authorized/,
    ],
    [
      'somebody without the role',
      {},
      keystoneFault(404, 'Could not find role: 74f8.'),
      'ROLE_MISSING',
      /every role of member in project demo/,
    ],
    [
      'a federated login, whose roles come from groups',
      { methods: ['mapped'] },
      keystoneFault(404, 'Could not find role: 74f8.'),
      'DELEGATION_REFUSED',
      /^member in project demo comes from a group of a federated login, .* to assign it to you$/,
    ],
    [
      'somebody, for a trustee that is unknown',
      {},
      keystoneFault(404, 'Could not find user: x.'),
      'DELEGATION_REFUSED',
      /Could not find user/,
    ],
    ['somebody whose token expired', {}, keystoneFault(401, 'no'), 'TOKEN_INVALID', /no longer/],
    ['anybody while Keystone is in maintenance', {}, { status: 503 }, 'KEYSTONE_UNREACHABLE', /503/],
    ['anybody when Keystone fails midway', {}, { status: 500 }, 'OUTCOME_UNKNOWN', /500/],
    ['anybody, in another shape', {}, { status: 201, body: { trust: {} } }, 'CLOUD_ANSWER_UNREADABLE', /trust\.id/],
  ])('cannot be made by %s', async (_who, changes, reply, code, message) => {
    const { fake, keystone } = await setUp()
    fake.onOther = () => reply
    const error = await rejection(keystone.createTrust({ ...caller, ...changes, id: 'x' }, wish))
    expect(codeOf(error)).toBe(code)
    expect(error.message).toMatch(message)
    expect(fake.received).toHaveLength(1)
  })

  it('without a role are not even asked for', async () => {
    const { fake, keystone } = await setUp()
    expect(codeOf(await rejection(keystone.createTrust(caller, { ...wish, roles: [] })))).toBe('DELEGATION_REFUSED')
    expect(fake.received).toEqual([])
  })

  it('leave an unknown outcome when the answer is lost', async () => {
    const silent = await serve(() => undefined)
    const keystone = createKeystone({ authUrl: silent.url, http: createHttp({ timeoutMs: 100 }) })
    expect(codeOf(await rejection(keystone.createTrust(caller, wish)))).toBe('OUTCOME_UNKNOWN')
  })

  it.each([204, 404])('are gone when Keystone says %i', async (status) => {
    const { fake, keystone } = await setUp()
    fake.onOther = () => ({ status })
    await keystone.deleteTrust(caller, trustId)
    expect(fake.received[0]).toMatchObject({ method: 'DELETE', path: `/v3/OS-TRUST/trusts/${trustId}` })
  })

  it.each([
    [401, 'TOKEN_INVALID'],
    [403, 'CLOUD_REFUSED'],
    [500, 'KEYSTONE_UNREACHABLE'],
  ])('are not known to be gone when Keystone says %i', async (status, code) => {
    const { fake, keystone } = await setUp()
    fake.onOther = () => ({ status })
    expect(codeOf(await rejection(keystone.deleteTrust(caller, trustId)))).toBe(code)
  })

  it('can be looked at, and are undefined once they are gone', async () => {
    const { fake, keystone } = await setUp()
    fake.onOther = () => ({ body: trustBody() })
    expect(await keystone.getTrust(caller, trustId)).toMatchObject({ id: trustId, impersonation: true })
    fake.onOther = () => keystoneFault(404, 'Could not find trust')
    expect(await keystone.getTrust(caller, trustId)).toBeUndefined()
  })

  it('are listed as the trustee: those of others that have not ended, with a project', async () => {
    const { fake, keystone } = await setUp()
    const { roles: _roles, ...trust } = trustBody().trust
    const future = new Date(Date.now() + 60_000).toISOString()
    const past = new Date(Date.now() - 1000).toISOString()
    fake.onOther = () => ({
      body: {
        trusts: [
          { ...trust, id: 'lasting', expires_at: future },
          { ...trust, id: 'endless', expires_at: null },
          { ...trust, id: 'over', expires_at: past },
          { ...trust, id: 'own test', expires_at: future, trustor_user_id: 'a/b' },
          { ...trust, id: 'nowhere', expires_at: future, project_id: null },
        ],
      },
    })
    const found = await keystone.listTrusts({ ...caller, userId: 'a/b' })
    expect(found.map(({ id }) => id)).toEqual(['lasting', 'endless'])
    expect(found[0]).toMatchObject({ trustorUserId: trustor.id, projectId: project.id, expiresAt: new Date(future) })
    expect(fake.received[0]?.path).toBe('/v3/OS-TRUST/trusts?trustee_user_id=a%2Fb')
  })

  it.each<[Reply, string]>([
    [keystoneFault(401, 'no'), 'TOKEN_INVALID'],
    [keystoneFault(403, 'no'), 'CLOUD_REFUSED'],
    [{ status: 503 }, 'KEYSTONE_UNREACHABLE'],
    [{ body: { trusts: [{}] } }, 'CLOUD_ANSWER_UNREADABLE'],
  ])('are not known when Keystone answers the list with %j', async (reply, code) => {
    const { fake, keystone } = await setUp()
    fake.onOther = () => reply
    expect(codeOf(await rejection(keystone.listTrusts(caller)))).toBe(code)
  })

  it('are looked for by an id that cannot lead elsewhere', async () => {
    const { fake, keystone } = await setUp()
    await keystone.getTrust(caller, '../users')
    expect(fake.received[0]?.path).toBe('/v3/OS-TRUST/trusts/..%2Fusers')
  })
})

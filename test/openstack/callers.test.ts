import { expect, it, onTestFinished } from 'vitest'
import { codeOf, messageOf } from '../../core/errors.ts'
import { createHttp } from '../../openstack/http.ts'
import { createKeystone } from '../../openstack/keystone.ts'
import { withSecrets } from '../../openstack/secret.ts'
import { fakeCloud } from '../../simulator/cloud.ts'
import { rejection } from './server.ts'

const domain = { id: 'default' }

/** A Keystone, and a way to log in to the project demo. */
async function keystoneWith() {
  const cloud = await fakeCloud()
  onTestFinished(() => cloud.close())
  const keystone = createKeystone({ authUrl: cloud.authUrl, http: createHttp() })
  const logIn = async (name: string) => {
    const login = withSecrets({ method: 'password' as const, user: { name, domain } }, { password: cloud.password })
    const { id } = await keystone.authenticate(login, { project: { name: 'demo', domain } })
    return keystone.validate(id)
  }
  const wish = {
    trusteeUserId: cloud.user('steward').id,
    roles: ['member'],
    expiresAt: new Date(Date.now() + 3_600_000),
  }
  return { cloud, keystone, logIn, wish }
}

it('a federated caller who has a role by a group alone is told why it cannot be delegated, and can with an assignment', async () => {
  const { cloud, keystone, logIn, wish } = await keystoneWith()
  cloud.grantByGroup('carol', 'demo', 'member')
  const carol = await logIn('carol')
  expect(carol).toMatchObject({ methods: ['mapped'], roles: expect.arrayContaining(['member']) })
  const error = await rejection(keystone.createTrust(carol, wish))
  expect([codeOf(error), messageOf(error)]).toEqual([
    'DELEGATION_REFUSED',
    expect.stringMatching(/^member in project demo comes from a group of a federated login, .* to assign it to you$/),
  ])
  cloud.grant('carol', 'demo', 'member')
  expect(await keystone.createTrust(carol, wish)).toMatchObject({ trustorUserId: carol.userId, roles: ['member'] })
})

it('a caller who has lost the role since their token was looked at is told so', async () => {
  const { cloud, keystone, logIn, wish } = await keystoneWith()
  const alice = await logIn('alice')
  cloud.revoke('alice', 'demo', 'member')
  cloud.grant('alice', 'demo', 'reader')
  expect(codeOf(await rejection(keystone.createTrust(alice, wish)))).toBe('ROLE_MISSING')
})

import { type Caller, type CloudUnderTest, idsOf, logIn, projectScope } from './cloud-under-test.ts'

/** The users of the cloud, logged in to their projects. */
export interface People {
  readonly cloud: CloudUnderTest
  readonly alice: Caller
  readonly bob: Caller
  readonly carol: Caller
  readonly olga: Caller
  readonly steward: Caller
  /** Ids by name. */
  readonly users: Map<string, string>
  readonly projects: Map<string, string>
  readonly roles: Map<string, string>
}

export async function meet(cloud: CloudUnderTest): Promise<People> {
  const [alice, bob, carol, olga, steward] = await Promise.all([
    logIn(cloud, 'alice', projectScope('demo')),
    logIn(cloud, 'bob', projectScope('demo')),
    logIn(cloud, 'carol', projectScope('demo2')),
    logIn(cloud, 'olga', projectScope('admin')),
    logIn(cloud, 'steward', projectScope('service')),
  ])
  const [users, projects, roles] = await Promise.all([
    idsOf(olga, 'users'),
    idsOf(olga, 'projects'),
    idsOf(olga, 'roles'),
  ])
  return { cloud, alice, bob, carol, olga, steward, users, projects, roles }
}

let minutes = 30

/** An expiry nobody has used: Keystone refuses a second trust with an equal one. */
export const nextExpiry = (): Date => new Date(Math.ceil(Date.now() / 1000) * 1000 + minutes++ * 60_000)

/** A trust of a user for Steward, and Steward logged in through it. */
export async function trusting(
  { cloud, users, ...people }: People,
  owner: 'alice' | 'carol' | 'olga',
  role: string,
  expiresAt = nextExpiry(),
) {
  const { token } = people[owner]
  const { projectId } = token
  if (projectId === undefined) throw new Error(`${owner} has no project`)
  const body = {
    trust: {
      trustor_user_id: token.userId,
      trustee_user_id: users.get('steward'),
      project_id: projectId,
      impersonation: true,
      allow_redelegation: false,
      roles: [{ name: role }],
      expires_at: expiresAt.toISOString().replace('.000Z', 'Z'),
    },
  }
  const made = await people[owner].ask('identity', 'POST', '/OS-TRUST/trusts', { body })
  if (made.status !== 201) throw new Error(`no trust of ${owner}: ${made.status}`)
  const trustId: string = made.json.trust.id
  return { trustId, body, made, delegate: await logIn(cloud, 'steward', { trustId }) }
}

import { notFound } from './identity.ts'
import { type Answer, field, type Request } from './listener.ts'
import { hexId, type Project, type User, type World } from './world.ts'

/** Makes, changes and deletes users and projects, and what goes with them. */
export function answerPeople(world: World, { method, path, body }: Request): Answer {
  const [, kind, id] = /^\/v3\/(users|projects)(?:\/(\w+))?$/.exec(path) ?? []
  const list: (User | Project)[] = kind === 'users' ? world.users : world.projects
  if (id === undefined) {
    const given = field(body, kind === 'users' ? 'user' : 'project')
    const made = { id: hexId(), name: String(field(given, 'name')) }
    const secrets = { enabled: true, password: String(field(given, 'password')) }
    list.push(kind === 'users' ? { ...made, ...secrets } : made)
    return { status: 201, body: { [kind === 'users' ? 'user' : 'project']: { id: made.id, name: made.name } } }
  }
  const one = list.find((each) => each.id === id)
  if (!one) return notFound(`${kind}: ${id}`)
  if (method === 'DELETE') {
    remove(world, id)
    return { status: 204 }
  }
  const enabled = field(body, kind === 'users' ? 'user' : 'project', 'enabled') === true
  Object.assign(one, { enabled })
  // who is let in again has to log in anew
  if (kind === 'users' && enabled)
    for (const token of world.tokens.values()) if (token.userId === id) world.tokens.delete(token.id)
  return { status: 200, body: { [kind === 'users' ? 'user' : 'project']: { id, name: one.name, enabled } } }
}

/** A user or project that goes takes its trusts, credentials and grants along. */
export function remove(world: World, id: string): void {
  for (const list of [world.users, world.projects] as { id: string }[][])
    list.splice(0, list.length, ...list.filter((one) => one.id !== id))
  for (const grant of world.grants) if (grant.split('/').includes(id)) world.grants.delete(grant)
  for (const trust of world.trusts) if ([trust.trustorId, trust.projectId].includes(id)) trust.deleted = true
  const left = world.credentials.filter(({ ownerId, projectId }) => ownerId !== id && projectId !== id)
  world.credentials.splice(0, world.credentials.length, ...left)
}

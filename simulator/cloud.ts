import { randomUUID } from 'node:crypto'
import { createIdentity } from './openstack/identity.ts'
import { createIronic, type Node, newNode } from './openstack/ironic.ts'
import {
  type Answer,
  createFaults,
  type Fault,
  type Listener,
  listen,
  type Request,
  type Wrong,
} from './openstack/listener.ts'
import { createNeutron } from './openstack/neutron.ts'
import { createNova } from './openstack/nova.ts'
import { move } from './openstack/nova-moves.ts'
import { place } from './openstack/nova-servers.ts'
import { remove } from './openstack/people.ts'
import { createPlacement } from './openstack/placement.ts'
import {
  type Credential,
  createWorld,
  type Effect,
  flavors,
  type Host,
  hexId,
  type Migration,
  nowOf,
  type Server,
  type Service,
  type World,
} from './openstack/world.ts'

export type { Effect, Host, Server, Service } from './openstack/world.ts'

/**
 * A Keystone, a Nova, a Placement, an Ironic, and a Neutron if asked for, on 127.0.0.1, with one memory and the rules of
 * the real ones as far as `test/contract` has them. Its clock is `Date.now`, unless it is given another one.
 */
export interface FakeCloud {
  readonly authUrl: string
  readonly password: string
  readonly world: World
  /** Everything that was asked, answered or not. */
  readonly received: readonly Request[]
  /** Everything that changed the cloud. */
  readonly effects: readonly Effect[]
  readonly keystone: Listener
  readonly nova: Listener
  readonly placement: Listener
  readonly neutron: Listener | undefined
  /** The next requests that fit go wrong. */
  fail(which: Fault, wrong: Wrong): void
  /** What was to go wrong, and no request met. */
  unmet(): readonly Fault[]
  user(name: string): { readonly id: string }
  project(name: string): { readonly id: string }
  host(name: string): Host
  service(binary: string, host: string): Service
  server(id: string): Server
  /** A server that runs already. */
  addServer(server: Partial<Server> & { host: string; flavor?: Server['flavor'] }): Server
  /** A live migration that has ended; it completed now unless something else is said. */
  addMigration(given: Pick<Migration, 'serverId' | 'from' | 'to'> & Partial<Migration>): void
  addHost(name: string): void
  /** A machine of Ironic's that is on. */
  addNode(name: string): Node
  /** A trust of a user for Steward, made beforehand. */
  addTrust(trustor: string, project: string, roles: readonly World['roles'][number]['name'][], seconds?: number): string
  /** An application credential of a user, made beforehand. */
  addCredential(owner: string, project: string, changes?: Partial<Credential>): Credential
  deleteCredential(id: string): void
  grant(user: string, project: string, role: string): void
  /** As a federated login has it. */
  grantByGroup(user: string, project: string, role: string): void
  revoke(user: string, project: string, role: string): void
  /** As an administrator does it, with all that goes along. */
  deleteUser(name: string): void
  deleteProject(name: string): void
  /** As their owner does it. */
  deleteTrust(id: string): void
  /** Nova's service on the host stops reporting. */
  kill(host: string): void
  /** Its first report comes 5 s later, as that of a real one; what was evacuated from it is settled when it starts. */
  revive(host: string): void
  /** Tokens of all who logged in as this user are refused from now on; as after a change of their password. */
  killTokens(user: string): void
  close(): Promise<void>
}

export interface CloudOptions {
  /** Whether it has a Neutron. */
  readonly network?: boolean
  /** Epoch ms. */
  readonly now?: () => number
  /** Services that it does not have, by their type, with what answers in their place. */
  readonly others?: Readonly<Record<string, (request: Request) => Answer>>
  /** Lets time pass for a service that is slow. */
  readonly pass?: (ms: number) => Promise<void>
}

export async function fakeCloud({ network = false, now, others = {}, pass }: CloudOptions = {}): Promise<FakeCloud> {
  const world = createWorld(now)
  const faults = createFaults()
  const received: Request[] = []
  const endpoints: Record<string, string> = {}
  const tellTime = (service: string) => (service === 'compute' && !world.novaSaysTheTime ? undefined : nowOf(world))
  const cloud = { faults, received, tellTime, ...(pass && { pass }) }
  const identity = createIdentity(world, () => endpoints)
  const keystone = await listen('identity', identity, cloud)
  const nova = await listen('compute', createNova(world), cloud)
  const placement = await listen('placement', createPlacement(world), cloud)
  const neutron = network ? await listen('network', createNeutron(world), cloud) : undefined
  if (neutron) endpoints.network = neutron.url
  const ironic = await listen('baremetal', createIronic(world), cloud)
  Object.assign(endpoints, { identity: `${keystone.url}/v3`, compute: `${nova.url}/v2.1`, placement: placement.url })
  endpoints.baremetal = ironic.url
  const added: Listener[] = []
  for (const [type, answer] of Object.entries(others)) {
    const listener = await listen(type, answer, cloud)
    added.push(listener)
    endpoints[type] = listener.url
  }

  const user = (name: string) => named(world.users, name)
  const project = (name: string) => named(world.projects, name)
  const host = (name: string) => named(world.hosts, name)
  const service = (binary: string, name: string) => {
    const found = world.services.find((s) => s.binary === binary && s.host === name)
    if (!found) throw new Error(`the fake cloud has no ${binary} on ${name}`)
    return found
  }
  const grantOf = (u: string, p: string, role: string) => `${user(u).id}/${project(p).id}/${role}`

  return {
    authUrl: keystone.url,
    password: world.password,
    world,
    received,
    effects: world.effects,
    keystone,
    nova,
    placement,
    neutron,
    fail: faults.add,
    unmet: faults.unmet,
    user,
    project,
    host,
    service,
    server(id) {
      const found = world.servers.find((s) => s.id === id)
      if (!found) throw new Error(`the fake cloud has no server ${id}`)
      return found
    },
    addServer(given) {
      const server: Server = {
        id: randomUUID(),
        name: `server-${world.servers.length + 1}`,
        projectId: project('demo').id,
        userId: user('alice').id,
        flavor: flavors[2]!,
        metadata: {},
        status: 'ACTIVE',
        vmState: 'active',
        taskState: null,
        locked: false,
        zone: null,
        actions: [],
        ...given,
      }
      world.servers.push(server)
      place(world, server)
      return server
    },
    addMigration(given) {
      const changedMs = given.changedMs ?? nowOf(world)
      world.migrations.unshift({
        ...{ number: world.migrations.length + 1, id: randomUUID(), status: 'completed', steps: [] },
        ...{
          kind: 'live-migration' as const,
          userId: user('olga').id,
          projectId: project('admin').id,
          createdMs: changedMs,
          changedMs,
        },
        ...given,
      })
    },
    addHost(name) {
      world.hosts.push({ ...host('compute1'), name, node: name, id: randomUUID() })
      world.services.push({ ...service('nova-compute', 'compute1'), host: name, id: randomUUID() })
    },
    addNode(name) {
      const node = newNode(name)
      world.nodes.push(node)
      return node
    },
    addTrust(trustor, projectName, roles, seconds = 86_400) {
      const id = hexId()
      world.trusts.push({
        id,
        trustorId: user(trustor).id,
        trusteeId: user('steward').id,
        projectId: project(projectName).id,
        impersonation: true,
        roles,
        expiresAt: new Date(world.now() + seconds * 1000).toISOString(),
        deleted: false,
      })
      return id
    },
    addCredential(owner, projectName, changes = {}) {
      const made: Credential = {
        ...{ id: hexId(), name: 'nightly', secret: `secret-${hexId()}`, unrestricted: false, expiresAt: null },
        ...{ ownerId: user(owner).id, projectId: project(projectName).id, roles: ['reader', 'member'] },
        ...changes,
      }
      world.credentials.push(made)
      return made
    },
    deleteCredential(id) {
      const at = world.credentials.findIndex((one) => one.id === id)
      if (at >= 0) world.credentials.splice(at, 1)
    },
    grant: (u, p, role) => void world.grants.add(grantOf(u, p, role)),
    grantByGroup: (u, p, role) => void world.groupGrants.add(grantOf(u, p, role)),
    revoke: (u, p, role) => void world.grants.delete(grantOf(u, p, role)),
    deleteUser: (name) => remove(world, user(name).id),
    deleteProject: (name) => remove(world, project(name).id),
    deleteTrust(id) {
      const trust = world.trusts.find((t) => t.id === id)
      if (trust) trust.deleted = true
    },
    kill(name) {
      service('nova-compute', name).alive = false
    },
    revive(name) {
      Object.assign(service('nova-compute', name), { alive: true, reportsFromMs: world.now() + 5_000 })
      for (const migration of world.migrations)
        if (migration.kind === 'evacuation' && migration.from === name && migration.status === 'done') {
          migration.status = 'completed'
          world.allocations.get(migration.serverId)?.delete(name)
        }
    },
    killTokens(name) {
      const { id } = user(name)
      for (const token of world.tokens.values()) if (token.loginId === id) world.tokens.delete(token.id)
    },
    async close() {
      await Promise.all([keystone, nova, placement, ironic, neutron, ...added].map((service) => service?.stop()))
    },
  }
}

export { move }

function named<T extends { readonly name: string }>(list: readonly T[], name: string): T {
  const found = list.find((one) => one.name === name)
  if (!found) throw new Error(`the fake cloud has no ${name}`)
  return found
}

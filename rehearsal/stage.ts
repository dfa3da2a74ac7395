import type { Brake } from '../activities/brake.ts'
import { createSessions, type Sessions } from '../activities/sessions.ts'
import { isDeclared } from '../core/declared.ts'
import { failure } from '../core/errors.ts'
import { eventOf, type RunbookCase, type RunbookTests, type TestFault, type TestStub } from '../core/runbook-test.ts'
import type { CloudConfig } from '../openstack/clouds-yaml.ts'
import { createHttp, type Http } from '../openstack/http.ts'
import { createKeystone } from '../openstack/keystone.ts'
import { withSecrets } from '../openstack/secret.ts'
import { filledWith, worldOf } from '../policies/declared/tests.ts'
import { type CloudOptions, type FakeCloud, fakeCloud } from '../simulator/cloud.ts'
import type { Request } from '../simulator/openstack/listener.ts'
import { flavors, ladder } from '../simulator/openstack/world.ts'
import { type Attempts, workerDies } from './attempts.ts'
import { missing } from './simulated.ts'
import { notSimulated } from './steps.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** Who gave the standing delegation; her project is the one it is in. */
const owner = { user: 'olga', project: 'admin' } as const
const delegatedSeconds = 400 * 86_400

/** A simulated cloud as one case wants it, and Steward's access to it. */
export interface Stage {
  readonly cloud: FakeCloud
  readonly sessions: Sessions
  readonly brake: Brake
  /** What was done to the cloud by the run, as `reboot web`. */
  did(): string[]
  /** The calls of faults that were never met. */
  unmet(): string[]
  /** Names of the servers with what became of them. */
  statuses(): Record<string, string>
  /** With the ids of what it names in `${…}`. */
  filled<T>(value: T): T
  /** Does what an event says, where it is the cloud's; false when it is not. */
  happen(sentence: string): boolean
  close(): Promise<void>
}

export interface StageParts {
  readonly clock: VirtualClock
  readonly attempts: Attempts
  readonly tests: RunbookTests
  readonly one: RunbookCase
  /** Those that the runbook has declared. */
  readonly roles: readonly string[]
}

export async function setStage({ clock, attempts, tests, one, roles }: StageParts): Promise<Stage> {
  const given = worldOf(tests, one)
  const others = stubbed(given.stubs)
  const cloud = await fakeCloud({ network: true, now: clock.now, pass: attempts.beSlow, others })
  const ids = furnish(cloud, given)
  const faults = one.faults.map((fault) => ({ fault, planned: faultOf(fault) }))
  for (const { planned } of faults) cloud.fail(...planned)
  const delegated = rolesOf(given.roles ?? roles)
  cloud.grant(owner.user, owner.project, delegated.at(-1) ?? 'reader')
  const trustId = cloud.addTrust(owner.user, owner.project, delegated, delegatedSeconds)
  let stopped = false
  const nameOf = (target: string) => [...ids].find(([, id]) => id === target)?.[0] ?? target

  return {
    cloud,
    sessions: logIn(cloud, trustId, attempts, clock, Object.keys(others)),
    async brake() {
      if (stopped) throw failure('STOPPED', 'olga pressed the stop button: the test says so')
    },
    did: () => cloud.effects.map(({ kind, target }) => `${kind} ${nameOf(target)}`),
    unmet() {
      const unmet = cloud.unmet()
      return faults.filter(({ planned: [which] }) => unmet.includes(which)).map(({ fault }) => fault.call)
    },
    statuses: () =>
      Object.fromEntries(
        [...ids].map(([name, id]) => {
          const server = cloud.world.servers.find((server) => server.id === id)
          return [
            name,
            server === undefined ? 'gone' : server.taskState ? `${server.status} (${server.taskState})` : server.status,
          ]
        }),
      ),
    filled: (value) =>
      filledWith(value, (kind, name) => (kind === 'server' ? (ids.get(name) ?? '') : cloud.project(name).id)),
    happen(sentence) {
      const { host, change, server, state, other } = eventOf(sentence)
      if (host !== undefined) cloud[change === 'dies' ? 'kill' : 'revive'](host)
      else if (server !== undefined) changeServer(cloud, ids.get(server) ?? '', state ?? '')
      else if (other === 'the delegation is revoked') cloud.deleteTrust(trustId)
      else if (other === 'the stop button is pressed') stopped = true
      else return false
      return true
    },
    close: () => cloud.close(),
  }
}

/** Only what the case names is there. */
function furnish(
  cloud: FakeCloud,
  { hosts, servers }: Pick<ReturnType<typeof worldOf>, 'hosts' | 'servers'>,
): Map<string, string> {
  const { world } = cloud
  if (hosts) {
    for (const name of hosts) if (!world.hosts.some((host) => host.name === name)) cloud.addHost(name)
    keep(world.hosts, ({ name }) => hosts.includes(name))
    keep(world.services, ({ binary, host }) => binary !== 'nova-compute' || hosts.includes(host))
  }
  const [first] = world.hosts
  const ids = new Map<string, string>()
  for (const [name, { status, flavor, host, project, locked, metadata }] of Object.entries(servers)) {
    const made = cloud.addServer({
      ...{ name, status, locked, metadata, vmState: vmStates[status] ?? '', host: host ?? first?.name ?? 'compute1' },
      ...{ projectId: cloud.project(project).id, userId: cloud.user(usersOf[project]).id },
      flavor: flavors.find((one) => one.name === flavor)!,
    })
    ids.set(name, made.id)
  }
  return ids
}

const vmStates: Readonly<Record<string, string>> = { ACTIVE: 'active', SHUTOFF: 'stopped', ERROR: 'error' }
const usersOf = { admin: 'olga', demo: 'alice', demo2: 'carol' } as const

function keep<T>(list: readonly T[], fits: (one: T) => boolean): void {
  const all = list as T[]
  all.splice(0, all.length, ...all.filter(fits))
}

/** Services that are not simulated, as far as the test answers for them. */
function stubbed(stubs: readonly TestStub[]): NonNullable<CloudOptions['others']> {
  const types = new Set(stubs.map(({ call }) => call.split(' ')[0] ?? ''))
  const answers = (service: string) => (request: Request) => {
    const { method, path } = request
    const stub = stubs.find(({ call }) => isDeclared([call], { service, method, path }))
    if (!stub) return { status: 404, body: { error: { message: `the test has no answer to ${method} ${path}` } } }
    return { status: stub.status, ...(stub.body !== undefined && { body: stub.body }) }
  }
  return Object.fromEntries([...types].map((type) => [type, answers(type)]))
}

function faultOf({ call, with: wrong, times }: TestFault): Parameters<FakeCloud['fail']> {
  const [service = '', method = '', path = ''] = call.split(' ')
  const below = path.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll(/\{[^}]*\}/g, '[^/]+')
  const which = { service, method, path: new RegExp(`^(?:/v2\\.1)?${below}$`), times }
  if (typeof wrong === 'number') return [which, { status: wrong, body: { error: { message: 'the test says so' } } }]
  if (wrong === 'lost before effect') return [which, 'reset']
  if (wrong === 'lost after effect') return [which, 'reset after effect']
  if (wrong === 'worker dies') return [which, { status: workerDies, afterEffect: true }]
  return [which, { slowMs: Number(/\d+/.exec(wrong)?.[0]) * 1000 }]
}

/** @throws NOT_SIMULATED */
function rolesOf(names: readonly string[]) {
  const unknown = names.find((name) => !ladder.some((role) => role === name))
  if (unknown !== undefined) throw notSimulated(`role ${unknown}; \`roles\` of the world may name others`)
  const found = ladder.filter((role) => names.includes(role))
  return found.length > 0 ? found : (['reader'] as const)
}

/** As its owner does it. */
function changeServer({ world }: FakeCloud, id: string, state: string): void {
  const server = world.servers.find((one) => one.id === id)
  if (!server) return
  if (state === 'deleted') {
    keep(world.servers, (one) => one !== server)
    world.allocations.delete(id)
  } else if (state === 'locked' || state === 'unlocked') server.locked = state === 'locked'
  else Object.assign(server, { status: state, vmState: vmStates[state], taskState: null, pending: undefined })
}

function logIn(
  { authUrl, password }: FakeCloud,
  trustId: string,
  attempts: Attempts,
  clock: VirtualClock,
  others: readonly string[],
): Sessions {
  const send = attempts.through(createHttp())
  const http: Http = async (request) => {
    const what = others.includes(request.service) ? undefined : missing(request)
    if (what !== undefined) throw notSimulated(what)
    return send(request)
  }
  const domain = { id: 'default' }
  const cloud: CloudConfig = {
    authUrl,
    auth: withSecrets({ method: 'password' as const, user: { name: 'steward', domain } }, { password }),
    scope: { project: { name: 'service', domain } },
    region: 'RegionOne',
    interface: 'public',
    tls: { verify: true },
  }
  const keystone = createKeystone({ authUrl, http })
  return createSessions({
    cloud,
    keystone,
    http,
    delegations: { active: async () => ({ trustId }) as never },
    now: clock.now,
  })
}

import { randomBytes, randomUUID } from 'node:crypto'
import type { AccessRule } from '../../core/delegation.ts'
import type { Node } from './ironic.ts'

/**
 * What the fake cloud consists of. Times are read off `Date.now`, unless another clock is given, so a test that moves the
 * clock moves the cloud; by `aheadMs` the cloud's clock is ahead of it.
 */
export interface World {
  /** Epoch ms. */
  readonly now: () => number
  readonly password: string
  readonly users: User[]
  readonly projects: Project[]
  readonly roles: { readonly id: string; readonly name: RoleName }[]
  /** Who has which role in which project: `user/project/role`, ids and the name of the role. */
  readonly grants: Set<string>
  /** The same, for roles that a federated login has by its groups: tokens have them, and nobody can delegate them. */
  readonly groupGrants: Set<string>
  readonly trusts: Trust[]
  readonly credentials: Credential[]
  readonly tokens: Map<string, Token>
  readonly hosts: Host[]
  readonly services: Service[]
  readonly servers: Server[]
  readonly nodes: Node[]
  readonly groups: Group[]
  readonly aggregates: Aggregate[]
  readonly migrations: Migration[]
  /** Those that have something left to happen to them, listed or not. */
  readonly underWay: Migration[]
  /** Room given away: by server, then by host. */
  readonly allocations: Map<string, Map<string, Amounts>>
  /** Everything that changed the cloud, counted where it happened. */
  readonly effects: Effect[]
  /** Highest minor version of Nova. */
  novaMinor: number
  /** Of each project; -1 is no limit. Nova's defaults. */
  quota: { instances: number; cores: number; ram: number }
  /** Most servers on one page. */
  pageSize: number
  /** Seconds a token lives; one through a trust ends with its trust at the latest. */
  tokenSeconds: number
  aheadMs: number
  /** A Nova behind some servers has no `Date` in its answers. */
  novaSaysTheTime: boolean
}

/** The cloud's own clock. */
export const nowOf = ({ now, aheadMs }: World): number => now() + aheadMs

export type RoleName = 'reader' | 'member' | 'manager' | 'admin'
/** Each role implies the ones before it, as Keystone's default roles do. */
export const ladder: readonly RoleName[] = ['reader', 'member', 'manager', 'admin']

export interface User {
  readonly id: string
  readonly name: string
  password: string
  enabled: boolean
}
export interface Project {
  readonly id: string
  readonly name: string
}
export interface Trust {
  readonly id: string
  readonly trustorId: string
  readonly trusteeId: string
  readonly projectId: string
  readonly impersonation: boolean
  readonly roles: readonly RoleName[]
  readonly expiresAt: string
  /** Kept as Keystone keeps it: the row stays and still conflicts. */
  deleted: boolean
}
/** An application credential. */
export interface Credential {
  readonly id: string
  readonly name: string
  readonly secret: string
  readonly ownerId: string
  readonly projectId: string
  readonly roles: readonly RoleName[]
  readonly unrestricted: boolean
  /** Keystone's time without a zone. */
  readonly expiresAt: string | null
  readonly accessRules?: readonly AccessRule[]
}
export interface Token {
  readonly id: string
  /** Whose rights it has. */
  readonly userId: string
  /** Who logged in for it. */
  readonly loginId: string
  readonly projectId: string | undefined
  readonly trustId: string | undefined
  readonly credentialId: string | undefined
  readonly isForSystem: boolean
  readonly issuedMs: number
  readonly expiresMs: number
}

export interface Amounts {
  readonly VCPU: number
  readonly MEMORY_MB: number
  readonly DISK_GB: number
}
export interface Host {
  /** Name of the compute service. */
  readonly name: string
  /** Name of the hypervisor, which is also that of Placement's resource provider. */
  node: string
  readonly id: string
  readonly size: Amounts
  reserved: Amounts
  ratios: Amounts
  /** Set to have live migrations off this host fail. */
  migrationFault?: string | undefined
  /** Set to have live migrations off this host stay in this state, until they are aborted or forced. */
  migrationsStay?: 'queued' | 'running' | undefined
  /** Whether Placement knows the host. */
  provider: boolean
  readonly traits?: string[]
  hypervisorType?: string
  /** False: its disks are shared, so Placement has no disk of it. */
  ownDisk?: boolean
}
export interface Service {
  readonly id: string
  readonly number: number
  readonly binary: string
  readonly host: string
  readonly zone: string
  status: 'enabled' | 'disabled'
  disabledReason: string | null
  forcedDown: boolean
  alive: boolean
  /** Before this it makes no report. */
  reportsFromMs: number
  lastReportMs: number
}

export interface Flavor {
  readonly id: string
  readonly name: string
  readonly vcpus: number
  readonly ram: number
  readonly disk: number
  readonly extraSpecs?: Readonly<Record<string, string>>
}
export interface Aggregate {
  readonly name: string
  readonly hosts: string[]
  readonly metadata: Record<string, string>
}
export interface Server {
  readonly id: string
  readonly name: string
  readonly projectId: string
  readonly userId: string
  readonly flavor: Flavor
  readonly metadata: Record<string, string>
  host: string | null
  status: string
  vmState: string
  taskState: string | null
  locked: boolean
  zone: string | null
  readonly tags?: string[]
  /** Started from a volume: no image, and no room for its root disk. */
  readonly onVolume?: boolean
  readonly imageProperties?: Record<string, string>
  readonly schedulerHints?: Record<string, unknown>
  /** Its cell cannot be reached. */
  cellDown?: boolean
  /** What it was before a move that waits to be confirmed. */
  beforeMove?: { readonly host: string; readonly status: string; readonly vmState: string }
  /** Where Neutron has its port, if not on its host. */
  portHost?: string
  readonly actions: InstanceAction[]
  /** What happens to it after it was looked at so many times. */
  pending?: { looks: number; readonly settle: () => void } | undefined
}
export interface InstanceAction {
  readonly action: string
  readonly requestId: string
  readonly userId: string
  readonly projectId: string
  readonly startMs: number
  message: string | null
  readonly events: { event: string; result: string; details: string | null }[]
}
export interface Migration {
  readonly number: number
  readonly id: string
  readonly kind: 'live-migration' | 'migration' | 'evacuation'
  readonly serverId: string
  readonly from: string
  to: string | null
  status: string
  readonly userId: string
  readonly projectId: string
  readonly createdMs: number
  /** When its status last changed. */
  readonly changedMs: number
  /** What is left to happen to it: one with each look at the list. */
  readonly steps: (() => void)[]
  /** What the hypervisor does once it is forced to an end. */
  complete?: () => void
}
export interface Group {
  readonly id: string
  readonly name: string
  readonly policy: string
  readonly members: string[]
}

export interface Effect {
  readonly kind: string
  /** What it happened to. */
  readonly target: string
  /** Under whose name. */
  readonly userId: string
  /** The request id the caller sent, if any. */
  readonly sentRequestId: string | undefined
}

export const flavors: readonly Flavor[] = [
  { id: '1', name: 'm1.tiny', vcpus: 1, ram: 256, disk: 1 },
  { id: '2', name: 'm1.small', vcpus: 1, ram: 512, disk: 1 },
  { id: '3', name: 'm1.medium', vcpus: 2, ram: 1024, disk: 2 },
  { id: '4', name: 'm1.large', vcpus: 4, ram: 2048, disk: 4 },
]
const sizes: Readonly<Record<string, Amounts>> = {
  compute1: { VCPU: 8, MEMORY_MB: 8192, DISK_GB: 100 },
  compute2: { VCPU: 4, MEMORY_MB: 4096, DISK_GB: 80 },
  compute3: { VCPU: 16, MEMORY_MB: 16384, DISK_GB: 200 },
}
const people: readonly (readonly [user: string, project: string, role: RoleName])[] = [
  ['admin', 'admin', 'admin'],
  ['olga', 'admin', 'admin'],
  ['alice', 'demo', 'member'],
  ['bob', 'demo', 'reader'],
  ['carol', 'demo2', 'member'],
  ['steward', 'service', 'reader'],
]

export const hexId = (): string => randomBytes(16).toString('hex')
export const amountsOf = ({ vcpus, ram, disk }: Flavor, onVolume = false): Amounts => ({
  VCPU: vcpus,
  MEMORY_MB: ram,
  DISK_GB: onVolume ? 0 : disk,
})
/** Nova's times: UTC, whole seconds, a fraction of zeros and no zone. */
export const novaTime = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, '.000000')

/** The same users, projects, hosts and flavors as the real test cloud has. */
export function createWorld(now: () => number = () => Date.now()): World {
  const projects = [...new Set(people.map(([, project]) => project))].map((name) => ({ id: hexId(), name }))
  const password = `pw-${randomBytes(12).toString('hex')}`
  const users = people.map(([name]) => ({ id: hexId(), name, password, enabled: true }))
  const idOf = (list: readonly { id: string; name: string }[], name: string) => list.find((l) => l.name === name)?.id
  const hosts = Object.entries(sizes).map(
    ([name, size]): Host => ({
      name,
      node: name,
      id: randomUUID(),
      size,
      reserved: { VCPU: 0, MEMORY_MB: 0, DISK_GB: 0 },
      ratios: { VCPU: 1, MEMORY_MB: 1, DISK_GB: 1 },
      provider: true,
    }),
  )
  const nowMs = now()
  const listed = [
    ['nova-conductor', 'controller', 'internal'],
    ['nova-scheduler', 'controller', 'internal'],
    ...hosts.map(({ name }) => ['nova-compute', name, 'nova']),
  ]
  return {
    now,
    password,
    users,
    projects,
    roles: ladder.map((name) => ({ id: hexId(), name })),
    grants: new Set(people.map(([u, p, role]) => `${idOf(users, u)}/${idOf(projects, p)}/${role}`)),
    groupGrants: new Set(),
    trusts: [],
    credentials: [],
    tokens: new Map(),
    hosts,
    services: listed.map(([binary = '', host = '', zone = ''], at) => ({
      id: randomUUID(),
      number: at + 1,
      binary,
      host,
      zone,
      status: 'enabled',
      disabledReason: null,
      forcedDown: false,
      alive: true,
      reportsFromMs: nowMs - 1_000,
      lastReportMs: nowMs - 1_000,
    })),
    servers: [],
    nodes: [],
    groups: [],
    aggregates: [],
    novaMinor: 104,
    quota: { instances: 10, cores: 20, ram: 51_200 },
    migrations: [],
    underWay: [],
    allocations: new Map(),
    effects: [],
    pageSize: 1000,
    tokenSeconds: 3600,
    aheadMs: 0,
    novaSaysTheTime: true,
  }
}

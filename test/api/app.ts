import { EventEmitter, once } from 'node:events'
import type { FastifyBaseLogger, FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import { expect, onTestFinished } from 'vitest'
import type { Receiver } from '../../activities/receivers/receiver.ts'
import { hashOf, type SignalSource } from '../../api/access.ts'
import { buildApp } from '../../api/app.ts'
import type { Caller, TokenCheck } from '../../api/callers.ts'
import type { DelegationOptions } from '../../api/delegation.ts'
import { createGivenDelegations } from '../../api/given-delegations.ts'
import { createIntake } from '../../api/ingest/intake.ts'
import { createLogWatch } from '../../api/ingest/log-watch.ts'
import { createLogWindows } from '../../api/ingest/log-windows.ts'
import type { Dependency } from '../../api/routes/health.ts'
import { type AccessPolicy, accessPolicy } from '../../core/access.ts'
import type { ActionView, ScheduledAction } from '../../core/action.ts'
import type { Alert } from '../../core/alert.ts'
import { catalogue, type ErrorCode } from '../../core/catalogue.ts'
import type { OpenPlan, PlanCommand } from '../../core/cloud-plan.ts'
import type { DelegationView, TrustHolder } from '../../core/delegation.ts'
import { failure } from '../../core/errors.ts'
import { GovernorConfig } from '../../core/governor.ts'
import { Policy } from '../../core/policy.ts'
import type { RecurringAction, RecurringActionView } from '../../core/recurrence.ts'
import type { RecurringPlan, RecurringPlanCommand } from '../../core/recurring-plan.ts'
import { createCatalog } from '../../openstack/catalog.ts'
import type { OwnServer } from '../../openstack/servers.ts'
import type { Actions } from '../../temporal/actions.ts'
import type { Audit } from '../../temporal/audit.ts'
import type { DelegationSweep } from '../../temporal/delegation-sweep.ts'
import type { Delegations } from '../../temporal/delegations.ts'
import type { Governor } from '../../temporal/governor.ts'
import type { IncidentDesk } from '../../temporal/incident-desk.ts'
import type { IncidentList } from '../../temporal/incident-list.ts'
import type { Incidents } from '../../temporal/incidents.ts'
import type { Keys } from '../../temporal/keys.ts'
import type { Notifications } from '../../temporal/notifications.ts'
import type { Plans } from '../../temporal/plans.ts'
import type { RecurringActions } from '../../temporal/recurring-actions.ts'
import type { RecurringPlans } from '../../temporal/recurring-plans.ts'
import type { StopButton } from '../../temporal/stop.ts'
import { fakeCredentials, type KnownCredential } from './credentials.ts'
import { fakeGovernor, fakeStop } from './governor.ts'
import { pageIn } from './page.ts'
import { fakePlans } from './plans.ts'
import { fakeRecurringPlans } from './recurring-plans.ts'
import { fakeRunbooks, type RunbookChanges } from './runbooks.ts'
import { type FakeTrusts, fakeTrusts, heldOf, type TrustsOutside } from './trusts.ts'

/** The moment at which the app lives. */
export const nowMs = Date.parse('2026-11-21T01:00:00Z')
export const at = (seconds: number) => new Date(nowMs + seconds * 1000).toISOString()

const catalog = createCatalog([
  {
    type: 'compute',
    endpoints: [{ interface: 'public', region: 'RegionOne', url: 'https://nova.example:8774/v2.1' }],
  },
])

/** Someone whom Keystone knows. */
export const someone = (changes: Partial<Caller> = {}): Caller => ({
  id: 'keystone-token',
  userId: 'user-ana',
  userName: 'ana',
  projectId: 'project-1',
  projectName: 'shop',
  roles: ['reader', 'member'],
  issuedAt: new Date(nowMs - 60_000),
  expiresAt: new Date(nowMs + 3_600_000),
  catalog,
  methods: ['password'],
  isApplicationCredential: false,
  ...changes,
})

/** What Keystone answers to each token; all others it does not accept. */
export const people = {
  member: someone(),
  reader: someone({ roles: ['reader'] }),
  stranger: someone({ projectId: 'project-2', projectName: 'bank', userId: 'user-eve', userName: 'eve' }),
  robot: someone({ isApplicationCredential: true, methods: ['application_credential'] }),
  operator: someone({ roles: ['reader', 'member', 'manager', 'admin'], userId: 'user-olga', userName: 'olga' }),
  colleague: someone({ roles: ['reader', 'member', 'manager', 'admin'], userId: 'user-otto', userName: 'otto' }),
} satisfies Record<string, Caller>
export const as = (who: string) => ({ 'x-auth-token': who })

/** Bearer tokens of the two configured signal sources. */
export const bearer = { alertmanager: 'alertmanager-0123456789', logs: 'logs-0123456789abcdef' }
export const from = (token: string) => ({ authorization: `Bearer ${token}` })
const sources: SignalSource[] = [
  { name: 'am', kind: 'alertmanager', tokenHash: hashOf(bearer.alertmanager) },
  { name: 'shipper', kind: 'logs', tokenHash: hashOf(bearer.logs) },
]

export const cpuHigh = Policy.parse({
  name: 'host-cpu-high',
  kind: 'gauge',
  when: { labels: { alertname: 'HostCpuHigh' } },
  runbook: 'relieve-host',
})
export const computeErrors = Policy.parse({
  name: 'compute-errors',
  kind: 'tailable',
  when: { component: 'nova-compute', count: 2, windowSeconds: 30 },
  runbook: 'collect-evidence',
})

/** The key that approval links are signed with, unless a test has another. */
const linkKeys: Keys = { active: 'k1', byId: new Map([['k1', Buffer.alloc(32, 1)]]) }

/** What the app did to the world outside. */
export interface Outside extends TrustsOutside {
  /** Trusts that were deleted through themselves, and for whom. */
  swept: [trustId: string, by: string][]
  started: ScheduledAction[]
  /** Of requests that came with a key, by action. */
  fingerprints: Map<string, string>
  /** Commands that reached an action. */
  ordered: [id: string, command: Parameters<Actions['command']>[2]][]
  repeated: RecurringAction[]
  /** Commands that reached a recurring action. */
  told: Parameters<RecurringActions['command']>[2][]
  /** Plans asked for, and commands that reached one. */
  planned: OpenPlan[]
  recurringPlanned: RecurringPlan[]
  recurringCommanded: [id: string, command: RecurringPlanCommand][]
  commanded: [id: string, command: PlanCommand][]
  reported: Alert[]
}

export interface Changes extends RunbookChanges {
  keystone?: Partial<FakeTrusts & DelegationOptions['keystone']>
  /** Application credentials by id. */
  credentials?: Readonly<Record<string, KnownCredential>>
  trusteeUserId?: () => Promise<string>
  actions?: Partial<Actions>
  recurring?: Partial<RecurringActions>
  delegations?: Partial<Delegations>
  plans?: Partial<Plans>
  recurringPlans?: Partial<RecurringPlans>
  /** What acts with which trust, by trust id. @default the actions and recurring actions that were started */
  holders?: (trustId: string) => TrustHolder | undefined
  sweep?: Partial<DelegationSweep>
  incidents?: Partial<IncidentList>
  command?: IncidentDesk['command']
  governor?: Partial<Governor>
  stop?: Partial<StopButton>
  brakes?: object
  policy?: AccessPolicy
  auditEvents?: Audit['events']
  keys?: Keys
  publicUrl?: string | undefined
  report?: Incidents['report']
  checkToken?: TokenCheck
  dependencies?: readonly Dependency[]
  logger?: FastifyBaseLogger
  maxDays?: number
  lookAhead?: DelegationOptions['lookAhead']
  receivers?: readonly Receiver[]
  notified?: Notifications['list']
  /** Those of every project. */
  servers?: readonly OwnServer[]
}

export interface World extends Outside {
  app: FastifyInstance
  /** The next second of the log windows. */
  tick(): Promise<void>
  ask(options: InjectOptions): Promise<LightMyRequestResponse>
}

/** The real app in a world of plain objects, in which all is well unless `changes` say otherwise. */
export async function world(changes: Changes = {}): Promise<World> {
  const outside: Outside = {
    trusts: new Map(),
    givers: new Map(),
    swept: [],
    requestIds: [],
    started: [],
    fingerprints: new Map(),
    ordered: [],
    repeated: [],
    told: [],
    planned: [],
    recurringPlanned: [],
    recurringCommanded: [],
    commanded: [],
    reported: [],
  }
  const keystone = { ...fakeTrusts(outside), ...fakeCredentials(changes.credentials), ...changes.keystone }
  const actions = { ...fakeActions(outside), ...changes.actions }
  const recurring = { ...fakeRecurring(outside), ...changes.recurring }
  const delegations = { ...fakeDelegations(), ...changes.delegations }
  const trusteeUserId = changes.trusteeUserId ?? (async () => 'user-steward')
  const maxDays = changes.maxDays ?? 370
  const now = () => nowMs
  const lookAhead = changes.lookAhead ?? (async () => undefined)
  const delegating = { keystone, trusteeUserId, lookAhead, interface: 'public', maxDays, now } as const
  const report = changes.report ?? (async () => 'opened' as const)
  const intake = createIntake({
    report: (alert) => {
      outside.reported.push(alert)
      return report(alert)
    },
  })
  const policies = [cpuHigh, computeErrors]
  const windows = createLogWindows(policies.filter((policy) => policy.kind === 'tailable'))
  const logWatch = createLogWatch(windows, intake, now)
  const incidents = { ...noIncidents, ...changes.incidents }
  const app = await buildApp({
    version: '0.0.0-test',
    access: {
      checkToken:
        changes.checkToken ??
        (async (token, options) => {
          outside.requestIds.push(['validate', options?.requestId])
          const known = Object.hasOwn(people, token) ? people[token as keyof typeof people] : undefined
          if (known) return known
          throw failure('TOKEN_INVALID', 'Keystone does not accept the token (404)')
        }),
      sources,
      policy: changes.policy ?? accessPolicy('admin'),
    },
    actions: {
      ...{ actions, defer: { actions, ...delegating, ownServers: () => listed(changes.servers ?? []) } },
    },
    recurring: { recurring, ...delegating },
    delegations: { delegations, keystone, trusteeUserId, maxDays },
    given: createGivenDelegations({
      ...{ keystone, actions, recurring, delegations, now },
      ownToken: async () => someone({ userId: 'user-steward' }),
      holders: { find: async (ids) => heldOf(outside.trusts, ids, changes.holders ?? startedWith(outside)) },
      sweep: {
        revoke: async ({ trustId }, { name }) => {
          outside.swept.push([trustId, name])
        },
        ...changes.sweep,
      },
    }),
    now,
    incidents: { incidents, desk: { command: changes.command ?? (async (id) => incidents.show(id)) } },
    approvals: {
      keys: changes.keys ?? linkKeys,
      publicUrl: 'publicUrl' in changes ? changes.publicUrl : 'https://steward.example',
      now,
    },
    governor: {
      governor: { ...fakeGovernor(), ...changes.governor },
      stop: { ...fakeStop(), ...changes.stop },
      config: GovernorConfig.parse(changes.brakes ?? {}),
      policies,
      runbookNames: async () => ['night-off'],
      now,
    },
    plans: {
      plans: { ...fakePlans(nowMs, outside.planned, outside.commanded), ...changes.plans },
      config: GovernorConfig.parse(changes.brakes ?? {}),
      waitMs: 0,
      now,
    },
    recurringPlans: {
      recurring: {
        ...fakeRecurringPlans(outside.recurringPlanned, outside.recurringCommanded),
        ...changes.recurringPlans,
      },
      now,
    },
    audit: { audit: { events: changes.auditEvents ?? noEvents }, now },
    reports: {
      history: { opened: async () => ({ incidents: [], truncated: false }) },
      governor: fakeGovernor(),
      config: { policies, governor: GovernorConfig.parse({}) },
      now,
    },
    why: { desk: { ask: async (about) => ({ about, at: at(0), answer: 'nothing was done', reasons: [] }) } },
    runbooks: { ...fakeRunbooks(changes), delegations, waitSeconds: 60 },
    notifications: {
      ...{ receivers: changes.receivers ?? [], notifications: { list: changes.notified ?? (async () => []) } },
      ...{ publicUrl: 'https://steward.example', now },
    },
    signals: { policies, intake, logWatch, now },
    dependencies: changes.dependencies ?? [],
    ...(changes.logger && { logger: changes.logger }),
  })
  onTestFinished(() => app.close())
  return { ...outside, app, tick: logWatch.tick, ask: (options) => app.inject(options) }
}

async function* listed<T>(all: readonly T[]): AsyncGenerator<T, void, undefined> {
  yield* all
}

/** The action or recurring action that was started with a trust. */
const startedWith =
  ({ started, repeated }: Outside) =>
  (trustId: string): TrustHolder | undefined => {
    const action = started.find((one) => 'trustId' in one && one.trustId === trustId)
    if (action) return { kind: 'action', for: action.view.id }
    const recurring = repeated.find((one) => 'trustId' in one && one.trustId === trustId)
    return recurring && { kind: 'recurring-action', for: recurring.view.id }
  }

function fakeActions({ started, fingerprints, ordered }: Outside): Actions {
  const find = (id: string, projectId: string): ActionView => {
    const found = started.find(({ view }) => view.id === id && view.projectId === projectId)
    if (found) return found.view
    throw failure('ACTION_NOT_FOUND', `this project has no action ${id}`)
  }
  return {
    async start(action, fingerprint) {
      if (started.some(({ view }) => view.id === action.view.id)) return false
      started.push(action)
      if (fingerprint !== undefined) fingerprints.set(action.view.id, fingerprint)
      return true
    },
    async taken(id, projectId) {
      const found = started.find(({ view }) => view.id === id && view.projectId === projectId)
      const fingerprint = fingerprints.get(id)
      return found && { view: found.view, ...(fingerprint !== undefined && { fingerprint }) }
    },
    show: async (id, projectId) => find(id, projectId),
    list: async (projectId, { states, ...wish }) =>
      pageIn(
        started
          .map(({ view }) => view)
          .filter((view) => view.projectId === projectId && (states?.includes(view.state) ?? true)),
        wish,
      ),
    async command(id, projectId, command) {
      const view = find(id, projectId)
      ordered.push([id, command])
      return command.does === 'cancel' ? { ...view, state: 'cancelled' } : view
    },
  }
}

function fakeRecurring({ repeated, told }: Outside): RecurringActions {
  const find = (id: string, projectId: string): RecurringActionView => {
    const found = repeated.find(({ view }) => view.id === id && view.projectId === projectId)
    if (found) return found.view
    throw failure('ACTION_NOT_FOUND', `this project has no recurring action ${id}`)
  }
  return {
    async start(action) {
      repeated.push(action)
    },
    show: async (id, projectId) => find(id, projectId),
    list: async (projectId, wish) =>
      pageIn(
        repeated.map(({ view }) => view).filter((view) => view.projectId === projectId),
        wish,
      ),
    async occurrence(id, at) {
      throw failure('ACTION_NOT_FOUND', `${id} had no occurrence of ${at}`)
    },
    async command(id, projectId, command) {
      const view = find(id, projectId)
      told.push(command)
      return view
    },
  }
}

function fakeDelegations(): Delegations {
  let current: DelegationView | undefined
  const show = async () => {
    if (current) return current
    throw failure('DELEGATION_MISSING', 'nobody has delegated rights to Steward yet')
  }
  return {
    async put(view) {
      current = view
      return view
    },
    show,
    active: show,
    async revoke() {
      current = { ...(await show()), state: 'revoked' }
      return current
    },
  }
}

async function* noEvents() {
  yield* []
}

const noIncidents: IncidentList = {
  list: async () => [],
  async show(id) {
    throw failure('INCIDENT_NOT_FOUND', `there is no incident ${id}`)
  },
}

/** Expects problem details with this code, its status and all that every problem has. */
export function expectProblem(answer: LightMyRequestResponse, code: ErrorCode): { detail: string; issues?: unknown } {
  const { status, summary, next } = catalogue[code]
  expect(answer.json()).toMatchObject({
    type: `urn:steward:error:${code}`,
    code,
    status,
    title: summary,
    next,
    detail: expect.any(String),
    instance: answer.headers['x-openstack-request-id'],
  })
  expect(answer.statusCode).toBe(status)
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
  return answer.json()
}

/** A server stop in two hours, which the app takes; `changes` are laid over it. */
export const stopServer = (changes: object = {}, callChanges: object = {}) => ({
  runIn: 'PT2H',
  call: {
    service: 'compute',
    method: 'POST',
    path: '/servers/6f1c/action',
    body: { 'os-stop': null },
    ...callChanges,
  },
  ...changes,
})

/** Something to wait for until the test says go. */
export function latch(): { opened: Promise<void>; open: () => void } {
  const waiting = new EventEmitter()
  const opened = once(waiting, 'open').then(() => undefined)
  return { opened, open: () => void waiting.emit('open') }
}

import { randomUUID } from 'node:crypto'
import { Context, type Info } from '@temporalio/activity'
import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import { onTestFinished, vi } from 'vitest'
import type { Brake } from '../../activities/brake.ts'
import type { Pause } from '../../activities/pause.ts'
import { createSessions } from '../../activities/sessions.ts'
import type { TrustHolder } from '../../core/delegation.ts'
import { failure } from '../../core/errors.ts'
import type { CloudConfig } from '../../openstack/clouds-yaml.ts'
import { createHttp } from '../../openstack/http.ts'
import { createKeystone } from '../../openstack/keystone.ts'
import { withSecrets } from '../../openstack/secret.ts'
import { type FakeCloud, fakeCloud } from '../../simulator/cloud.ts'
import type { TrustHolders } from '../../temporal/trust-holders.ts'

/** A stop button that nobody presses. */
export const released: Brake = async () => undefined

/** Steward's login at a cloud, and a way to run its activities there as a worker does. */
export interface Rig {
  readonly sessions: ReturnType<typeof createSessions>
  readonly keystone: ReturnType<typeof createKeystone>
  /** What acts with which trust, by delegation id. */
  readonly held: Map<string, TrustHolder>
  readonly holders: TrustHolders
  /** Every request of the run carries it. */
  readonly requestId: string
  /** Details of the heartbeats so far. */
  readonly heartbeats: unknown[]
  readonly logs: { readonly level: string; readonly message: string; readonly meta: unknown }[]
  /** May be changed on the way. */
  readonly limits: { timeoutMs: number }
  run<T>(activity: () => Promise<T>, info?: Partial<Info>): Promise<T>
  /** Runs an activity that can be cancelled. */
  begin<T>(activity: () => Promise<T>, info?: Partial<Info>): { readonly ended: Promise<T>; cancel(): void }
}

export interface RigOptions {
  /** The standing delegation. Without one there is none. */
  readonly trustId?: string | undefined
  /** Longest wait for an answer, whatever the activity would allow. @default 2000 */
  readonly timeoutMs?: number
}

export function createRig(
  { authUrl, password }: { readonly authUrl: string; readonly password: string },
  { trustId, timeoutMs = 2_000 }: RigOptions = {},
): Rig {
  const limits = { timeoutMs }
  const send = createHttp({ timeoutMs })
  const http: typeof send = (request) =>
    send({ ...request, timeoutMs: Math.min(request.timeoutMs ?? limits.timeoutMs, limits.timeoutMs) })
  const keystone = createKeystone({ authUrl, http })
  const domain = { id: 'default' }
  const cloud: CloudConfig = {
    authUrl,
    auth: withSecrets({ method: 'password' as const, user: { name: 'steward', domain } }, { password }),
    scope: { project: { name: 'service', domain } },
    region: 'RegionOne',
    interface: 'public',
    tls: { verify: true },
  }
  const active = async () => {
    if (trustId === undefined) throw failure('DELEGATION_MISSING', 'nobody delegated')
    return { trustId } as never
  }
  const sessions = createSessions({ cloud, keystone, http, delegations: { active } })
  const runId = randomUUID()
  const heartbeats: unknown[] = []
  const logs: Rig['logs'] = []
  const logger = new DefaultLogger('DEBUG', ({ level, message, meta }) => logs.push({ level, message, meta }))
  const begin: Rig['begin'] = (activity, info) => {
    const workflowExecution = { workflowId: 'test', runId }
    const environment = new MockActivityEnvironment({ ...begunAt(Date.now()), workflowExecution, ...info }, { logger })
    environment.on('heartbeat', (details) => heartbeats.push(details))
    return { ended: environment.run(activity), cancel: () => environment.cancel() }
  }
  const held = new Map<string, TrustHolder>()
  return {
    sessions,
    keystone,
    held,
    holders: { find: async (ids) => new Map([...held].filter(([id]) => ids.includes(id))) },
    requestId: `req-${runId}`,
    heartbeats,
    logs,
    limits,
    run: (activity, info) => begin(activity, info).ended,
    begin,
  }
}

/** An activity that is tried for the first time. */
const begunAt = (ms: number) => ({ scheduledTimestampMs: ms, currentAttemptScheduledTimestampMs: ms })

/** A fake cloud until the test ends, and Steward at it with olga's rights. */
export async function setUp(options: RigOptions = {}): Promise<Rig & { cloud: FakeCloud; trustId: string }> {
  const cloud = await fakeCloud()
  onTestFinished(() => cloud.close())
  const trustId = cloud.addTrust('olga', 'admin', ['admin'])
  return { ...createRig(cloud, { trustId, ...options }), cloud, trustId }
}

/** From now on until the test ends, time passes only where a test makes it pass. */
export function stopTheClock(): void {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-20T10:00:00Z') })
  onTestFinished(() => void vi.useRealTimers())
}

/** Waits without waiting: the clock is moved on, and what the test says happens meanwhile. */
export function passing(meanwhile: (wait: number) => unknown = () => undefined): Pause {
  let waits = 0
  return async (ms, details) => {
    Context.current().heartbeat(details)
    vi.setSystemTime(Date.now() + ms)
    await meanwhile(++waits)
  }
}

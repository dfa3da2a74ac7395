import { beforeEach, describe, expect, it } from 'vitest'
import { createPause } from '../../activities/pause.ts'
import { createServiceWatch } from '../../activities/service-watch.ts'
import type { Alert } from '../../core/alert.ts'
import { failure } from '../../core/errors.ts'
import { Policy } from '../../core/policy.ts'
import type { FakeCloud } from '../../simulator/cloud.ts'
import { rejection } from '../openstack/server.ts'
import { passing, type Rig, setUp, stopTheClock } from './rig.ts'

const policies = [
  Policy.parse({ name: 'compute-down', kind: 'binary', when: { binary: 'nova-compute' }, runbook: 'restart-service' }),
].filter((policy) => policy.kind === 'binary')

type Incidents = Parameters<typeof createServiceWatch>[0]['incidents']
interface Watched {
  readonly rig: Rig
  readonly cloud: FakeCloud
  readonly alerts: Alert[]
  /** Set to have alerts not taken. */
  refusing: boolean
  watch(seconds: number, heartbeatDetails?: unknown): Promise<void>
}

/** Looks every second; what happens at which second is up to the test. */
async function watching(happens: Record<number, (watched: Watched) => unknown> = {}): Promise<Watched> {
  const rig = await setUp()
  const alerts: Alert[] = []
  const incidents: Incidents = {
    async report(alert) {
      if (watched.refusing) throw failure('ENGINE_UNREACHABLE', 'Temporal does not answer')
      alerts.push(alert)
      return 'opened'
    },
  }
  let second = 0
  const pause = passing(() => happens[++second]?.(watched))
  const watched: Watched = {
    rig,
    cloud: rig.cloud,
    alerts,
    refusing: false,
    async watch(seconds, heartbeatDetails) {
      const { sessions } = rig
      const shiftMs = seconds * 1000
      const { watchServices } = createServiceWatch({ sessions, pause, incidents, policies, pollMs: 1000, shiftMs })
      await rig.run(watchServices, { heartbeatDetails })
    },
  }
  return watched
}

const told = (alerts: readonly Alert[]) => alerts.map(({ entity, status }) => `${entity.host} ${status}`)

beforeEach(stopTheClock)

describe("the watch over Nova's services", () => {
  it('says nothing while all are up', async () => {
    const { watch, alerts, rig } = await watching()
    await watch(20)
    expect(alerts).toEqual([])
    expect(rig.heartbeats).toEqual(Array.from({ length: 20 }, () => ({})))
  })

  it('tells once that a service is down, repeats it every half a minute, and tells when it is up again', async () => {
    const { watch, alerts } = await watching({
      3: ({ cloud }) => cloud.kill('compute2'),
      80: ({ cloud }) => cloud.revive('compute2'),
    })
    await watch(100)
    expect(told(alerts)).toEqual(['compute2 firing', 'compute2 firing', 'compute2 firing', 'compute2 resolved'])
    const [first, second, third] = alerts.map(({ observedAt }) => Date.parse(observedAt))
    expect([second! - first!, third! - second!]).toEqual([30_000, 30_000])
    expect(new Set(alerts.map(({ key }) => key)).size).toBe(1)
    expect(alerts[0]).toMatchObject({
      policy: 'compute-down',
      entity: { host: 'compute2', binary: 'nova-compute' },
      source: 'poll',
      summary: expect.stringMatching(/^nova-compute on compute2 is down: last report 2026-11-20T10:00:0/),
    })
  })

  it('is silent about a service an operator has disabled or forced down', async () => {
    const { watch, alerts, cloud } = await watching({
      3: ({ cloud: c }) => ['compute1', 'compute2'].forEach(c.kill),
    })
    cloud.service('nova-compute', 'compute1').status = 'disabled'
    cloud.service('nova-compute', 'compute2').forcedDown = true
    await watch(40)
    expect(alerts).toEqual([])
  })

  it('alerts nobody when all of them look down at once, and says why in the log', async () => {
    const all = ({ cloud }: Watched) => {
      for (const host of ['compute1', 'compute2', 'compute3']) cloud.kill(host)
    }
    const { watch, alerts, rig } = await watching({ 3: all })
    await watch(40)
    expect(alerts).toEqual([])
    expect(rig.logs).toContainEqual(
      expect.objectContaining({
        level: 'WARN',
        message: 'no alert',
        meta: expect.objectContaining({ reason: expect.stringMatching(/^all 3 nova-compute look down at once/) }),
      }),
    )
  })

  it('goes on where a lost worker was: what is down already keeps its key and is not told anew', async () => {
    const { watch, alerts, rig, cloud } = await watching({ 3: ({ cloud: c }) => c.kill('compute2') })
    await watch(15)
    expect(told(alerts)).toEqual(['compute2 firing'])
    const state = rig.heartbeats.at(-1)
    expect(state).toEqual({
      'nova-compute@compute2': { sinceMs: expect.any(Number), alertedMs: expect.any(Number) },
    })
    await watch(5, state)
    expect(told(alerts)).toEqual(['compute2 firing'])
    cloud.revive('compute2')
    await watch(10, rig.heartbeats.at(-1))
    expect(told(alerts)).toEqual(['compute2 firing', 'compute2 resolved'])
    expect(alerts[1]?.key).toBe(alerts[0]?.key)
  })

  it.each<[string, (watched: Watched) => unknown, (watched: Watched) => unknown]>([
    ['Nova', ({ cloud }) => cloud.nova.stop(), ({ cloud }) => cloud.nova.start()],
    [
      'an answer of Nova that is no list',
      ({ cloud }) => cloud.fail({ service: 'compute', times: 5 }, { status: 200, text: '<html>maintenance</html>' }),
      () => undefined,
    ],
    ['Temporal', (watched) => Object.assign(watched, { refusing: true }), (w) => Object.assign(w, { refusing: false })],
  ])(
    'takes trouble with %s for no news, says it once, and reports what is down afterwards',
    async (_with, hurt, heal) => {
      const { watch, alerts, rig } = await watching({
        3: (watched) => hurt(watched),
        4: ({ cloud }) => cloud.kill('compute2'),
        15: (watched) => heal(watched),
      })
      await watch(25)
      expect(told(alerts)).toEqual(['compute2 firing'])
      const warnings = rig.logs.filter(({ message }) => message === "Nova's services cannot be watched")
      expect(warnings).toHaveLength(1)
      expect(rig.logs.map(({ message }) => message)).toContain("Nova's services can be watched again")
    },
  )

  it('goes on without a delegation until there is one', async () => {
    const { watch, cloud, alerts, rig } = await watching({
      2: ({ cloud: c }) => c.revoke('olga', 'admin', 'admin'),
      3: ({ cloud: c }) => c.kill('compute2'),
      20: ({ cloud: c }) => c.grant('olga', 'admin', 'admin'),
    })
    await watch(25)
    expect(told(alerts)).toEqual(['compute2 firing'])
    expect(rig.logs).toContainEqual(
      expect.objectContaining({ meta: expect.objectContaining({ reason: expect.stringMatching(/cannot be used/) }) }),
    )
    expect(cloud.effects).toEqual([])
  })

  it('ends with its shift, counted from the first attempt', async () => {
    const { rig, cloud } = await watching()
    const { sessions } = rig
    const { watchServices } = createServiceWatch({
      sessions,
      pause: passing(),
      incidents: { report: async () => 'opened' },
      policies,
      pollMs: 1000,
      shiftMs: 60_000,
    })
    await rig.run(watchServices, { attempt: 3, scheduledTimestampMs: Date.now() - 57_000 })
    expect(rig.heartbeats).toHaveLength(3)
    expect(cloud.received.filter(({ path }) => path.endsWith('/os-services'))).toHaveLength(3)
  })

  it('leaves its state to another worker when this one leaves', async () => {
    const { rig } = await watching()
    const leaving = new AbortController()
    const { watchServices } = createServiceWatch({
      sessions: rig.sessions,
      pause: createPause(leaving.signal),
      incidents: { report: async () => 'opened' },
      policies,
      pollMs: 600_000,
    })
    const ended = rejection(rig.run(watchServices))
    setTimeout(() => leaving.abort(), 50)
    expect(await ended).toMatchObject({ message: 'the worker leaves; another one goes on', nonRetryable: false })
    expect(rig.heartbeats).toEqual([{}])
  })
})

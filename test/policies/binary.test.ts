import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BinaryPolicy, Policy } from '../../core/policy.ts'
import { type BinaryState, compareServices, type ListedService } from '../../policies/binary.ts'

const policyOf = (name: string, when: object = {}) =>
  Policy.parse({ name, kind: 'binary', when, runbook: 'restart-service' }) as BinaryPolicy
const policies = [policyOf('compute-down')]
const t0 = Date.parse('2026-11-21T00:00:00Z')
const second = 1000

const service = (host: string, state: 'up' | 'down', more: Partial<ListedService> = {}): ListedService => ({
  id: `id-${host}`,
  binary: 'nova-compute',
  host,
  status: 'enabled',
  state,
  forcedDown: false,
  updatedAt: '2026-11-20T23:59:00.000000',
  ...more,
})
const others = [service('x', 'up'), service('y', 'up')]
const statuses = ({ alerts }: { alerts: { status: string; entity: { host: string } }[] }) =>
  alerts.map(({ status, entity }) => `${status} ${entity.host}`)

/** Polls every five seconds; keeps the state as a heartbeat would. */
function poll(by = policies) {
  let state: BinaryState = {}
  let nowMs = t0 - 5 * second
  return {
    state: () => state,
    see(services: ListedService[], more: Parameters<typeof compareServices>[4] = {}) {
      nowMs += 5 * second
      const seen = compareServices(state, services, by, nowMs, more)
      state = JSON.parse(JSON.stringify(seen.state))
      return seen
    },
  }
}

describe("Nova's service list", () => {
  it('raises an alert for a service that goes down', () => {
    const { see } = poll()
    see([service('a', 'up'), ...others])
    expect(see([service('a', 'down'), ...others]).alerts).toEqual([
      {
        policy: 'compute-down',
        entity: { host: 'a', binary: 'nova-compute' },
        status: 'firing',
        startsAt: '2026-11-21T00:00:05.000Z',
        observedAt: '2026-11-21T00:00:05.000Z',
        source: 'poll',
        key: 'nova-compute@a/2026-11-21T00:00:05.000Z',
        summary: 'nova-compute on a is down: last report 2026-11-20T23:59:00.000000',
      },
    ])
  })

  it('raises an alert for a service that is down when it is first seen', () => {
    expect(statuses(poll().see([service('a', 'down'), ...others]))).toEqual(['firing a'])
  })

  it('repeats the alert every half minute with the same key, since one may have been lost', () => {
    const { see } = poll()
    const alerts = Array.from({ length: 13 }, () => see([service('a', 'down'), ...others]).alerts).flat()
    expect(alerts.map(({ observedAt }) => observedAt.slice(14, 19))).toEqual(['00:00', '00:30', '01:00'])
    expect(new Set(alerts.map(({ key }) => key)).size).toBe(1)
  })

  it('says once that a service is up again, and gives its next fall a new key', () => {
    const { see, state } = poll()
    const down = see([service('a', 'down'), ...others]).alerts[0]
    expect(see([service('a', 'up'), ...others]).alerts).toMatchObject([{ status: 'resolved', key: down?.key }])
    expect(state()).toEqual({})
    expect(see([service('a', 'up'), ...others]).alerts).toEqual([])
    expect(see([service('a', 'down'), ...others]).alerts[0]?.key).not.toBe(down?.key)
  })

  it.each([
    ['disabled', { status: 'disabled' as const }, 'disabled: an operator is at work'],
    ['forced down', { forcedDown: true }, 'forced down: an evacuation or an operator is at work'],
  ])('leaves a service alone that is %s, and says so', (_what, change, reason) => {
    const seen = poll().see([service('a', 'down', change), ...others])
    expect(seen).toMatchObject({ alerts: [], state: {}, skipped: [{ subject: 'nova-compute@a', reason }] })
  })

  it('keeps the key of a service that was disabled while it was down', () => {
    const { see } = poll()
    const key = see([service('a', 'down'), ...others]).alerts[0]?.key
    expect(see([service('a', 'down', { status: 'disabled' }), ...others]).alerts).toEqual([])
    expect(see([service('a', 'up', { status: 'disabled' }), ...others]).alerts).toMatchObject([
      { status: 'resolved', key },
    ])
  })

  it('raises no alert when all services of a binary look down at once', () => {
    const { see } = poll()
    see([service('a', 'up'), service('b', 'up'), service('c', 'up')])
    const all = ['a', 'b', 'c'].map((host) => service(host, 'down'))
    expect(see(all)).toMatchObject({
      alerts: [],
      suppressed: [
        {
          subject: 'nova-compute',
          reason:
            'all 3 nova-compute look down at once: more likely RabbitMQ, the database or a clock than 3 dead hosts',
        },
      ],
    })
  })

  it('gives a service that is still down when the others are back a minute to follow them', () => {
    const { see } = poll()
    see(['a', 'b', 'c'].map((host) => service(host, 'up')))
    see(['a', 'b', 'c'].map((host) => service(host, 'down')))
    const lateOne = [service('a', 'up'), service('b', 'down'), service('c', 'up')]
    const reason = 'it went down with all others, and has 60 s from then to come back as they did'
    for (let at = 0; at < 11; at++)
      expect(see(lateOne)).toMatchObject({
        ...{ alerts: [], suppressed: [], skipped: [{ subject: 'nova-compute@b', reason }] },
      })
    expect(see(lateOne).alerts).toMatchObject([
      { status: 'firing', startsAt: '2026-11-21T00:00:05.000Z', entity: { host: 'b' } },
    ])
    expect(see(lateOne)).toMatchObject({ alerts: [], skipped: [] })
    expect(see(['a', 'b', 'c'].map((host) => service(host, 'up'))).alerts).toMatchObject([{ status: 'resolved' }])
  })

  it('says nothing of a service that followed the others within that minute', () => {
    const { see, state } = poll()
    see(['a', 'b'].map((host) => service(host, 'down')))
    see([service('a', 'up'), service('b', 'down')])
    expect(see(['a', 'b'].map((host) => service(host, 'up'))).alerts).toEqual([])
    expect(state()).toEqual({})
  })

  it('looks at all enabled services for that, not at those of one policy', () => {
    const { see } = poll([policyOf('only-a', { hosts: ['a', 'b'] })])
    expect(statuses(see([service('a', 'down'), service('b', 'down'), service('c', 'up')]))).toEqual([
      'firing a',
      'firing b',
    ])
    const maintained = service('c', 'up', { status: 'disabled' })
    expect(poll().see([service('a', 'down'), service('b', 'down'), maintained]).suppressed).toHaveLength(1)
  })

  it('raises an alert for the only service there is', () => {
    expect(statuses(poll().see([service('a', 'down')]))).toEqual(['firing a'])
  })

  it('is looked at for the hosts and binaries that policies name, and for each of them', () => {
    const by = [policyOf('all'), policyOf('only-b', { hosts: ['b'] }), policyOf('cert', { binary: 'nova-conductor' })]
    const services = [
      service('a', 'down'),
      service('b', 'down'),
      ...others,
      service('c', 'down', { binary: 'nova-scheduler' }),
    ]
    expect(
      poll(by)
        .see(services)
        .alerts.map(({ policy, entity }) => [policy, entity.host]),
    ).toEqual([
      ['all', 'a'],
      ['all', 'b'],
      ['only-b', 'b'],
    ])
  })

  it('is no news when it comes empty', () => {
    const { see, state } = poll()
    const key = see([service('a', 'down'), ...others]).alerts[0]?.key
    expect(see([])).toMatchObject({ alerts: [] })
    expect(state()).toHaveProperty(['nova-compute@a'])
    expect(see([service('a', 'up'), ...others]).alerts).toMatchObject([{ status: 'resolved', key }])
  })

  it('may hold a stale second record of a service that is up', () => {
    const stale = service('a', 'down', { id: 'stale' })
    expect(poll().see([stale, service('a', 'up'), ...others]).alerts).toEqual([])
    expect(poll().see([service('a', 'up'), stale, ...others]).alerts).toEqual([])
  })
})

describe('any series of service lists', () => {
  const lists = fc.array(
    fc.record({
      services: fc.array(
        fc.record({
          up: fc.boolean(),
          disabled: fc.constantFrom(false, false, true),
          forced: fc.constantFrom(false, false, true),
        }),
        { minLength: 3, maxLength: 3 },
      ),
      afterMs: fc.integer({ min: 1000, max: 20_000 }),
    }),
    { maxLength: 40 },
  )

  it('never fires twice within half a minute for one fall, never for a service left alone, nor when all are down', () => {
    fc.assert(
      fc.property(lists, (series) => {
        let state: BinaryState = {}
        let nowMs = t0
        const lastFired = new Map<string, number>()
        const open = new Set<string>()
        for (const { services, afterMs } of series) {
          nowMs += afterMs
          const list = services.map(({ up, disabled, forced }, i) =>
            service(`h${i}`, up ? 'up' : 'down', { status: disabled ? 'disabled' : 'enabled', forcedDown: forced }),
          )
          const seen = compareServices(state, list, policies, nowMs)
          state = seen.state
          const enabled = list.filter((one) => one.status === 'enabled' && !one.forcedDown)
          for (const { key, status, entity } of seen.alerts) {
            const one = list.find(({ host }) => host === entity.host)
            if (status === 'firing') {
              expect(one).toMatchObject({ state: 'down', status: 'enabled', forcedDown: false })
              expect(enabled.length < 2 || enabled.some((other) => other.state === 'up')).toBe(true)
              expect(nowMs - (lastFired.get(key) ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(30 * second)
              lastFired.set(key, nowMs)
              open.add(key)
            } else {
              expect(one?.state).toBe('up')
              expect(open.delete(key)).toBe(true)
            }
          }
          for (const one of list) if (one.state === 'up') expect(state).not.toHaveProperty([`nova-compute@${one.host}`])
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('gives the same answer in whatever order the list comes', () => {
    const list = [
      service('a', 'down'),
      service('b', 'up'),
      service('c', 'down', { forcedDown: true }),
      service('d', 'down'),
    ]
    fc.assert(
      fc.property(fc.shuffledSubarray(list, { minLength: 4 }), (shuffled) => {
        expect(compareServices({}, shuffled, policies, t0)).toEqual(compareServices({}, list, policies, t0))
      }),
    )
  })
})

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { LogInput } from '../../../api/ingest/log-lines.ts'
import { createLogWindows } from '../../../api/ingest/log-windows.ts'
import { Policy, type TailablePolicy } from '../../../core/policy.ts'

const policyOf = (name: string, when: object = {}) =>
  Policy.parse({
    name,
    kind: 'tailable',
    when: { component: 'nova-compute', count: 3, windowSeconds: 30, ...when },
    runbook: 'collect-evidence',
  }) as TailablePolicy
const t0 = Date.parse('2026-11-21T00:01:12.291Z')
const second = 1000
const written = (ms: number) => new Date(ms).toISOString().slice(0, 23).replace('T', ' ')
const error = (host: string, ms: number, more: object = {}): LogInput => ({
  host,
  component: 'nova-compute',
  line: `${written(ms)} 1 ERROR nova.x [-] it failed`,
  ...more,
})
const errors = (host: string, ms: number, count: number) => Array.from({ length: count }, () => error(host, ms))
const alive = (host: string): LogInput => ({ host, component: 'nova-compute', heartbeat: true })
const fixture = (name: string): LogInput[] =>
  readFileSync(new URL(`../fixtures/logs/${name}`, import.meta.url), 'utf8')
    .split('\n')
    .map((line) => ({ host: 'cmp-1', component: 'nova-compute', line }))

describe('log windows', () => {
  it('fire per host, for the policies of the component', () => {
    const windows = createLogWindows([
      policyOf('few'),
      policyOf('many', { count: 50 }),
      policyOf('other', { component: 'neutron' }),
    ])
    const alerts = windows.ingest([...errors('a', t0, 4), ...errors('b', t0, 3)], t0, 'shipper')
    expect(alerts).toMatchObject([{ policy: 'few', entity: { host: 'a' }, status: 'firing', source: 'shipper' }])
    expect(windows.ingest(errors('b', t0 + second, 1), t0 + second)).toMatchObject([{ entity: { host: 'b' } }])
  })

  it('count a traceback once, and carry it whole in the alert', () => {
    const nowMs = t0 + second
    const start = fixture('nova-compute-start.txt').slice(0, 12)
    const windows = createLogWindows([policyOf('p', { count: 1 })])
    expect(windows.ingest(start, nowMs)).toEqual([])
    const [alert] = windows.ingest(start, nowMs)
    expect(alert).toMatchObject({ status: 'firing', figures: { errors: 2 } })
    expect(alert?.lines).toHaveLength(2)
    for (const line of alert?.lines ?? []) {
      expect(line).toMatchObject({ level: 'ERROR', component: 'nova-compute', at: '2026-11-21T00:01:12.291Z' })
      expect(line.text).toContain("\nModuleNotFoundError: No module named 'nova.virt.fake_driver'")
      expect(line.requestIds).toEqual(['req-dc12aa6d-c18c-4688-9ec8-234e8cd102a1'])
    }
  })

  it('join a traceback that two batches share', () => {
    const lines = fixture('nova-compute-start.txt').slice(0, 12)
    const windows = createLogWindows([policyOf('p', { count: 1 })])
    windows.ingest(lines.slice(0, 5), t0)
    windows.ingest(lines.slice(5), t0 + second)
    const [alert] = windows.ingest(lines.slice(0, 1), t0 + second)
    expect(alert?.lines?.[0]?.text).toContain("\nModuleNotFoundError: No module named 'nova.virt.fake_driver'")
    expect(alert?.figures?.errors).toBe(2)
  })

  it('fire once for the loss of the message bus, and follow it until the log is quiet', () => {
    const windows = createLogWindows([policyOf('p', { count: 10, windowSeconds: 10 })])
    const lost = Date.parse('2026-11-21T00:26:22Z')
    expect(windows.ingest(fixture('nova-compute-rabbitmq-outage.txt'), lost)).toMatchObject([
      { status: 'firing', startsAt: '2026-11-21T00:26:12.274Z' },
    ])
    const statuses: string[] = []
    for (let s = 10; s <= 180; s += 10) {
      statuses.push(...windows.ingest([alive('cmp-1')], lost + s * second).map(({ status }) => status))
      statuses.push(...windows.tick(lost + s * second).map(({ status }) => status))
    }
    expect(statuses).toEqual(['quiet', 'quiet', 'quiet', 'quiet'])
  })

  it('go by the time the shipper gives where it gives one', () => {
    const windows = createLogWindows([policyOf('p')])
    const spread = [0, 20, 40, 60].map((s) => error('a', t0, { at: new Date(t0 + s * second).toISOString() }))
    expect(windows.ingest(spread, t0 + 60 * second)).toEqual([])
  })

  it('read times with the offset they were written with', () => {
    const windows = createLogWindows([policyOf('p')], { utcOffsetMinutes: 120 })
    const spread = [0, 20, 40, 60].map((s) => error('a', t0 + 7_200_000 + s * second))
    expect(windows.ingest(spread, t0 + 60 * second)).toEqual([])
  })

  it('keep nothing for hosts without errors, and for components nobody looks after', () => {
    const windows = createLogWindows([policyOf('p')])
    const line = `${written(t0)} 1 INFO nova.x [-] fine`
    windows.ingest(
      [alive('a'), { host: 'b', component: 'nova-compute', line }, { ...error('c', t0), component: 'x' }],
      t0,
    )
    expect(windows.size).toBe(0)
  })

  it('drop a window once nothing in it can matter any more', () => {
    const windows = createLogWindows([policyOf('p')])
    windows.ingest(errors('a', t0, 2), t0)
    windows.tick(t0 + 600 * second)
    expect(windows.size).toBe(1)
    windows.tick(t0 + 601 * second)
    expect(windows.size).toBe(0)
  })

  it('stay within their number whatever hosts a source makes up, and keep what is firing', () => {
    const windows = createLogWindows([policyOf('p')], { maxKeys: 10 })
    windows.ingest(errors('real', t0, 4), t0)
    for (let i = 0; i < 1000; i++) windows.ingest(errors(`made-up-${i}`, t0, 2), t0 + i)
    expect(windows.size).toBe(10)
    expect(windows.evicted).toBe(991)
    windows.ingest(errors('real', t0 + 21 * second, 1), t0 + 21 * second)
    expect(windows.ingest([alive('real')], t0 + 82 * second)).toMatchObject([
      { status: 'quiet', entity: { host: 'real' } },
    ])
  })

  it('stay small in a burst of 200,000 lines', () => {
    const windows = createLogWindows([policyOf('p', { count: 100 })], { maxKeys: 50 })
    let firings = 0
    for (let batch = 0; batch < 20; batch++) {
      const nowMs = t0 + batch * 100
      const lines = Array.from({ length: 10_000 }, (_, i) => error(`cmp-${i % 60}`, nowMs))
      firings += windows.ingest(lines, nowMs).length
      expect(windows.size).toBeLessThanOrEqual(50)
    }
    expect(firings).toBeGreaterThan(0)
  }, 30_000)
})

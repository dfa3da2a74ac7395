import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AlertmanagerWebhook, toAlerts } from '../../../api/ingest/alertmanager.ts'
import { Policy } from '../../../core/policy.ts'

const gauge = (name: string, labels: Record<string, string>, hostLabel = 'host') =>
  Policy.parse({ name, kind: 'gauge', when: { labels, hostLabel }, runbook: 'relieve-host' })
const policies = [
  gauge('host-cpu-high', { alertname: 'HostCpuHigh' }),
  Policy.parse({ name: 'dead', kind: 'binary', when: {}, runbook: 'restart-service' }),
]
const nowMs = Date.parse('2026-11-21T01:00:00Z')

const firing = {
  status: 'firing',
  labels: { alertname: 'HostCpuHigh', host: 'cmp-1', severity: 'warning' },
  annotations: { summary: 'CPU of cmp-1 above 90 %' },
  startsAt: '2026-11-21T02:00:00.123456789+02:00',
  endsAt: '0001-01-01T00:00:00Z',
  generatorURL: 'http://prometheus/graph',
  fingerprint: 'c5d3a1b2e4f60718',
}
const take = (alerts: unknown[], by = policies) => toAlerts({ alerts }, by, 'am', nowMs)
const reasonFor = (change: object) => take([{ ...firing, ...change }]).ignored.map(({ reason }) => reason)
const labelled = (host: unknown) => ({ labels: { ...firing.labels, host } })

describe('a delivery of Alertmanager', () => {
  it('becomes an alert of the policy whose labels it carries', () => {
    expect(take([firing])).toEqual({
      alerts: [
        {
          policy: 'host-cpu-high',
          entity: { host: 'cmp-1' },
          status: 'firing',
          startsAt: '2026-11-21T00:00:00.123Z',
          observedAt: '2026-11-21T01:00:00.000Z',
          source: 'am',
          key: 'c5d3a1b2e4f60718@2026-11-21T00:00:00.123Z',
          summary: 'CPU of cmp-1 above 90 %',
        },
      ],
      ignored: [],
    })
  })

  it('has the same key when it resolves, and whichever peer delivers it', () => {
    const { alerts } = take([
      firing,
      { ...firing, status: 'resolved', endsAt: '2026-11-21T00:30:00Z' },
      { ...firing, startsAt: '2026-11-21T00:00:00.123Z' },
    ])
    expect(alerts.map(({ status, key }) => [status, key])).toEqual([
      ['firing', 'c5d3a1b2e4f60718@2026-11-21T00:00:00.123Z'],
      ['resolved', 'c5d3a1b2e4f60718@2026-11-21T00:00:00.123Z'],
    ])
  })

  it('holds nothing when its group is empty', () => {
    expect(take([])).toEqual({ alerts: [], ignored: [] })
  })

  it('may carry fields nobody has heard of, and be of any version', () => {
    const body = {
      version: '5',
      receiver: 'steward',
      routeLabels: { a: 1 },
      notification_reason: 'none',
      alerts: [{ ...firing, x: [] }],
    }
    expect(toAlerts(AlertmanagerWebhook.parse(body), policies, 'am', nowMs).alerts).toHaveLength(1)
  })

  it.each([
    ['cmp-1:9100', 'cmp-1'],
    [' cmp-1 ', 'cmp-1'],
    ['cmp-1.example.org.', 'cmp-1.example.org'],
    ['cmp-1.example.org.:9100', 'cmp-1.example.org'],
    ['CMP-1', 'CMP-1'],
    ['192.0.2.7:9100', '192.0.2.7'],
  ])('is about the host of its label: %j is %s', (label, host) => {
    expect(take([{ ...firing, ...labelled(label) }]).alerts[0]?.entity).toEqual({ host })
  })

  it.each([
    '$(reboot)',
    'cmp-1;reboot',
    'cmp-1\nreboot',
    'cmp-1\u0000',
    '../etc',
    '-rf',
    '',
    '[2001:db8::1]:9100',
    '2001:db8::1',
    'cmp-1:9100:9100',
    'cmр-1',
    'cmp-1\u202E',
    'a'.repeat(256),
  ])('is ignored when its label is no host name: %j', (label) => {
    expect(reasonFor(labelled(label))).toEqual(['policy host-cpu-high: label host is not a host name'])
  })

  it.each([
    [
      'no policy wants its labels',
      { labels: { alertname: 'DiskFull', host: 'cmp-1' } },
      'no gauge policy has these labels',
    ],
    ['it has no host label', { labels: { alertname: 'HostCpuHigh' } }, 'policy host-cpu-high: no label host'],
    ['it begins in the year 9999', { startsAt: '9999-01-01T00:00:00Z' }, 'startsAt lies more than an hour ahead'],
    [
      'it begins more than an hour ahead',
      { startsAt: '2026-11-21T02:00:00.001Z' },
      'startsAt lies more than an hour ahead',
    ],
    ['it began before time', { startsAt: '0001-01-01T00:00:00Z' }, 'startsAt is no date an alert can have begun at'],
    ['its start is no date', { startsAt: 'yesterday' }, 'startsAt: Invalid ISO datetime'],
    ['its start has no zone', { startsAt: '2026-11-21T00:00:00' }, 'startsAt: Invalid ISO datetime'],
    ['its start is the 30th of February', { startsAt: '2026-02-30T00:00:00Z' }, 'startsAt: Invalid ISO datetime'],
    ['its status is another', { status: 'pending' }, expect.stringMatching(/^status: /)],
    ['a label is a number', { labels: { ...firing.labels, host: 7 } }, expect.stringMatching(/^labels.host: /)],
    ['it has no fingerprint', { fingerprint: undefined }, expect.stringMatching(/^fingerprint: /)],
  ])('is ignored, with the reason, when %s', (_why, change, reason) => {
    expect(reasonFor(change)).toEqual([reason])
  })

  it('loses nothing else by one alert that cannot be read', () => {
    const { alerts, ignored } = take([null, 7, { fingerprint: 'bad\u001b[31m' }, firing])
    expect(alerts).toHaveLength(1)
    expect(ignored.map(({ fingerprint }) => fingerprint)).toEqual(['none', 'none', 'bad??31m'])
  })

  it('goes to every policy that wants it; one that asks for no label at all is no policy', () => {
    const by = [...policies, gauge('all-warnings', { severity: 'warning' })]
    expect(() => gauge('everything', {})).toThrow(/at least one label/)
    expect(take([firing], by).alerts.map(({ policy }) => policy)).toEqual(['host-cpu-high', 'all-warnings'])
  })

  it('finds no label in what objects have by themselves', () => {
    const by = [gauge('proto', { alertname: 'HostCpuHigh' }, 'constructor'), gauge('value', { toString: 'x' })]
    expect(take([firing], by)).toEqual({
      alerts: [],
      ignored: [{ fingerprint: firing.fingerprint, reason: 'policy proto: no label constructor' }],
    })
    const poisoned = JSON.parse(JSON.stringify(firing).replace('"host":"cmp-1"', '"__proto__":{"host":"cmp-1"}'))
    expect(take([poisoned]).alerts).toEqual([])
  })

  it('shows no control characters, and no more than a sentence, of what the monitor wrote', () => {
    const summary = `\u001b[31mred\u202E\nnext ${'x'.repeat(5000)}`
    const [alert] = take([{ ...firing, annotations: { summary } }]).alerts
    expect(alert?.summary).toMatch(/^\[31mred next x+$/)
    expect(alert?.summary).toHaveLength(300)
  })

  it('says what the alert is called when nobody described it', () => {
    expect(take([{ ...firing, annotations: {} }]).alerts[0]?.summary).toBe('HostCpuHigh')
    expect(take([{ ...firing, status: 'resolved' }]).alerts[0]?.summary).toBe(
      'resolved on cmp-1: CPU of cmp-1 above 90 %',
    )
  })

  it('of 20,000 alerts is taken whole; what is beyond is said to be', () => {
    const storm = Array.from({ length: 20_002 }, (_, i) => ({
      ...firing,
      fingerprint: `f${i}`,
      ...labelled(`cmp-${i}`),
    }))
    const { alerts, ignored } = take(storm)
    expect(alerts).toHaveLength(20_000)
    expect(ignored).toEqual([{ fingerprint: 'none', reason: '2 alerts beyond the 20000 of a delivery were not read' }])
  })

  it('is never thrown out, whatever it holds, and every alert is accounted for', () => {
    const odd = fc.oneof(
      fc.jsonValue(),
      fc.record({ labels: fc.dictionary(fc.string(), fc.string()), startsAt: fc.date().map(String) }),
    )
    const changed = fc.dictionary(
      fc.constantFrom('status', 'labels', 'startsAt', 'fingerprint', 'annotations'),
      fc.jsonValue(),
    )
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            odd,
            changed.map((change) => ({ ...firing, ...change })),
          ),
        ),
        (alerts) => {
          const result = take(alerts)
          expect(result.alerts.length + result.ignored.length).toBeLessThanOrEqual(alerts.length)
          expect(result.alerts.length > 0 || result.ignored.length === alerts.length).toBe(true)
        },
      ),
    )
  })
})

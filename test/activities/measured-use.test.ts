import { describe, expect, it, onTestFinished } from 'vitest'
import { createUseReader } from '../../activities/measured-use.ts'
import { createPrometheus } from '../../activities/prometheus.ts'
import { codeOf } from '../../core/errors.ts'
import { PrometheusConfig } from '../../core/prometheus.ts'
import { type FakePrometheus, fakePrometheus, type PrometheusAnswer, queryFailed, vector } from '../fakes/prometheus.ts'
import { rejection } from '../openstack/server.ts'

const token = 'CANARY-prometheus-token'
const cpu = 'libvirt_domain_info_cpu_time_seconds_total[5m]'
const day = 'quantile_over_time(0.95, '
const age = 'timestamp('

async function measuring(settings: object = {}) {
  const prometheus = await fakePrometheus()
  onTestFinished(() => prometheus.close())
  const config = PrometheusConfig.parse({ url: prometheus.url, ...settings })
  const read = createUseReader(createPrometheus({ url: prometheus.url, token, timeoutMs: 2_000 }), config)
  return { prometheus, read }
}

const of = (id: string, value: string, more: object = {}) => ({
  metric: { instance: 'compute1:9177', domain: `instance-${id}`, instance_id: id, ...more },
  value,
})

/** Two servers, measured half a minute ago. */
function twoServers(prometheus: FakePrometheus) {
  prometheus.answer(cpu, [of('s-1', '35.5'), of('s-2', '104.2')])
  prometheus.answer(age, [of('s-1', '30.2'), of('s-2', '31')])
}

describe('what servers really use', () => {
  it('is read from Prometheus, by the id of the server', async () => {
    const { prometheus, read } = await measuring()
    twoServers(prometheus)
    prometheus.answer('memory_stats', [of('s-1', '900.25'), of('s-2', '-3')])
    prometheus.answer('interface_stats', [of('s-1', '12.5')])
    prometheus.answer('block_stats', [of('s-2', '140')])
    const { usage, notCounted } = await read()
    expect(Object.fromEntries(usage)).toEqual({
      's-1': { cpuPercentOfOwn: 35.5, memoryUsedMiB: 900.25, networkMbps: 12.5 },
      's-2': { cpuPercentOfOwn: 100, diskIops: 140 },
    })
    expect(notCounted.size).toBe(0)
    expect(new Set(prometheus.asked.map(({ path }) => path))).toEqual(new Set(['/api/v1/query']))
    expect(prometheus.asked).toHaveLength(6)
    expect(prometheus.asked.every(({ headers }) => headers.authorization === `Bearer ${token}`)).toBe(true)
  })

  it('is found by whatever label the exporter has; of two figures, as while a server moves, the larger counts', async () => {
    const { prometheus, read } = await measuring()
    const onTheWay = { instance: 'compute2:9177' }
    prometheus.answer(cpu, [
      { metric: { domain: 'instance-1', uuid: 's-1' }, value: '20' },
      of('s-2', '40'),
      of('s-2', '60', onTheWay),
      { metric: { domain: 'instance-9' }, value: '99' },
    ])
    prometheus.answer(age, [of('s-1', '1'), of('s-2', '1')])
    expect(Object.fromEntries((await read()).usage)).toEqual({
      's-1': { cpuPercentOfOwn: 20 },
      's-2': { cpuPercentOfOwn: 60 },
    })
  })

  it('does not count when it was measured too long ago, or at a moment nobody knows, or is no number', async () => {
    const { prometheus, read } = await measuring({ maxAgeSeconds: 60 })
    prometheus.answer(cpu, [of('s-1', '35'), of('s-2', '35'), of('s-3', 'NaN'), of('s-4', '35')])
    prometheus.answer(age, [of('s-1', '61'), of('s-3', '1'), of('s-4', '60')])
    const { usage, notCounted } = await read()
    expect([...usage.keys()]).toEqual(['s-4'])
    expect(Object.fromEntries(notCounted)).toEqual({
      's-1': 'its use was measured 61 s ago, more than 60 s',
      's-2': 'nobody knows when its use was measured',
    })
  })

  it('is known over a day too, also of a server that has just arrived somewhere', async () => {
    const { prometheus, read } = await measuring()
    twoServers(prometheus)
    prometheus.answer(day, [of('s-1', '80.5'), of('s-3', '101')])
    const { usage, ofDay } = await read()
    expect([...usage.keys()]).toEqual(['s-1', 's-2'])
    expect(Object.fromEntries(ofDay ?? [])).toEqual({ 's-1': 80.5, 's-3': 100 })
    const moved = await measuring({ queries: { cpuPercentOfOwnOfDay: 'steward:cpu_of_day' } })
    moved.prometheus.answer('steward:cpu_of_day', [{ metric: { uuid: 's-4' }, value: '7' }])
    expect(Object.fromEntries((await moved.read()).ofDay ?? [])).toEqual({ 's-4': 7 })
  })

  it('is asked in the words of the operator, and only for what is wanted', async () => {
    const queries = { cpuPercentOfOwn: 'our_cpu', ageSeconds: 'our_age', memoryUsedMiB: false, networkMbps: false }
    const { prometheus, read } = await measuring({
      queries: { ...queries, diskIops: false, cpuPercentOfOwnOfDay: false },
    })
    prometheus.answer('our_cpu', [of('s-1', '5')])
    prometheus.answer('our_age', [of('s-1', '5')])
    const use = await read()
    expect(use.usage.get('s-1')).toEqual({ cpuPercentOfOwn: 5 })
    expect(use.ofDay).toBeUndefined()
    expect(prometheus.asked.map(({ query }) => query).sort()).toEqual(['our_age', 'our_cpu'])
  })

  it.each<[string, PrometheusAnswer, string, RegExp]>([
    [
      'it cannot read the query',
      queryFailed(400, 'bad_data', 'parse error: x'),
      'METRICS_REFUSED',
      /400: bad_data: parse/,
    ],
    ['nobody is let in', { status: 401, body: 'Unauthorized' }, 'METRICS_REFUSED', /answered 401$/],
    [
      'it is busy',
      queryFailed(503, 'timeout', 'query timed out'),
      'METRICS_UNREACHABLE',
      /503: timeout: query timed out/,
    ],
    ['it is something else', { status: 200, body: '<html>' }, 'METRICS_REFUSED', /answered 200$/],
    ['it sends us elsewhere', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }, 'METRICS_REFUSED', /302$/],
    ['it echoes our token', queryFailed(400, 'bad_data', `no ${token}`), 'METRICS_REFUSED', /answered 400$/],
    [
      'a part of it did not answer',
      vector([of('s-1', '5')], { warnings: ['store compute-3 did not answer'] }),
      'SNAPSHOT_INCOMPLETE',
      /Prometheus warns: store compute-3/,
    ],
    ['it says too much', { status: 200, body: 'x'.repeat(40 << 20) }, 'METRICS_UNREACHABLE', /does not answer/],
  ])('is not made up when %s', async (_what, answer, code, says) => {
    const { prometheus, read } = await measuring()
    twoServers(prometheus)
    prometheus.answer(cpu, answer)
    const error = await rejection(read())
    expect([codeOf(error), error.message]).toEqual([code, expect.stringMatching(says)])
    expect(error.message).not.toContain(token)
  })

  it('is not made up when it is away', async () => {
    const { prometheus, read } = await measuring()
    await prometheus.close()
    expect(codeOf(await rejection(read()))).toBe('METRICS_UNREACHABLE')
  })
})

describe('one number', () => {
  const number = async (answer: PrometheusAnswer) => {
    const prometheus = await fakePrometheus()
    onTestFinished(() => prometheus.close())
    prometheus.answer('carbon', answer)
    return createPrometheus({ url: prometheus.url, timeoutMs: 2_000 }).number('carbon')
  }
  const scalar = (value: string) => ({
    status: 200,
    body: { status: 'success', data: { resultType: 'scalar', result: [1, value] } },
  })

  it('is read whether the query gives a scalar or one sample', async () => {
    expect(await number(scalar('0.25'))).toBe(0.25)
    expect(await number([{ metric: { zone: 'DE' }, value: '0.75' }])).toBe(0.75)
  })

  it.each([
    ['nothing', []],
    ['two of them', [of('a', '1'), of('b', '2')]],
    ['no number', scalar('NaN')],
  ])('is refused when there is %s, never guessed', async (_what, answer) => {
    expect(codeOf(await rejection(number(answer)))).toBe('METRICS_REFUSED')
  })
})

import { describe, expect, it } from 'vitest'
import { failure } from '../../core/errors.ts'
import type { Receipt } from '../../temporal/incidents.ts'
import { at, bearer, expectProblem, from, latch, type World, world } from './app.ts'

const send = (w: World, payload: object | string, headers: object = {}) =>
  w.ask({
    method: 'POST',
    url: '/v1/signals/alertmanager',
    headers: { ...from(bearer.alertmanager), 'content-type': 'application/json', ...headers },
    payload,
  })

const alert = (host: unknown = 'cmp-1', changes: object = {}) => ({
  status: 'firing',
  labels: { alertname: 'HostCpuHigh', host },
  annotations: { summary: `CPU of ${host} above 90 %` },
  startsAt: at(-60),
  endsAt: '0001-01-01T00:00:00Z',
  fingerprint: `f-${host}`,
  ...changes,
})
const nothing = { opened: 0, joined: 0, known: 0, ignored: [] }

describe('a webhook of Alertmanager', () => {
  it('opens an incident for each host, and counts what became of the alerts', async () => {
    const receipts: Record<string, Receipt> = { 'cmp-1': 'opened', 'cmp-2': 'joined', 'cmp-3': 'duplicate' }
    const w = await world({ report: async ({ entity }) => receipts[entity.host] ?? 'nothing open' })
    const answer = await send(w, { version: '4', alerts: ['cmp-1', 'cmp-2', 'cmp-3', 'cmp-4'].map((h) => alert(h)) })
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual({ opened: 1, joined: 1, known: 2, ignored: [] })
    expect(w.reported).toHaveLength(4)
    expect(w.reported[0]).toMatchObject({
      policy: 'host-cpu-high',
      entity: { host: 'cmp-1' },
      source: 'am',
      key: `f-cmp-1@${at(-60)}`,
    })
  })

  it('with the same alert many times reports it once', async () => {
    const w = await world()
    const answer = await send(w, { alerts: Array.from({ length: 100 }, () => alert()) })
    expect(answer.json()).toEqual({ ...nothing, opened: 1 })
    expect(w.reported).toHaveLength(1)
  })

  it('without alerts is taken', async () => {
    const w = await world()
    expect((await send(w, { alerts: [] })).json()).toEqual(nothing)
    expect(w.reported).toEqual([])
  })

  it('with a recovery of what never fired does nothing', async () => {
    const w = await world({ report: async () => 'nothing open' })
    expect((await send(w, { alerts: [alert('cmp-1', { status: 'resolved' })] })).json()).toEqual({
      ...nothing,
      known: 1,
    })
  })

  it.each([
    ['no host', { labels: { alertname: 'HostCpuHigh' } }, 'policy host-cpu-high: no label host'],
    ['a command for a host', alert('$(reboot)'), 'policy host-cpu-high: label host is not a host name'],
    ['a path for a host', alert('../../etc'), 'policy host-cpu-high: label host is not a host name'],
    ['a line feed in its host', alert('cmp-1\ncmp-2'), 'policy host-cpu-high: label host is not a host name'],
    ['labels no policy wants', { labels: { alertname: 'DiskFull' } }, 'no gauge policy has these labels'],
    ['a start in two hours', { startsAt: at(7200) }, 'startsAt lies more than an hour ahead'],
    ['no start', { startsAt: undefined }, expect.stringMatching(/^startsAt: /)],
  ])('names an alert with %s, and takes the others', async (_what, odd, reason) => {
    const w = await world()
    const answer = await send(w, { alerts: [{ ...alert('odd'), ...odd, fingerprint: 'odd' }, alert('cmp-1')] })
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual({ ...nothing, opened: 1, ignored: [{ fingerprint: 'odd', reason }] })
    expect(w.reported.map(({ entity }) => entity.host)).toEqual(['cmp-1'])
  })

  it('may hold fields of a later version', async () => {
    const w = await world()
    const answer = await send(w, { version: '5', news: true, alerts: [alert('cmp-1', { news: true })] })
    expect(answer.json().opened).toBe(1)
  })

  it('of ten thousand alerts is taken whole', async () => {
    const w = await world()
    const description = 'x'.repeat(800)
    const alerts = Array.from({ length: 10_000 }, (_, n) => alert(`cmp-${n}`, { annotations: { description } }))
    const payload = JSON.stringify({ version: '4', alerts })
    expect(payload.length).toBeGreaterThan(9 << 20)
    const answer = await send(w, payload)
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual({ ...nothing, opened: 10_000 })
    expect(new Set(w.reported.map(({ entity }) => entity.host)).size).toBe(10_000)
  })

  it.each([
    ['half a JSON', '{"alerts": [', 'INPUT_INVALID'],
    ['no list of alerts', { alerts: { 0: alert() } }, 'INPUT_INVALID'],
    ['no alerts', { version: '4' }, 'INPUT_INVALID'],
    ['a __proto__', '{"alerts": [{"labels": {"__proto__": {"x": "1"}}}]}', 'INPUT_INVALID'],
    ['33 MB', `{"alerts": [], "x": "${'x'.repeat(33 << 20)}"}`, 'BODY_TOO_LARGE'],
  ] as const)('with %s is refused', async (_what, payload, code) => {
    const w = await world()
    expectProblem(await send(w, payload), code)
    expect(w.reported).toEqual([])
  })

  it.each([
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['plain text', { 'content-type': 'text/plain' }],
    ['log lines', { 'content-type': 'application/x-ndjson' }],
    ['compressed', { 'content-encoding': 'gzip' }],
  ])('that comes as %s is refused', async (_what, headers) => {
    const w = await world()
    expectProblem(await send(w, JSON.stringify({ alerts: [alert()] }), headers), 'MEDIA_TYPE_UNSUPPORTED')
    expect(w.reported).toEqual([])
  })
})

describe('a webhook that cannot be taken now', () => {
  it('is a 503 soon, without waiting for the engine once per alert, and may be sent again', async () => {
    const engine: { down: boolean } = { down: true }
    const w = await world({
      async report({ entity }) {
        if (entity.host === 'cmp-2') return engine.down ? 'opened' : 'joined'
        if (engine.down) throw failure('ENGINE_UNREACHABLE', 'Temporal does not answer')
        return 'opened'
      },
    })
    const hosts = Array.from({ length: 200 }, (_, n) => `cmp-${n}`)
    const batch = { alerts: hosts.map((host) => alert(host)) }
    const answer = await send(w, batch)
    expectProblem(answer, 'ENGINE_UNREACHABLE')
    expect(answer.headers['retry-after']).toBe('5')
    expect(w.reported.length).toBeLessThan(hosts.length / 4)
    engine.down = false
    expect((await send(w, batch)).json()).toEqual({ ...nothing, opened: 199, joined: 1 })
    expect(new Set(w.reported.map(({ entity }) => entity.host)).size).toBe(hosts.length)
  })

  it('because too many are being taken in is a 503, never a 4xx, and the first batch ends well', async () => {
    const gate = latch()
    const started = latch()
    const w = await world({
      async report() {
        started.open()
        await gate.opened
        return 'opened'
      },
    })
    const storm = (name: string) => ({ alerts: Array.from({ length: 11_000 }, (_, n) => alert(`${name}-${n}`)) })
    const first = send(w, storm('a'))
    await started.opened
    const second = await send(w, storm('b'))
    expectProblem(second, 'OVERLOADED')
    expect(second.headers['retry-after']).toBe('5')
    gate.open()
    expect((await first).json().opened).toBe(11_000)
    expect((await send(w, storm('b'))).json().opened).toBe(11_000)
  })
})

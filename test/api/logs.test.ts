import { describe, expect, it } from 'vitest'
import { failure } from '../../core/errors.ts'
import { bearer, expectProblem, from, nowMs, type World, world } from './app.ts'

const send = (w: World, payload: string | Buffer, headers: object = {}) =>
  w.ask({
    method: 'POST',
    url: '/v1/signals/logs',
    headers: { ...from(bearer.logs), 'content-type': 'application/x-ndjson', ...headers },
    payload,
  })

const stamp = (second: number) => new Date(nowMs + second * 1000).toISOString().replace('T', ' ').replace('Z', '')
const error = (host: string, second: number) =>
  JSON.stringify({
    host,
    component: 'nova-compute',
    line: `${stamp(second)} 7 ERROR nova.compute.manager [-] it broke`,
  })
/** As many errors as cross the threshold of the policy, which is more than two in 30 s. */
const burst = (host: string) => [-3, -2, -1].map((second) => error(host, second)).join('\n')

describe('log lines', () => {
  it('that cross a threshold open an incident', async () => {
    const w = await world()
    expect((await send(w, burst('cmp-1'))).json()).toEqual({ taken: 3, rejected: [] })
    expect(w.reported).toMatchObject([
      { policy: 'compute-errors', entity: { host: 'cmp-1' }, status: 'firing', source: 'shipper' },
    ])
  })

  it('that are bad are named by number, and lose no others', async () => {
    const w = await world()
    const batch = [
      error('cmp-1', -3),
      '{"host": "cmp-1"',
      '["cmp-1"]',
      '',
      error('cmp-1', -2),
      '{"host": "$(reboot)", "component": "nova-compute", "line": "x"}',
      '{"host": "cmp-1", "component": "nova-compute", "line": "x", "level": "ERROR"}',
      error('cmp-1', -1),
    ].join('\n')
    const answer = await send(w, batch)
    expect(answer.json()).toEqual({
      taken: 3,
      rejected: [
        { line: 2, reason: 'not JSON' },
        { line: 3, reason: 'not a JSON object' },
        { line: 6, reason: 'host: not a host name' },
        { line: 7, reason: expect.stringContaining('"level"') },
      ],
    })
    expect(w.reported).toHaveLength(1)
  })

  it('that are all bad are named a hundred at most', async () => {
    const w = await world()
    const answer = await send(w, 'x\n'.repeat(5000))
    expect(answer.json().taken).toBe(0)
    expect(answer.json().rejected).toHaveLength(100)
  })

  it('may be a heartbeat, which raises nothing', async () => {
    const w = await world()
    const beat = '{"host": "cmp-1", "component": "nova-compute", "heartbeat": true}'
    expect((await send(w, beat)).json()).toEqual({ taken: 1, rejected: [] })
    expect(w.reported).toEqual([])
  })

  it.each([
    ['JSON', { 'content-type': 'application/json' }, 'MEDIA_TYPE_UNSUPPORTED'],
    ['plain text', { 'content-type': 'text/plain' }, 'MEDIA_TYPE_UNSUPPORTED'],
    ['of no type', { 'content-type': '' }, 'MEDIA_TYPE_UNSUPPORTED'],
    ['gzip, which is never inflated', { 'content-encoding': 'gzip' }, 'MEDIA_TYPE_UNSUPPORTED'],
    ['deflate in capitals', { 'content-encoding': 'DEFLATE' }, 'MEDIA_TYPE_UNSUPPORTED'],
  ] as const)('that come as %s are refused', async (_what, headers, code) => {
    const w = await world()
    expectProblem(await send(w, burst('cmp-1'), headers), code)
    expect(w.reported).toEqual([])
  })

  it('of more than 8 MiB are refused', async () => {
    const w = await world()
    expectProblem(await send(w, ' '.repeat((8 << 20) + 1)), 'BODY_TOO_LARGE')
  })

  it('of another source than a log shipper are refused', async () => {
    const w = await world()
    expectProblem(await send(w, burst('cmp-1'), from(bearer.alertmanager)), 'SOURCE_REFUSED')
    expect(w.reported).toEqual([])
  })
})

describe('an alert of the logs that Temporal does not take', () => {
  it('is a 503, waits, and goes with the next second', async () => {
    const engine: { down: boolean } = { down: true }
    const w = await world({
      async report() {
        if (engine.down) throw failure('ENGINE_UNREACHABLE', 'Temporal does not answer')
        return 'opened'
      },
    })
    expectProblem(await send(w, burst('cmp-1')), 'ENGINE_UNREACHABLE')
    await expect(w.tick()).rejects.toMatchObject({ type: 'ENGINE_UNREACHABLE' })
    engine.down = false
    w.reported.length = 0
    await w.tick()
    expect(w.reported).toMatchObject([{ status: 'firing', entity: { host: 'cmp-1' } }])
    w.reported.length = 0
    await w.tick()
    expect(w.reported).toEqual([])
  })

  it('does not make the lines of other hosts count twice when they are sent again', async () => {
    const engine: { down: boolean } = { down: true }
    const w = await world({
      async report() {
        if (engine.down) throw failure('ENGINE_UNREACHABLE', 'Temporal does not answer')
        return 'opened'
      },
    })
    expectProblem(await send(w, burst('cmp-1')), 'ENGINE_UNREACHABLE')
    // a shipper sends until it is told 200; one error is less than the policy is about
    for (let again = 0; again < 5; again++) expectProblem(await send(w, error('cmp-2', -1)), 'ENGINE_UNREACHABLE')
    engine.down = false
    expect((await send(w, error('cmp-2', -1))).json().taken).toBe(1)
    expect(new Set(w.reported.map(({ entity }) => entity.host))).toEqual(new Set(['cmp-1']))
  })
})

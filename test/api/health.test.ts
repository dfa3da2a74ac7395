import { afterEach, describe, expect, it, vi } from 'vitest'
import { failure } from '../../core/errors.ts'
import { latch, world } from './app.ts'

const up = { name: 'temporal', check: async () => ({}) }
const down = { name: 'keystone', check: () => Promise.reject(failure('KEYSTONE_UNREACHABLE', 'Keystone answered 502')) }

afterEach(() => {
  vi.useRealTimers()
})

describe('readiness', () => {
  it('is said when everything Steward needs is there', async () => {
    const w = await world({ dependencies: [up, { ...up, name: 'keystone' }] })
    const answer = await w.ask({ url: '/readyz' })
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual({
      ready: true,
      dependencies: [
        { name: 'temporal', ok: true },
        { name: 'keystone', ok: true },
      ],
    })
  })

  it('is denied naming what is missing', async () => {
    const w = await world({ dependencies: [up, down] })
    const answer = await w.ask({ url: '/readyz' })
    expect(answer.statusCode).toBe(503)
    expect(answer.json()).toEqual({
      ready: false,
      dependencies: [
        { name: 'temporal', ok: true },
        { name: 'keystone', ok: false, detail: 'Keystone answered 502' },
      ],
    })
  })

  it('is denied for what breaks at once, too', async () => {
    const check = () => {
      throw new Error('not connected')
    }
    const w = await world({ dependencies: [{ name: 'temporal', check }] })
    expect((await w.ask({ url: '/readyz' })).json().dependencies).toEqual([
      { name: 'temporal', ok: false, detail: 'not connected' },
    ])
  })

  it('is answered in time when something hangs', async () => {
    const asked = latch()
    const check = () => {
      asked.open()
      return new Promise(() => undefined)
    }
    const w = await world({ dependencies: [up, { name: 'keystone', check }] })
    await w.app.ready()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const answer = w.ask({ url: '/readyz' })
    await asked.opened
    await vi.advanceTimersByTimeAsync(4000)
    expect((await answer).statusCode).toBe(503)
    expect((await answer).json().dependencies[1]).toEqual({ name: 'keystone', ok: false, detail: 'no answer in 4 s' })
  })
})

it('liveness asks nobody', async () => {
  const w = await world({ dependencies: [down] })
  const answer = await w.ask({ url: '/healthz' })
  expect(answer.statusCode).toBe(200)
  expect(answer.json()).toEqual({ alive: true })
})

describe('metrics', () => {
  const id = 'b6f3c7a2-9d7e-4c0e-8f51-0d6f2c3b4a59'

  it('count requests by route, never by path', async () => {
    const w = await world()
    for (const url of [`/v1/actions/${id}`, '/v1/actions/7', `/nowhere/${id}`, '/healthz?x=1']) await w.ask({ url })
    const answer = await w.ask({ url: '/metrics' })
    expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
    const counted = answer.body.split('\n').filter((line) => line.startsWith('steward_http_request_seconds_count'))
    expect(counted).toEqual([
      'steward_http_request_seconds_count{method="GET",route="/v1/actions/:id",status="401"} 2',
      'steward_http_request_seconds_count{method="GET",route="unknown",status="404"} 1',
      'steward_http_request_seconds_count{method="GET",route="/healthz",status="200"} 1',
    ])
    expect(answer.body).not.toContain(id)
  })

  it('show the alerts that are being taken in', async () => {
    const w = await world()
    expect((await w.ask({ url: '/metrics' })).body).toContain('\nsteward_intake_alerts_in_flight 0\n')
  })
})

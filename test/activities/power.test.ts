import { beforeEach, describe, expect, it } from 'vitest'
import type { Brake } from '../../activities/brake.ts'
import { codeOf, detailsOf, failure } from '../../core/errors.ts'
import { rejection } from '../openstack/server.ts'
import { atRedfish, powered } from './power-rig.ts'
import { stopTheClock } from './rig.ts'

beforeEach(stopTheClock)

const startedAt = '2026-11-20T10:00:00.000Z'
const resetPath = /Actions/

describe('a host that is ordered off', () => {
  it('gets one order, and counts as off when it was read so twice, far enough apart', async () => {
    const { off, resets, power } = await atRedfish({ settleMs: 5_000 })
    const outcome = await off()
    expect(outcome).toMatchObject({ outcome: 'turned off', orderedAt: startedAt })
    const [first, second] = outcome.readings
    expect([first.state, second.state]).toEqual(['off', 'off'])
    expect([first.at, second.at]).toEqual(['2026-11-20T10:00:06.000Z', '2026-11-20T10:00:16.000Z'])
    expect([resets, power()]).toEqual([['ForceOff'], 'Off'])
  })

  it('and is off already is left alone, and that is seen twice as well', async () => {
    const { off, resets } = await atRedfish({ power: 'Off' })
    const outcome = await off()
    expect(outcome).toMatchObject({
      outcome: 'was off',
      askedAt: startedAt,
      readings: [{ at: startedAt }, { state: 'off' }],
    })
    expect(outcome).not.toHaveProperty('orderedAt')
    expect(resets).toEqual([])
  })

  it('and seems off already is ordered off when the second look shows it on', async () => {
    const { off, resets, bmc } = await atRedfish({ power: 'Off' }, { meanwhile: (wait) => wait === 1 && turnOn() })
    const turnOn = () => Object.assign(bmc, { power: 'On' })
    expect(await off()).toMatchObject({ outcome: 'turned off' })
    expect(resets).toEqual(['ForceOff'])
  })

  it('is not touched while the stop button is pressed, and is then told why', async () => {
    const brake: Brake = () => Promise.reject(failure('STOPPED', 'olga pressed the stop button'))
    const { off, resets } = await atRedfish({}, { brake })
    expect(codeOf(await rejection(off()))).toBe('STOPPED')
    expect(resets).toEqual([])
  })

  it('asks the brake right before the order, after all that has to be read for it', async () => {
    const order: string[] = []
    const brake: Brake = async () => void order.push(`brake after ${received.length} requests`)
    const { off, received } = await atRedfish({}, { brake })
    await off()
    expect(order).toEqual(['brake after 4 requests'])
  })

  it('gets no second order when the answer to the first was lost, because a look tells', async () => {
    const { off, resets, fail } = await atRedfish()
    fail({ method: 'POST' }, 'reset after effect')
    expect(await off()).toMatchObject({ outcome: 'turned off' })
    expect(resets).toEqual(['ForceOff'])
  })

  it('whose order was lost on the way is said to be unchanged, with what was lost', async () => {
    const { off, resets, fail } = await atRedfish()
    fail({ method: 'POST' }, 'reset')
    const error = await rejection(off('hard', 30))
    expect(codeOf(error)).toBe('POWER_UNCHANGED')
    expect(error.message).toMatch(
      /^compute1 was not seen off at all within 30 s; read last: PowerState: On; the answer of the BMC of compute1 at http:\/\/127.0.0.1:\d+ was lost: ECONNRESET$/,
    )
    expect(resets).toEqual([])
  })

  it('and stays on is said to be unchanged after its time', async () => {
    const { off, resets } = await atRedfish({ isStuck: true })
    const error = await rejection(off('hard', 30))
    expect(codeOf(error)).toBe('POWER_UNCHANGED')
    expect(error.message).toBe('compute1 was not seen off at all within 30 s; read last: PowerState: On')
    expect(detailsOf(error)).toMatchObject({ host: 'compute1', wanted: 'off', orderedAt: startedAt })
    expect(error).toMatchObject({ nonRetryable: true })
    expect(resets).toEqual(['ForceOff'])
  })

  it('and is off and on by turns never counts as off', async () => {
    let looks = 0
    const { off, resets } = await atRedfish({ tell: () => (looks++ % 2 === 0 ? 'On' : 'Off') })
    const error = await rejection(off('hard', 120))
    expect([codeOf(error), resets]).toEqual(['POWER_UNCHANGED', ['ForceOff']])
  })

  it('and whose BMC begins to talk nonsense is not taken for off', async () => {
    const { off, resets } = await atRedfish({ tell: () => (resets.length === 0 ? 'On' : null) })
    const error = await rejection(off('hard', 30))
    expect(codeOf(error)).toBe('POWER_UNKNOWN')
    expect(error.message).toMatch(/^compute1 was ordered off, and what it is now cannot be told: the BMC of compute1/)
  })

  it('and whose BMC is away for a while after the order is looked at until it is back', async () => {
    const away = (wait: number) => wait === 1 && fail({ method: 'GET', times: 3 }, 'reset')
    const { off, fail, resets, received } = await atRedfish({ settleMs: 5_000 }, { meanwhile: away })
    expect(await off()).toMatchObject({ outcome: 'turned off' })
    expect(received.filter(({ method }) => method === 'POST')).toHaveLength(1)
    expect(resets).toEqual(['ForceOff'])
  })

  it('is looked at first, so that nothing is ordered where nobody answers', async () => {
    const { off, fail, received } = await atRedfish()
    fail({}, 'reset')
    const error = await rejection(off())
    expect(codeOf(error)).toBe('POWER_UNREACHABLE')
    expect(error).toMatchObject({ nonRetryable: false })
    expect(received).toHaveLength(1)
  })

  it('gracefully is asked to shut down, and never turned off hard', async () => {
    const { off, resets } = await atRedfish({ settleMs: 40_000 })
    expect(await off('graceful')).toMatchObject({ outcome: 'turned off' })
    expect(resets).toEqual(['GracefulShutdown'])
  })

  it('gracefully while it shuts down already is left to it, but not when it shall be off at once', async () => {
    const graceful = await atRedfish({ power: 'PoweringOff' }, { meanwhile: () => ended() })
    const ended = () => Object.assign(graceful.bmc, { power: 'Off' })
    expect(await graceful.off('graceful')).toMatchObject({ outcome: 'was off' })
    expect(graceful.resets).toEqual([])
    const hard = await atRedfish({ power: 'PoweringOff' })
    expect(await hard.off('hard')).toMatchObject({ outcome: 'turned off' })
    expect(hard.resets).toEqual(['ForceOff'])
  })
})

describe('a host that is ordered on', () => {
  it('is turned on', async () => {
    const { on, resets, power } = await atRedfish({ power: 'Off', settleMs: 5_000 })
    expect(await on()).toMatchObject({ outcome: 'turned on', orderedAt: startedAt })
    expect([resets, power()]).toEqual([['On'], 'On'])
  })

  it('and is on already is left alone', async () => {
    const { on, resets } = await atRedfish()
    expect(await on()).toMatchObject({ outcome: 'was on' })
    expect(resets).toEqual([])
  })

  it('is not on as long as its BMC says off', async () => {
    const { on, power } = await atRedfish({ power: 'Off', tell: () => 'Off' })
    expect(codeOf(await rejection(on(30)))).toBe('POWER_UNCHANGED')
    expect(power()).toBe('On')
  })
})

describe('a BMC that asks for patience', () => {
  it('is given it, before the order and for the order', async () => {
    const { off, fail, received, resets } = await atRedfish()
    const busy = { status: 503, headers: { 'retry-after': '20' } }
    fail({ method: 'GET' }, busy)
    fail({ method: 'POST' }, busy)
    const outcome = await off('hard', 120)
    expect(outcome).toMatchObject({ outcome: 'turned off', orderedAt: '2026-11-20T10:00:40.000Z' })
    expect(received.filter(({ method }) => method === 'POST')).toHaveLength(2)
    expect(resets).toEqual(['ForceOff'])
  })

  it('for no time at all is not pestered', async () => {
    const { off, fail, received } = await atRedfish()
    fail({ times: 1000 }, { status: 503, headers: { 'retry-after': '0' } })
    expect(codeOf(await rejection(off('hard', 20)))).toBe('POWER_UNREACHABLE')
    expect(received).toHaveLength(11)
  })

  it('for longer than there is time is told as it is, and may be asked again later', async () => {
    const { off, fail } = await atRedfish()
    fail({ path: resetPath }, { status: 503, headers: { 'retry-after': '900' } })
    const error = await rejection(off())
    expect([codeOf(error), detailsOf(error).retryAfterSeconds]).toEqual(['POWER_UNREACHABLE', 900])
  })
})

describe('the next attempt', () => {
  it('after a worker was lost goes on looking, and does not give the order again', async () => {
    const { off, resets, bmc } = await atRedfish({}, { meanwhile: (wait) => wait === 2 && turnOff() })
    const turnOff = () => Object.assign(bmc, { power: 'Off' })
    const heartbeatDetails = { orderedAt: '2026-11-20T09:59:00.000Z' }
    const outcome = await off('graceful', 60, { attempt: 2, heartbeatDetails })
    expect(outcome).toMatchObject({ outcome: 'turned off', ...heartbeatDetails })
    expect(resets).toEqual([])
  })

  it('learns from the heartbeat whether the order may have been taken', async () => {
    const taken = await atRedfish()
    await taken.off()
    expect(taken.heartbeats.at(-1)).toEqual({ orderedAt: startedAt })
    const refused = await atRedfish()
    refused.fail({ method: 'POST' }, { status: 403 })
    await rejection(refused.off())
    expect(refused.heartbeats.at(-1)).toEqual({})
  })
})

describe('a host without a way to its power', () => {
  it.each(['compute9', 'constructor'])('is refused by name: %s', async (host) => {
    const { look, received } = await atRedfish()
    const error = await rejection(look(host))
    expect([codeOf(error), detailsOf(error)]).toEqual(['POWER_NOT_CONFIGURED', { host }])
    expect(received).toEqual([])
  })

  it('is refused where steward.yaml has no power at all', async () => {
    const { look, off, on } = powered({})
    for (const error of [await rejection(look()), await rejection(off()), await rejection(on())])
      expect([codeOf(error), error.message]).toEqual([
        'POWER_NOT_CONFIGURED',
        'steward.yaml has no way to the power of compute1',
      ])
  })
})

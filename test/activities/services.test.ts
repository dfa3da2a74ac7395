import { beforeEach, describe, expect, it } from 'vitest'
import { createPause } from '../../activities/pause.ts'
import { createServiceActivities } from '../../activities/services.ts'
import { codeOf, detailsOf } from '../../core/errors.ts'
import type { FakeCloud } from '../../simulator/cloud.ts'
import { rejection } from '../openstack/server.ts'
import { createRig, passing, setUp, stopTheClock } from './rig.ts'

const target = { host: 'compute1', binary: 'nova-compute' }

beforeEach(stopTheClock)

describe('a look at a service', () => {
  it('shows it as Nova does, and how many of its kind are up and down', async () => {
    const { cloud, sessions, run } = await setUp()
    const { lookAtService } = createServiceActivities({ sessions, pause: passing() })
    cloud.kill('compute2')
    await run(passingSeconds(8))
    expect(await run(() => lookAtService(target))).toMatchObject({
      ...target,
      state: 'up',
      status: 'enabled',
      forcedDown: false,
      updatedAt: expect.stringMatching(/^2026-11-20T10:00:/),
      company: { up: 2, down: 1 },
    })
    const dead = await run(() => lookAtService({ host: 'compute2', binary: 'nova-compute' }))
    expect(dead).toMatchObject({ state: 'down', updatedAt: '2026-11-20T09:59:59.000000' })
  })

  it('leaves disabled and forced-down services out of the company', async () => {
    const { cloud, sessions, run } = await setUp()
    const { lookAtService } = createServiceActivities({ sessions, pause: passing() })
    cloud.service('nova-compute', 'compute2').status = 'disabled'
    cloud.service('nova-compute', 'compute3').forcedDown = true
    expect((await run(() => lookAtService(target))).company).toEqual({ up: 1, down: 0 })
  })

  it('of a host that Nova does not list says so', async () => {
    const { sessions, run } = await setUp()
    const { lookAtService } = createServiceActivities({ sessions, pause: passing() })
    const error = await rejection(run(() => lookAtService({ ...target, host: 'compute9' })))
    expect(codeOf(error)).toBe('HOST_UNKNOWN')
    expect(detailsOf(error)).toEqual({ host: 'compute9', binary: 'nova-compute' })
  })

  it('needs a delegation', async () => {
    const { cloud } = await setUp()
    const { sessions, run } = createRig(cloud)
    const { lookAtService } = createServiceActivities({ sessions, pause: passing() })
    expect(codeOf(await rejection(run(() => lookAtService(target))))).toBe('DELEGATION_MISSING')
    expect(cloud.received).toEqual([])
  })

  it('carries the id of the run to Nova', async () => {
    const { cloud, sessions, run, requestId } = await setUp()
    const { lookAtService } = createServiceActivities({ sessions, pause: passing() })
    await run(() => lookAtService(target))
    const [asked] = cloud.received.filter(({ service }) => service === 'compute')
    expect(asked?.headers['x-openstack-request-id']).toBe(requestId)
  })
})

describe('the wait for a service to come up', () => {
  const wanted = { ...target, stableSeconds: 10, withinSeconds: 60, reportedAfter: null as string | null }

  /** Waits while something happens to the cloud at some of the looks. */
  async function waiting(happens: Record<number, (cloud: FakeCloud) => void>, options: Partial<typeof wanted> = {}) {
    const made = await setUp()
    const pause = passing((look) => happens[look]?.(made.cloud))
    const { awaitServiceUp } = createServiceActivities({ sessions: made.sessions, pause })
    return { ...made, wait: () => made.run(() => awaitServiceUp({ ...wanted, ...options })) }
  }

  it('ends when it has been up for long enough', async () => {
    const { wait, heartbeats } = await waiting({})
    expect(await wait()).toEqual({ outcome: 'stable', upAfterMs: 0 })
    expect(heartbeats).toHaveLength(10)
  })

  it('says after how long it came up', async () => {
    const { cloud, wait, run } = await waiting({ 4: (c) => c.revive('compute1') })
    cloud.kill('compute1')
    await run(passingSeconds(10))
    expect(await wait()).toEqual({ outcome: 'stable', upAfterMs: 9_000 })
  })

  it('ends as soon as it is down again', async () => {
    const { wait, heartbeats } = await waiting({ 3: (cloud) => cloud.kill('compute1') })
    // killed after 3 s, and 6 s later Nova says so
    expect(await wait()).toEqual({ outcome: 'down again', upAfterMs: 0 })
    expect(heartbeats.length).toBeLessThan(11)
  })

  it('does not take the last report of the dead process for a new one', async () => {
    const { cloud, wait } = await waiting({}, { stableSeconds: 1, withinSeconds: 5, reportedAfter: null })
    cloud.kill('compute1')
    // Nova has not noticed yet and says up
    expect((await wait()).outcome).toBe('stable')

    const old = '2026-11-20T09:59:59.000000'
    const strict = await waiting({}, { stableSeconds: 1, withinSeconds: 5, reportedAfter: old })
    strict.cloud.kill('compute1')
    strict.cloud.service('nova-compute', 'compute1').lastReportMs = Date.parse(`${old}Z`)
    expect(codeOf(await rejection(strict.wait()))).toBe('SERVICE_STILL_DOWN')
  })

  it('counts from the new report on when the service had been down', async () => {
    const { cloud, run, sessions } = await setUp()
    const reportedAfter = '2026-11-20T09:59:59.000000'
    cloud.kill('compute1')
    await run(passingSeconds(1))
    cloud.revive('compute1')
    const { awaitServiceUp } = createServiceActivities({ sessions, pause: passing() })
    expect(await run(() => awaitServiceUp({ ...wanted, reportedAfter }))).toEqual({
      outcome: 'stable',
      upAfterMs: 5_000,
    })
  })

  it('gives up when it is not up and stable in time', async () => {
    const { cloud, run, wait } = await waiting({})
    cloud.kill('compute1')
    await run(passingSeconds(10))
    const error = await rejection(wait())
    expect(codeOf(error)).toBe('SERVICE_STILL_DOWN')
    expect(error.message).toBe('nova-compute on compute1 was not up and stable within 60 s')
    expect(detailsOf(error)).toEqual({ ...target, state: 'down' })
  })

  it('has its whole time in each attempt: before it the engine may have been away for long', async () => {
    const { cloud, run, sessions, heartbeats } = await setUp()
    cloud.kill('compute1')
    await run(passingSeconds(10))
    heartbeats.length = 0
    const { awaitServiceUp } = createServiceActivities({ sessions, pause: passing() })
    const info = { attempt: 2, scheduledTimestampMs: Date.now() - 600_000 }
    expect(codeOf(await rejection(run(() => awaitServiceUp(wanted), info)))).toBe('SERVICE_STILL_DOWN')
    expect(heartbeats).toHaveLength(61)
  })

  it('is left to another worker at once when this one leaves', async () => {
    const { sessions, run } = await setUp()
    const leaving = new AbortController()
    const { awaitServiceUp } = createServiceActivities({
      sessions,
      pause: createPause(leaving.signal),
      pollMs: 600_000,
    })
    const ended = rejection(run(() => awaitServiceUp(wanted)))
    setTimeout(() => leaving.abort(), 50)
    const error = await ended
    expect(error).toMatchObject({ message: 'the worker leaves; another one goes on', nonRetryable: false })
  })

  it('ends as cancelled when it is cancelled', async () => {
    const { sessions, begin } = await setUp()
    const pause = createPause(new AbortController().signal)
    const { awaitServiceUp } = createServiceActivities({ sessions, pause, pollMs: 600_000 })
    const { ended, cancel } = begin(() => awaitServiceUp(wanted))
    setTimeout(cancel, 50)
    expect((await rejection(ended)).name).toMatch(/Abort|Cancel/)
  })
})

/** An activity that does nothing but let time pass. */
const passingSeconds = (seconds: number) => () => passing()(seconds * 1000)

import { describe, expect, it } from 'vitest'
import { isForgettable } from '../../policies/tailable.ts'
import { policyOf, record, second, t0, watch } from './watched-log.ts'

describe('a log window', () => {
  it('fires when more than the count fall into the window, and not before', () => {
    const log = watch()
    for (let i = 0; i < 3; i++) expect(log.errors(t0 + i * 10 * second)).toBeUndefined()
    expect(log.errors(t0 + 30 * second)).toEqual({
      policy: 'compute-errors',
      entity: { host: 'cmp-1', binary: 'nova-compute' },
      status: 'firing',
      startsAt: '2026-11-21T00:00:30.000Z',
      observedAt: '2026-11-21T00:00:30.000Z',
      source: 'shipper',
      key: 'compute-errors/cmp-1/2026-11-21T00:00:30.000Z',
      summary: '4 CRITICAL or ERROR records of nova-compute on cmp-1: more than 3 within 30 s',
      figures: { errors: 4, windowSeconds: 30, lastErrorAtMs: t0 + 30 * second },
      lines: [0, 10, 20, 30].map((s) => ({
        at: new Date(t0 + s * second).toISOString(),
        level: 'ERROR',
        component: 'nova-compute',
        text: 'it failed',
        requestIds: [],
      })),
    })
  })

  it('does not fire for errors that come slower than that, however many', () => {
    const log = watch()
    for (let i = 0; i < 500; i++) log.errors(t0 + i * 10.001 * second)
    expect(log.emitted).toEqual([])
  })

  it('counts only the levels of the policy', () => {
    const log = watch()
    expect(log.errors(t0, 100, { level: 'WARNING' })).toBeUndefined()
    expect(log.errors(t0, 4, { level: 'CRITICAL' })).toMatchObject({ status: 'firing' })
  })

  it('counts by the time written in the log, in whatever order records come', () => {
    const slow = watch()
    slow.records(t0 + 200 * second, [0, 50, 100, 150, 200].map((s) => record(t0 + s * second)).reverse())
    expect(slow.emitted).toEqual([])
    const late = watch()
    late.errors(t0 + 100 * second)
    expect(
      late.records(
        t0 + 101 * second,
        [50, 51, 52, 53].map((s) => record(t0 + s * second)),
      ),
    ).toMatchObject({
      status: 'firing',
      startsAt: '2026-11-21T00:00:53.000Z',
    })
  })

  it.each([
    ['an hour behind', t0 - 3_600_000],
    ['an hour ahead', t0 + 3_600_000],
    ['not a number', Number.NaN],
    ['infinite', Number.POSITIVE_INFINITY],
  ])('takes the arrival for the time when the clock of the host is %s', (_what, atMs) => {
    const log = watch()
    expect(
      log.records(
        t0,
        [1, 2, 3, 4].map(() => record(atMs)),
      ),
    ).toMatchObject({
      status: 'firing',
      startsAt: '2026-11-21T00:00:00.000Z',
      lines: [{ at: '2026-11-21T00:00:00.000Z' }, {}, {}, {}],
    })
  })

  it('says at most every third of the quiet time that errors go on, with the last error and few lines', () => {
    const log = watch()
    log.errors(t0, 4)
    for (let s = 1; s <= 60; s++) log.errors(t0 + s * second)
    expect(log.emitted.map(({ observedAt }) => observedAt.slice(17, 19))).toEqual(['00', '20', '40', '00'])
    expect(new Set(log.emitted.map(({ key }) => key)).size).toBe(1)
    expect(log.emitted[1]).toMatchObject({
      status: 'firing',
      figures: { errors: 24, lastErrorAtMs: t0 + 20 * second },
      summary: '20 more CRITICAL or ERROR records of nova-compute on cmp-1, 24 in all',
    })
    expect(log.emitted[1]?.lines).toHaveLength(5)
  })

  it('tells of an error that came just after the last report, without another one', () => {
    const log = watch()
    log.errors(t0, 4)
    log.errors(t0 + second)
    expect(log.tick(t0 + 19 * second)).toBeUndefined()
    expect(log.tick(t0 + 20 * second)).toMatchObject({ status: 'firing', figures: { lastErrorAtMs: t0 + second } })
    expect(log.tick(t0 + 40 * second)).toBeUndefined()
  })

  it('says that the log is quiet once the source was heard without an error for the quiet time', () => {
    const log = watch()
    log.errors(t0, 4)
    for (let s = 5; s < 60; s += 5) expect(log.alive(t0 + s * second)).toBeUndefined()
    expect(log.alive(t0 + 60 * second)).toMatchObject({
      status: 'quiet',
      key: 'compute-errors/cmp-1/2026-11-21T00:00:00.000Z',
      summary: 'no CRITICAL or ERROR record of nova-compute on cmp-1 for 60 s',
    })
  })

  it('does not take silence for quiet', () => {
    const log = watch()
    log.errors(t0, 4)
    log.alive(t0 + 59 * second)
    for (let s = 60; s < 600; s++) expect(log.tick(t0 + s * second)).toBeUndefined()
    expect(log.alive(t0 + 600 * second)).toMatchObject({ status: 'quiet' })
  })

  it('is idle after it said quiet for the quiet time, and fires anew with a new key', () => {
    const log = watch()
    log.errors(t0, 4)
    for (let s = 5; s <= 200; s += 5) log.alive(t0 + s * second)
    expect(log.emitted.map(({ status, observedAt }) => [status, observedAt.slice(14, 19)])).toEqual([
      ['firing', '00:00'],
      ['quiet', '01:00'],
      ['quiet', '01:20'],
      ['quiet', '01:40'],
      ['quiet', '02:00'],
    ])
    expect(log.window()).toMatchObject({ times: [], evidence: [] })
    expect(log.errors(t0 + 201 * second, 3)).toBeUndefined()
    expect(log.errors(t0 + 202 * second)).toMatchObject({
      status: 'firing',
      key: 'compute-errors/cmp-1/2026-11-21T00:03:22.000Z',
    })
  })

  it('takes a single error while it is quiet for the same episode, and a new crossing for a new one', () => {
    const single = watch()
    single.errors(t0, 4)
    single.alive(t0 + 60 * second)
    single.errors(t0 + 70 * second)
    expect(single.tick(t0 + 80 * second)).toMatchObject({ status: 'firing', startsAt: '2026-11-21T00:00:00.000Z' })

    const storm = watch()
    storm.errors(t0, 4)
    storm.alive(t0 + 60 * second)
    expect(storm.errors(t0 + 70 * second, 4)).toMatchObject({
      status: 'firing',
      startsAt: '2026-11-21T00:01:10.000Z',
      figures: { errors: 4 },
    })
  })

  it('forgets an episode whose source fell silent for so long that people were asked', () => {
    const log = watch(policyOf({}, { silentAfterSeconds: 600 }))
    log.errors(t0, 4)
    expect(isForgettable(log.window(), policyOf(), t0 + 600 * second)).toBe(false)
    expect(isForgettable(log.window(), policyOf(), t0 + 601 * second)).toBe(true)
    expect(log.errors(t0 + 700 * second, 4)).toMatchObject({ status: 'firing', startsAt: '2026-11-21T00:11:40.000Z' })
  })

  it('never begins two episodes with one key, even when late records say the same time', () => {
    const log = watch(policyOf({}, { quietSeconds: 1, silentAfterSeconds: 5 }))
    log.errors(t0, 4)
    const again = log.records(
      t0 + 10 * second,
      [1, 2, 3, 4].map(() => record(t0)),
    )
    expect(again).toMatchObject({ status: 'firing', startsAt: '2026-11-21T00:00:00.001Z' })
  })

  it('keeps the newest 50 records, each cut to 2 KiB', () => {
    const log = watch()
    const many = Array.from({ length: 500 }, (_, i) => record(t0 + i, { text: `${i} ${'x'.repeat(10_000)}` }))
    const alert = log.records(t0 + second, many)
    expect(alert?.lines?.map(({ text }) => text.slice(0, 3))).toEqual(
      Array.from({ length: 50 }, (_, i) => `${450 + i}`),
    )
    expect(alert?.lines?.every(({ text }) => text.length === 2048)).toBe(true)
    expect(alert?.figures?.errors).toBe(500)
  })
})

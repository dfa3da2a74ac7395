import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { Recurrence } from '../../../core/recurrence.ts'
import { jitterMs } from '../../../policies/recurrence/jitter.ts'
import { nextOccurrence, occurrences } from '../../../policies/recurrence/occurrences.ts'
import { planNext } from '../../../policies/recurrence/plan.ts'
import { recurrence } from './bench.ts'

// a hundred years of clocks take a while on a busy machine
vi.setConfig({ testTimeout: 60_000 })

const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/Havana', 'Asia/Kolkata', 'UTC']
/** Mostly around the nights in which clocks change, the ends of years, and leap days. */
const moments = fc
  .record({
    day: fc.constantFrom(
      ...['2026-03-28', '2026-10-24', '2026-03-07', '2026-10-31', '2026-10-03', '2026-04-04', '2026-12-30'],
      ...['2028-02-28', '2027-02-28', '2026-07-01'],
    ),
    minutes: fc.integer({ min: 0, max: 3 * 24 * 60 }),
  })
  .map(({ day, minutes }) => Date.parse(day) + minutes * 60_000)
const field = (max: number, ...steps: string[]) =>
  fc.oneof(fc.constantFrom('*', ...steps), fc.integer({ min: 0, max }).map(String))
const crons = fc
  .tuple(field(59, '*/15'), fc.oneof(field(4), field(23, '*/2')), fc.constantFrom('*', '*', '29', '31'))
  .map(([minute, hour, day]) => ({ cron: `${minute} ${hour} ${day} * *` }))
const intervals = fc.constantFrom('PT1H', 'PT90M', 'P1D', 'PT7H30M').map((interval) => ({ interval }))
const calendars = fc
  .record({
    times: fc.subarray(['00:00', '00:30', '01:30', '02:15', '02:30', '23:59'], { minLength: 1 }),
    weekdays: fc.subarray(['mon', 'sat', 'sun'], { minLength: 1 }),
  })
  .map((calendar) => ({ calendar }))
const written = fc
  .record({
    when: fc.oneof(crons, intervals, calendars),
    timeZone: fc.constantFrom(...zones),
    dst: fc.constantFrom('skip', 'once', 'twice'),
    jitterSeconds: fc.constantFrom(0, 0, 600, 3600),
    except: fc.subarray(['2026-10-25', '12-31', '2026-03-29/2026-03-31']),
  })
  .map(({ when, ...rest }): Recurrence => recurrence({ ...when, ...rest }))

const atOf = ({ at }: { at: string }) => Date.parse(at)
const wants = (value: string, of: string, step: number) =>
  of === '*' || of === value || (of.startsWith('*/') && step % Number(of.slice(2)) === 0)

describe('occurrences, whatever is written and whenever one looks,', () => {
  it('ascend, lie after the moment asked for, and do not overtake each other by their jitter', () => {
    fc.assert(
      fc.property(written, moments, (r, afterMs) => {
        let last = afterMs
        let lastStart = afterMs
        for (const { at, startsAt } of occurrences(r, { afterMs, count: 30, id: 'x' })) {
          expect(Date.parse(at)).toBeGreaterThan(last)
          expect(Date.parse(at)).toBeGreaterThanOrEqual(lastStart)
          expect(Date.parse(startsAt) - Date.parse(at)).toBeLessThanOrEqual(r.jitterSeconds * 1000)
          expect(startsAt >= at).toBe(true)
          last = Date.parse(at)
          lastStart = Date.parse(startsAt)
        }
      }),
    )
  })

  it('are the same one by one as together, so that none is lost or doubled between two looks', () => {
    fc.assert(
      fc.property(written, moments, (r, afterMs) => {
        const together = occurrences(r, { afterMs, count: 12, id: 'x' })
        let from = afterMs
        for (const expected of together) {
          const next = nextOccurrence(r, { afterMs: from, id: 'x' })
          expect(next).toEqual(expected)
          from = atOf(expected)
        }
      }),
    )
  })

  it('are the same from any moment in between', () => {
    fc.assert(
      fc.property(written, moments, fc.nat(5 * 86_400_000), (r, afterMs, laterMs) => {
        const all = occurrences(r, { afterMs, count: 60 }).map(atOf)
        const rest = occurrences(r, { afterMs: afterMs + laterMs, count: 10 }).map(atOf)
        const expected = all.filter((at) => at > afterMs + laterMs).slice(0, 10)
        expect(rest.slice(0, expected.length)).toEqual(expected)
      }),
    )
  })

  it('match their cron on local clocks unless they say that they were moved', () => {
    fc.assert(
      fc.property(crons, fc.constantFrom(...zones), moments, (cron, timeZone, afterMs) => {
        const [minute = '', hour = '', day = ''] = cron.cron.split(' ')
        for (const { local, note } of occurrences(recurrence({ ...cron, timeZone }), { afterMs, count: 20 })) {
          const [, dd = '', hh = '', mm = ''] = /-(\d\d) (\d\d):(\d\d)/.exec(local) ?? []
          const fits =
            wants(String(Number(mm)), minute, Number(mm)) &&
            wants(String(Number(hh)), hour, Number(hh)) &&
            wants(String(Number(dd)), day, Number(dd) - 1)
          expect(fits || note?.startsWith('moved')).toBe(true)
        }
      }),
    )
  })

  it('leave excluded dates out, stop at the end, and number no more than the count', () => {
    const limits = fc.record({ count: fc.integer({ min: 1, max: 9 }), days: fc.integer({ min: 1, max: 20 }) })
    fc.assert(
      fc.property(written, moments, limits, (r, afterMs, { count, days }) => {
        const end = new Date(afterMs + days * 86_400_000).toISOString()
        const found = occurrences({ ...r, count, end }, { afterMs, count: 100 })
        const free = occurrences({ ...r, except: [] }, { afterMs, count: 2000 })
        const out = (local: string) =>
          (r.except.includes('2026-10-25') && local.startsWith('2026-10-25')) ||
          (r.except.includes('12-31') && local.slice(5, 10) === '12-31') ||
          (r.except.length > 0 && r.except.some((e) => e.includes('/')) && /^2026-03-(29|30|31)/.test(local))
        const expected = free.filter(({ at, local }) => at <= end && !out(local)).slice(0, count)
        expect(found.map(({ at }) => at)).toEqual(expected.map(({ at }) => at))
      }),
      { numRuns: 40 },
    )
  })
})

describe('what is planned after an outage', () => {
  it('is every occurrence once: told as missed, or still to come', () => {
    const outages = fc.integer({ min: 0, max: 20 * 86_400_000 })
    fc.assert(
      fc.property(
        written,
        moments,
        outages,
        fc.integer({ min: 10, max: 86_400 }),
        (r, afterMs, awayMs, catchUpSeconds) => {
          const nowMs = afterMs + awayMs
          const progress = { id: 'x', afterMs, counted: 0, nowMs }
          const { next, missed, ...planned } = planNext({ ...r, catchUpSeconds }, progress)
          const all = occurrences(r, { id: 'x', afterMs, count: missed.length + 1 })
          expect([...missed.map(({ at }) => at), ...(next ? [next.at] : [])]).toEqual(all.map(({ at }) => at))
          if (next && missed.length < 500)
            expect(Date.parse(next.startsAt)).toBeGreaterThanOrEqual(nowMs - catchUpSeconds * 1000)
          for (const { startsAt } of all.slice(0, missed.length))
            expect(Date.parse(startsAt)).toBeLessThan(nowMs - catchUpSeconds * 1000)
          expect(planned.afterMs).toBe(missed.length > 0 ? Date.parse(missed.at(-1)?.at ?? '') : afterMs)
        },
      ),
      { numRuns: 50 },
    )
  })
})

describe('jitter', () => {
  it('is bounded and spread evenly', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.integer({ min: 1, max: 3_600_000 }), (id, boundMs) => {
        const delays = Array.from({ length: 200 }, (_, day) => jitterMs(id, day * 86_400_000, boundMs))
        expect(delays.every((ms) => Number.isInteger(ms) && ms >= 0 && ms < boundMs)).toBe(true)
        const mean = delays.reduce((sum, ms) => sum + ms, 0) / delays.length / boundMs
        if (boundMs > 1000) expect(Math.abs(mean - 0.5)).toBeLessThan(0.15)
      }),
    )
  })

  it('is none when none is wanted', () => {
    expect(jitterMs('a', 0, 0)).toBe(0)
  })
})

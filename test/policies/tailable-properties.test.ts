import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type LogWindow, observe } from '../../policies/tailable.ts'
import { policyOf, record, second, t0, watch } from './watched-log.ts'

/** What a window holds, by counting: numbers and characters. */
const sizeOf = ({ times, evidence }: LogWindow) => ({
  times: times.length,
  records: evidence.length,
  longest: Math.max(0, ...evidence.map((e) => e.record.text.length)),
})

describe('any log window', () => {
  const story = fc.array(
    fc.record({
      afterMs: fc.oneof(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 0, max: 120_000 })),
      errors: fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: 1, max: 6 })),
      skewMs: fc.oneof(fc.constant(0), fc.integer({ min: -400_000, max: 400_000 }), fc.constant(Number.NaN)),
      tick: fc.boolean(),
    }),
    { maxLength: 80 },
  )
  type Story = typeof story extends fc.Arbitrary<infer T> ? T : never
  const tell = (steps: Story) => {
    const log = watch()
    let nowMs = t0
    for (const { afterMs, errors, skewMs, tick } of steps) {
      nowMs += afterMs
      if (tick) log.tick(nowMs)
      else
        log.records(
          nowMs,
          Array.from({ length: errors }, () => record(nowMs + skewMs)),
        )
    }
    return log
  }

  it('begins each episode with exactly one firing, and closes none it did not begin', () => {
    fc.assert(
      fc.property(story, (steps) => {
        const { emitted } = tell(steps)
        const seen: string[] = []
        for (const { key, status, lines, summary } of emitted) {
          if (seen.at(-1) === key) expect(summary).not.toContain('more than')
          else {
            expect(status).toBe('firing')
            expect(seen).not.toContain(key)
            expect(summary).toContain(': more than 3 within 30 s')
            expect(lines?.length).toBeGreaterThan(0)
            seen.push(key)
          }
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('speaks at most every third of the quiet time, unless a new episode begins', () => {
    fc.assert(
      fc.property(story, (steps) => {
        const { emitted } = tell(steps)
        for (const [i, alert] of emitted.entries()) {
          const before = emitted[i - 1]
          if (before?.key !== alert.key) continue
          expect(Date.parse(alert.observedAt) - Date.parse(before.observedAt)).toBeGreaterThanOrEqual(20 * second)
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('says quiet only when the quiet time has passed since the last error', () => {
    fc.assert(
      fc.property(story, (steps) => {
        for (const { status, figures, observedAt } of tell(steps).emitted) {
          if (status !== 'quiet') continue
          expect(Date.parse(observedAt) - (figures?.lastErrorAtMs ?? 0)).toBeGreaterThanOrEqual(60 * second)
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('fires exactly when more than the count fall into the window, by a plain recount', () => {
    const times = fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(times, (seconds) => {
        const log = watch()
        for (const s of seconds.sort((a, b) => a - b)) log.errors(t0 + s * second)
        const crossed = seconds.some((s, i) => i >= 3 && s - (seconds[i - 3] ?? 0) <= 30)
        expect(log.emitted.length > 0).toBe(crossed)
      }),
      { numRuns: 1000 },
    )
  })

  it('holds no more after a burst of 200,000 records than after the first few', () => {
    const burst = fc.record({
      count: fc.integer({ min: 1, max: 200 }),
      batch: fc.integer({ min: 500, max: 5000 }),
      spreadMs: fc.integer({ min: 0, max: 600_000 }),
    })
    fc.assert(
      fc.property(burst, ({ count, batch, spreadMs }) => {
        const log = watch(policyOf({ count, windowSeconds: 1 }))
        const text = 'x'.repeat(3000)
        for (let fed = 0; fed < 200_000; fed += batch) {
          const nowMs = t0 + (fed / 200_000) * spreadMs
          log.errors(nowMs, batch, { text })
          const { times, records, longest } = sizeOf(log.window())
          expect(times).toBeLessThanOrEqual(count + 1)
          expect(records).toBeLessThanOrEqual(50)
          expect(longest).toBeLessThanOrEqual(2048)
        }
        expect(log.emitted.filter(({ summary }) => summary.includes('more than'))).toHaveLength(1)
      }),
      { numRuns: 5 },
    )
  }, 60_000)

  it('leaves the state it was given untouched', () => {
    const log = watch()
    log.errors(t0, 3)
    const before = log.window()
    const copy = structuredClone(before)
    observe(
      before,
      { kind: 'heard', records: [record(t0), record(t0)] },
      { policy: policyOf(), host: 'h', source: 's' },
      t0,
    )
    expect(before).toEqual(copy)
  })
})

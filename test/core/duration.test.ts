import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { durationMs } from '../../core/duration.ts'

const minute = 60_000
const day = 86_400_000

describe('a duration', () => {
  it.each([
    ['PT1S', 1000],
    ['PT90M', 90 * minute],
    ['PT36H', 36 * 60 * minute],
    ['P1D', day],
    ['P2W', 14 * day],
    ['P1DT12H', 1.5 * day],
    ['P1W1DT1H1M1S', 8 * day + 61 * minute + 1000],
    ['PT0S', 0],
    ['P90D', 90 * day],
  ])('%s is %i ms', (text, ms) => {
    expect(durationMs(text)).toBe(ms)
  })

  it.each([
    'P1M',
    'P1Y',
    'P1Y2D',
    'P',
    'PT',
    'P1DT',
    '1D',
    'P1H',
    'PT1D',
    'PT1S1M',
    'P-1D',
    '-P1D',
    'PT1.5H',
    'p1d',
    ' P1D',
    'P1D\n',
    'P1DP1D',
    '',
    `P${'9'.repeat(400)}D`,
    'P٣D',
  ])('%j has no fixed length, or is none', (text) => {
    expect(durationMs(text)).toBeUndefined()
  })

  it('is the sum of its parts, whichever of them are given', () => {
    const part = (most: number) => fc.option(fc.integer({ min: 0, max: most }), { nil: undefined })
    const parts = fc.tuple(part(9999), part(99_999), part(999_999), part(9_999_999), part(999_999_999))
    fc.assert(
      fc.property(parts, ([weeks, days, hours, minutes, seconds]) => {
        const written = (n: number | undefined, unit: string) => (n === undefined ? '' : `${n}${unit}`)
        const date = written(weeks, 'W') + written(days, 'D')
        const time = written(hours, 'H') + written(minutes, 'M') + written(seconds, 'S')
        const found = durationMs(`P${date}${time && `T${time}`}`)
        if (date + time === '') return found === undefined
        const inDays = (weeks ?? 0) * 7 + (days ?? 0)
        return found === inDays * day + (hours ?? 0) * 60 * minute + (minutes ?? 0) * minute + (seconds ?? 0) * 1000
      }),
    )
  })

  it('never comes out of anything as something other than whole milliseconds', () => {
    const near = fc
      .array(fc.constantFrom('P', 'T', 'D', 'H', 'M', 'S', 'W', '1', '0', '-', '.', ' '))
      .map((c) => c.join(''))
    fc.assert(
      fc.property(fc.oneof(near, fc.string()), (text) => {
        const ms = durationMs(text)
        return ms === undefined || (Number.isSafeInteger(ms) && ms >= 0)
      }),
      { numRuns: 1000 },
    )
  })
})

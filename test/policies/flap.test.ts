import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countedSinceMs, flapping } from '../../policies/flap.ts'

const limits = { firings: 3, withinSeconds: 900 }
const nowMs = 10_000_000

describe('an alert', () => {
  it.each([
    ['that fired for the first time', 1, [], false],
    ['that opened its second incident', 2, [], false],
    ['that opened its third', 3, [], true],
    ['that began anew twice in one incident', 1, [nowMs - 10, nowMs - 5], true],
    ['that began anew so long ago that it does not count', 1, [nowMs - 900_001, nowMs - 900_002], false],
  ])('%s', (_case, opened, startsMs, isFlapping) => {
    const sentence = flapping({ opened, startsMs, sinceMs: countedSinceMs(limits, nowMs) }, limits)
    expect(sentence !== undefined).toBe(isFlapping)
  })

  it('is told with its figures', () => {
    expect(flapping({ opened: 2, startsMs: [nowMs], sinceMs: 0 }, limits)).toBe(
      'flapping: it fired 3 times within 900 s, 3 are too many',
    )
  })

  it('is not blamed for what was before a person had a look at it', () => {
    const sinceMs = countedSinceMs(limits, nowMs, nowMs - 1000)
    expect(sinceMs).toBe(nowMs - 1000)
    expect(flapping({ opened: 1, startsMs: [nowMs - 2000, nowMs - 1500], sinceMs }, limits)).toBeUndefined()
    expect(countedSinceMs(limits, nowMs, nowMs - 2_000_000)).toBe(nowMs - 900_000)
  })

  it('is never calmer for one more firing', () => {
    const starts = fc.array(fc.integer({ min: 0, max: nowMs }), { maxLength: 8 })
    fc.assert(
      fc.property(fc.nat(5), starts, fc.integer({ min: 2, max: 9 }), (opened, startsMs, firings) => {
        const own = { ...limits, firings }
        const sinceMs = countedSinceMs(own, nowMs)
        const before = flapping({ opened, startsMs, sinceMs }, own)
        if (before) expect(flapping({ opened, startsMs: [...startsMs, nowMs], sinceMs }, own)).toBeDefined()
        if (opened + startsMs.length < firings) expect(before).toBeUndefined()
      }),
    )
  })
})

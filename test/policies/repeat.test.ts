import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Call } from '../../core/call.ts'
import { catalogue, type ErrorCode } from '../../core/catalogue.ts'
import { afterFailure, backoffMs } from '../../policies/repeat.ts'

const codes = Object.keys(catalogue) as ErrorCode[]
const methods: Call['method'][] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
const harmlessTwice = ['GET', 'PUT', 'DELETE']

describe('after a call that did not end well', () => {
  it.each(methods)('%s whose outcome nobody knows is repeated only if that is harmless', (method) => {
    const verdict = harmlessTwice.includes(method) ? 'repeat' : 'look first'
    expect(afterFailure({ method }, undefined)).toBe(verdict)
    expect(afterFailure({ method }, 'OUTCOME_UNKNOWN')).toBe(verdict)
  })

  it.each([
    ['CLOUD_UNREACHABLE', 'repeat'],
    ['CLOUD_BUSY', 'repeat'],
    ['KEYSTONE_UNREACHABLE', 'repeat'],
    ['SERVICE_LOGIN_REFUSED', 'repeat'],
    ['CLOUD_REFUSED', 'give up'],
    ['DELEGATION_LOST', 'give up'],
    ['PATH_REFUSED', 'give up'],
    ['MICROVERSION_UNSUPPORTED', 'give up'],
    ['INTERNAL', 'give up'],
  ] as const)('%s means: %s', (code, verdict) => {
    for (const method of methods) expect(afterFailure({ method }, code)).toBe(verdict)
  })

  it('a change that may have been made is never simply made again', () => {
    fc.assert(
      fc.property(fc.constantFrom(...methods), fc.constantFrom(undefined, ...codes), (method, code) => {
        const unsure = code === undefined || code === 'OUTCOME_UNKNOWN'
        return !(unsure && ['POST', 'PATCH'].includes(method) && afterFailure({ method }, code) === 'repeat')
      }),
    )
  })
})

describe('the wait before another attempt', () => {
  it.each([
    [1, 3_600_000, 1000],
    [2, 3_600_000, 2000],
    [5, 3_600_000, 16_000],
    [6, 3_600_000, 30_000],
    [4, 60_000, 5000],
    [20, 86_400_000, 300_000],
    [10_000, 86_400_000, 300_000],
  ])('number %i, when a call may be %i ms late, is %i ms', (attempt, maxLatenessMs, ms) => {
    expect(backoffMs(attempt, maxLatenessMs)).toBe(ms)
  })

  it('never shrinks, never ends, and keeps the history of a day short', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1000, max: 86_400_000 }), (maxLatenessMs) => {
        let total = 0
        let before = 0
        let attempts = 0
        for (; total < maxLatenessMs; attempts++) {
          const wait = backoffMs(attempts + 1, maxLatenessMs)
          if (!(wait >= before && wait >= 1000 && wait <= 300_000)) return false
          before = wait
          total += wait
        }
        return attempts <= 300
      }),
    )
  })
})

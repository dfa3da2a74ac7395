import { describe, expect, it } from 'vitest'
import type { TrustHolder } from '../../core/delegation.ts'
import { renewalWarning, standingOf, untilWarningMs } from '../../policies/delegation.ts'

const nowMs = Date.parse('2026-11-21T00:00:00Z')
const minute = 60_000
const day = 86_400_000
const ends = (inMs: number) => new Date(nowMs + inMs)
const iso = (inMs: number) => ends(inMs).toISOString()

describe('a trust', () => {
  const remediation: TrustHolder = { kind: 'remediation', for: 'delegation/remediation' }
  const recurring: TrustHolder = { kind: 'recurring-action', for: 'r' }
  const action: TrustHolder = { kind: 'action', for: 'a' }
  const ended = (agoMs: number): TrustHolder => ({ ...action, endedAt: iso(-agoMs) })

  it.each([
    ['that nothing knows', undefined, 30 * day, 'unknown'],
    ['of an action that waits', action, 30 * day, 'active'],
    ['of an action that waits, and ends with it', action, day, 'active'],
    ['of remediation, with a month to go', remediation, 30 * day, 'active'],
    ['of remediation, with two weeks to go', remediation, 14 * day, 'expiring'],
    ['of a recurring action, with a day to go', recurring, day, 'expiring'],
    ['whose action ended a moment ago', ended(1), 30 * day, 'active'],
    ['whose action ended just under ten minutes ago', ended(10 * minute - 1), 30 * day, 'active'],
    ['whose action ended ten minutes ago', ended(10 * minute), 30 * day, 'orphan'],
  ] as const)('%s is %s', (_what, holder, endsInMs, state) => {
    expect(standingOf(holder, ends(endsInMs), nowMs)).toBe(state)
  })

  it('without an end is never told to expire', () => {
    expect(standingOf(remediation, undefined, nowMs)).toBe('active')
  })
})

describe('a delegation that ends', () => {
  it.each([
    [14 * day + 1, undefined],
    [14 * day, 'it ends within 14 days'],
    [7 * day + 1, 'it ends within 14 days'],
    [7 * day, 'it ends within 7 days'],
    [3 * day, 'it ends within 3 days'],
    [day, 'it ends within 1 day'],
    [minute, 'it ends within 1 day'],
  ])('in %i ms is warned of: %s', (inMs, says) => {
    const warning = renewalWarning(iso(inMs), nowMs)
    if (says === undefined) expect(warning).toBeUndefined()
    else expect(warning).toBe(`${says}, at ${iso(inMs)}: an operator runs \`steward delegate\``)
  })

  it.each([
    [30 * day, 16 * day],
    [14 * day, 7 * day],
    [5 * day, 2 * day],
    [day, undefined],
    [-day, undefined],
  ])('in %i ms is warned of again after %s ms', (inMs, waitMs) => {
    expect(untilWarningMs(iso(inMs), nowMs)).toBe(waitMs)
  })
})

import { describe, expect, it } from 'vitest'
import type { PastOccurrence } from '../../../core/recurrence.ts'
import { planNext } from '../../../policies/recurrence/plan.ts'
import { mostRunning, remembered, whenDue } from '../../../policies/recurrence/when-due.ts'
import { recurrence } from './bench.ts'

const nowMs = Date.parse('2026-11-21T06:00:00Z')
const of = (overlap: string) => recurrence({ cron: '0 6 * * *', overlap, catchUpSeconds: 60 })
const due = (running: readonly string[], queued?: string) => ({
  ...{ startsAtMs: nowMs, nowMs, running },
  ...(queued !== undefined && { queued }),
})
const policies = ['skip', 'queue', 'allow', 'cancel-other']

describe('an occurrence that is due', () => {
  it.each(policies)('is begun under `%s` when nothing else runs', (overlap) => {
    expect(whenDue(of(overlap), due([]))).toEqual({ act: 'start' })
  })

  it.each([
    ['skip', due(['A']), { act: 'skip', reason: 'A still runs' }],
    ['queue', due(['A']), { act: 'queue', cancelRunning: false }],
    ['queue', due(['A'], 'B'), { act: 'skip', reason: 'B waits already' }],
    ['queue', due([], 'B'), { act: 'skip', reason: 'B waits already' }],
    ['allow', due(['A', 'B']), { act: 'start' }],
    ['cancel-other', due(['A']), { act: 'queue', cancelRunning: true }],
    ['cancel-other', due(['A'], 'B'), { act: 'queue', cancelRunning: true, instead: 'B' }],
  ])('under `%s` beside %j', (overlap, situation, verdict) => {
    expect(whenDue(of(overlap), situation)).toEqual(verdict)
  })

  it('is left out when very many run beside each other', () => {
    const many = Array.from({ length: mostRunning }, String)
    expect(whenDue(of('allow'), due(many.slice(1)))).toEqual({ act: 'start' })
    expect(whenDue(of('allow'), due(many))).toEqual({ act: 'skip', reason: '10 still run' })
  })

  it.each(policies)('is not made up for under `%s` when it is older than the window', (overlap) => {
    const late = (ms: number) => whenDue(of(overlap), { startsAtMs: nowMs - ms, nowMs, running: [] })
    expect(late(60_000)).toEqual({ act: 'start' })
    expect(late(90_000)).toEqual({ act: 'skip', reason: 'Steward came to it 90 s late; up to 60 s are made up for' })
  })
})

it('twenty outcomes are remembered, the newest last', () => {
  const past = (n: number): PastOccurrence => ({ at: String(n), outcome: 'done', endedAt: '' })
  const all = Array.from({ length: 30 }, (_, n) => past(n))
  expect(remembered(all.slice(0, 15), ...all.slice(15))).toEqual(all.slice(10))
})

it('what was slept through counts: nothing is planned beyond the count', () => {
  const plan = (count: number) =>
    planNext(recurrence({ cron: '0 6 * * *', count }), {
      ...{ id: 'x', afterMs: Date.parse('2026-11-18T00:00:00Z'), counted: 1 },
      nowMs: Date.parse('2026-11-21T00:00:00Z'),
    })
  expect(plan(4)).toMatchObject({ missed: [{}, {}, {}] })
  expect(plan(4)).not.toHaveProperty('next')
  expect(plan(5)).toMatchObject({ missed: [{}, {}, {}], next: { at: '2026-11-21T06:00:00.000Z' } })
})

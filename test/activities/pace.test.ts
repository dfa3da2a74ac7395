import { describe, expect, it } from 'vitest'
import { createPace } from '../../activities/pace.ts'
import { codeOf } from '../../core/errors.ts'

/** A clock that moves when somebody waits. */
function scene(callsPerSecond: number | undefined) {
  const waits: number[] = []
  let nowMs = 1_000_000
  const pace = createPace(callsPerSecond, { now: () => nowMs, wait: async (ms) => void waits.push(ms) })
  return { pace, waits, pass: (ms: number) => (nowMs += ms) }
}

describe('calls of due actions', () => {
  it('begin all at once unless the operator sets a rate', async () => {
    const { pace, waits } = scene(undefined)
    await Promise.all(Array.from({ length: 100 }, pace))
    expect(waits).toEqual([])
  })

  it('begin evenly, in their order, at the rate the operator set', async () => {
    const { pace, waits } = scene(4)
    await Promise.all([pace(), pace(), pace(), pace()])
    expect(waits).toEqual([250, 500, 750])
  })

  it('do not save up what was not used', async () => {
    const { pace, waits, pass } = scene(4)
    await pace()
    pass(60_000)
    await Promise.all([pace(), pace()])
    expect(waits).toEqual([250])
  })

  it('are tried again later when their turn would be too far away, and take no turn by that', async () => {
    const { pace, waits, pass } = scene(0.1)
    await Promise.all([pace(), pace(), pace(), pace()])
    expect(waits).toEqual([10_000, 20_000, 30_000])
    const refused = await pace().catch((error: unknown) => error)
    expect(codeOf(refused)).toBe('OVERLOADED')
    expect(String(refused)).toContain('0.1 calls per second (actions.callsPerSecond)')
    pass(10_000)
    await pace()
    expect(waits.at(-1)).toBe(30_000)
  })
})

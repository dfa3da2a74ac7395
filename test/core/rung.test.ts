import { describe, expect, it } from 'vitest'
import { Rung } from '../../core/policy.ts'

describe('a rung of the ladder', () => {
  it('may be any runbook, whose input is its own business', () => {
    expect(Rung.parse({ runbook: 'evacuate-host', with: { storage: 'shared' } })).toEqual({
      ...{ runbook: 'evacuate-host', with: { storage: 'shared' } },
      ...{ attempts: 1, backOffSeconds: 30 },
    })
  })

  it.each([
    ['an option that its runbook does not know', { runbook: 'relieve-host', with: { colour: 'red' } }, /colour/],
    ['no runbook', { with: {} }, /runbook|lower-case/i],
    ['a name no runbook can have', { runbook: 'Evacuate Host' }, /lower-case/],
  ])('is refused with %s, saying where', (_name, given, says) => {
    const { error } = Rung.safeParse(given)
    expect(JSON.stringify(error?.issues)).toMatch(says)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Policy } from '../../core/policy.ts'
import { firstStep, ladderOf, nextStep, type Step } from '../../policies/ladder.ts'

const rung = (attempts: number, backOffSeconds = 30) => ({ attempts, backOffSeconds })

describe('after a step that did not help', () => {
  it.each([
    [
      'the same is tried again after its back-off',
      [rung(3)],
      { rung: 0, attempt: 1 },
      { rung: 0, attempt: 2, waitMs: 30_000 },
    ],
    ['and after twice that', [rung(3)], { rung: 0, attempt: 2 }, { rung: 0, attempt: 3, waitMs: 60_000 }],
    ['then the next rung, at once', [rung(3), rung(1)], { rung: 0, attempt: 3 }, { rung: 1, attempt: 1, waitMs: 0 }],
    [
      'nobody waits for more than a day',
      [rung(5, 86_400)],
      { rung: 0, attempt: 4 },
      { rung: 0, attempt: 5, waitMs: 86_400_000 },
    ],
    ['people are asked in the end', [rung(1), rung(2)], { rung: 1, attempt: 2 }, undefined],
    ['people are asked where the ladder has no such rung', [rung(1)], { rung: 7, attempt: 1 }, undefined],
  ])('%s', (_case, ladder, step, expected) => {
    expect(nextStep(ladder, step)).toEqual(expected)
  })

  it('every attempt of every rung is made once, in order, and then it ends', () => {
    const ladders = fc.array(fc.record({ attempts: fc.integer({ min: 1, max: 5 }), backOffSeconds: fc.nat(86_400) }), {
      minLength: 1,
      maxLength: 6,
    })
    fc.assert(
      fc.property(ladders, (ladder) => {
        const made: string[] = []
        let step: Step | undefined = firstStep
        while (step && made.length < 100) {
          made.push(`${step.rung}/${step.attempt}`)
          const next: ReturnType<typeof nextStep> = nextStep(ladder, step)
          if (next) expect(next.waitMs).toBeLessThanOrEqual(86_400_000)
          step = next
        }
        expect(made).toEqual(
          ladder.flatMap(({ attempts }, n) => Array.from({ length: attempts }, (_, k) => `${n}/${k + 1}`)),
        )
      }),
    )
  })
})

it('the first rung of a ladder is what the policy itself does', () => {
  const policy = Policy.parse({
    ...{ name: 'down', kind: 'binary', when: {}, runbook: 'restart-service', attempts: 2, backOffSeconds: 7 },
    ladder: [{ runbook: 'collect-evidence' }],
  })
  expect(ladderOf(policy)).toEqual([
    { runbook: 'restart-service', with: policy.with, attempts: 2, backOffSeconds: 7 },
    { runbook: 'collect-evidence', with: {}, attempts: 1, backOffSeconds: 30 },
  ])
})

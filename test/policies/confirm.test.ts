import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { confirm, type Observation } from '../../policies/confirm.ts'

const nova = (says: Observation['says']): Observation => ({ source: 'nova', says, detail: `nova ${says}` })
const process = (says: Observation['says']): Observation => ({ source: 'process', says, detail: `process ${says}` })

describe('a second look', () => {
  it.each([
    ['one source that agrees is enough when one must', [nova('agrees')], 1, 'confirmed'],
    ['one that disagrees refutes it', [nova('disagrees')], 1, 'refuted'],
    ['one of two is enough when one must', [nova('agrees'), process('disagrees')], 1, 'confirmed'],
    [
      'two that contradict each other are unclear when both must agree',
      [nova('agrees'), process('disagrees')],
      2,
      'unclear',
    ],
    ['a silent one does not stand in for agreement', [nova('agrees'), process('no word')], 2, 'unclear'],
    ['a silent one is no all-clear either', [process('no word')], 1, 'unclear'],
    ['all is well when one says so and the other is silent', [nova('disagrees'), process('no word')], 2, 'refuted'],
    ['both agree when both must', [nova('agrees'), process('agrees')], 2, 'confirmed'],
    ['nobody was asked', [], 1, 'unclear'],
    ['nobody need agree: that confirms nothing', [nova('disagrees')], 0, 'refuted'],
  ] as const)('%s', (_case, observations, need, outcome) => {
    expect(confirm(observations, need).outcome).toBe(outcome)
  })

  it('gives its figures, and what each source saw', () => {
    expect(confirm([nova('agrees'), process('no word')], 2).sentence).toBe(
      'neither confirmed nor refuted, 1 of 2 source(s) agree, 2 must: nova: nova agrees; process: process no word',
    )
  })

  const observations = fc.array(
    fc.record({
      source: fc.constantFrom('nova', 'process', 'monitor'),
      says: fc.constantFrom('agrees', 'disagrees', 'no word'),
      detail: fc.constant('x'),
    }) satisfies fc.Arbitrary<Observation>,
    { maxLength: 6 },
  )
  const distinct = observations.map((all) => [...new Map(all.map((seen) => [seen.source, seen])).values()])

  it('is never confirmed by fewer sources than must agree, however often one of them speaks', () => {
    fc.assert(
      fc.property(observations, fc.integer({ min: 1, max: 4 }), (all, need) => {
        const agreeing = new Set(all.filter(({ says }) => says === 'agrees').map(({ source }) => source))
        if (confirm(all, need).outcome === 'confirmed') expect(agreeing.size).toBeGreaterThanOrEqual(need)
      }),
    )
  })

  it('does not depend on the order of the sources, and is never refuted while one agrees', () => {
    fc.assert(
      fc.property(distinct, fc.integer({ min: 1, max: 3 }), (all, need) => {
        const { outcome } = confirm(all, need)
        expect(confirm([...all].reverse(), need).outcome).toBe(outcome)
        if (all.some(({ says }) => says === 'agrees')) expect(outcome).not.toBe('refuted')
        // one more that agrees never makes it less likely
        const more: Observation[] = [...all, { source: 'another', says: 'agrees', detail: '' }]
        if (outcome === 'confirmed') expect(confirm(more, need).outcome).toBe('confirmed')
      }),
    )
  })
})

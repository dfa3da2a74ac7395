import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createCapped } from '../../../activities/ssh/capped.ts'

const keep = (limitBytes: number, chunks: readonly string[]) => {
  const capped = createCapped(limitBytes)
  for (const chunk of chunks) capped.add(Buffer.from(chunk))
  return { text: capped.text(), cut: capped.cutBytes() }
}

it('an output within the limit is kept as it is', () => {
  expect(keep(10, ['abcde', 'fghij'])).toEqual({ text: 'abcdefghij', cut: 0 })
})

it('of a longer one the beginning and the end are kept, and it says how much is missing', () => {
  expect(keep(4, ['abcdefgh', 'ij'])).toEqual({ text: 'ab\n[6 bytes left out]\nij', cut: 6 })
})

it('however it comes in, the same is kept', () => {
  const chunks = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 30 }), { maxLength: 30 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), chunks, (half, parts) => {
      const whole = parts.join('')
      const cut = Math.max(0, whole.length - 2 * half)
      const text = cut === 0 ? whole : `${whole.slice(0, half)}\n[${cut} bytes left out]\n${whole.slice(-half)}`
      expect(keep(2 * half, parts)).toEqual({ text, cut })
    }),
  )
})

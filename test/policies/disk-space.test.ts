import { describe, expect, it } from 'vitest'
import { freePercentIn, sweeps } from '../../policies/disk-space.ts'

describe('what df says', () => {
  it.each([
    ['Use%\n 97%\n', 3],
    ['0%', 100],
    ['100%', 0],
    ['Filesystem Size Used Avail Use% Mounted on\n/dev/sda1 20G 19G 1G 95% /\n', 5],
    ['', undefined],
    ['-', undefined],
    ['101%', undefined],
    [' 97%\n 12%\n', undefined],
    ['a97%', undefined],
  ])('of %j is free', (said, free) => {
    expect(freePercentIn(said)).toBe(free)
  })
})

describe('a sweep', () => {
  it.each(Object.entries(sweeps))('of %s is gentle first', (_what, { values }) => {
    const figures = values.map((value) => Number.parseInt(value, 10))
    expect(figures).toEqual([...figures].sort((a, b) => b - a))
  })
})

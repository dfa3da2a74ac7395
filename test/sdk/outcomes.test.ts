import { expect, it } from 'vitest'
import type { Fanned } from '../../workflows/sdk/context.ts'
import { assertAllDone } from '../../workflows/sdk/index.ts'

const done = (item: unknown): Fanned<unknown, unknown> => ({ item, outcome: 'done' })
const failed = (item: unknown): Fanned<unknown, unknown> => ({
  item,
  outcome: 'failed',
  reason: 'CLOUD_REFUSED: locked',
})
const notBegun: Fanned<unknown, unknown> = { item: 'x', outcome: 'not begun' }

it('a run that wants all of them done goes on when they are', () => {
  expect(() => assertAllDone([done('a'), done('b')])).not.toThrow()
  expect(() => assertAllDone([])).not.toThrow()
})

it.each([
  ['a failed canary', [failed('web'), notBegun, notBegun], '0 of 3 done; web: CLOUD_REFUSED: locked; 2 not begun'],
  ['one that was not begun', [done('a'), notBegun], '1 of 2 done; 1 not begun'],
  [
    'names of servers',
    [failed({ id: '7c2', name: 'web' }), failed({ id: '7c3' })],
    'web: CLOUD_REFUSED: locked; 7c3: ',
  ],
  ['many that failed', Array.from({ length: 9 }, () => failed('s')), '; 4 more failed'],
])('and ends as failed for %s, with the reasons', (_what, outcomes, says) => {
  expect(() => assertAllDone(outcomes)).toThrow(says)
  expect(() => assertAllDone(outcomes)).toThrow(expect.objectContaining({ type: 'RUN_FAILED' }))
})

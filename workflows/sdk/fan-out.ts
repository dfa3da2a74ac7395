import { isCancellation } from '@temporalio/workflow'
import { codeOf, messageOf } from '../../core/errors.ts'
import type { Fanned, FanOutOptions } from './context.ts'

/**
 * Does the same to many: the canary one by one, then some at the same time. Once more have failed than may, or the run
 * is asked to come to an end, nothing more is begun; what is under way is seen through.
 */
export async function fanOut<T, R>(
  items: readonly T[],
  { atOnce = 1, canary = 1, mayFail = 0 }: FanOutOptions,
  act: (item: T) => Promise<R>,
  safePoint: () => void,
): Promise<Fanned<T, R>[]> {
  const outcomes: Fanned<T, R>[] = items.map((item) => ({ item, outcome: 'not begun' }))
  let failed = 0
  let ended: unknown

  async function one(index: number): Promise<void> {
    const item = items[index] as T
    try {
      outcomes[index] = { item, outcome: 'done', result: await act(item) }
    } catch (error) {
      if (isCancellation(error)) throw error
      failed++
      outcomes[index] = { item, outcome: 'failed', reason: `${codeOf(error) ?? 'INTERNAL'}: ${messageOf(error)}` }
    }
  }

  async function lane(next: () => number | undefined, allowed: number): Promise<void> {
    for (let index = next(); index !== undefined; index = next()) {
      try {
        safePoint()
      } catch (error) {
        ended ??= error
      }
      if (ended !== undefined || failed > allowed) return
      await one(index)
    }
  }

  const queue = items.map((_, index) => index)
  const first = queue.splice(0, canary)
  await lane(() => first.shift(), 0)
  if (failed === 0 && ended === undefined)
    await allOver(Array.from({ length: Math.min(atOnce, queue.length) }, () => lane(() => queue.shift(), mayFail)))
  if (ended !== undefined) throw ended
  return outcomes
}

/** Waits for all of them, whatever becomes of one: nothing may be taken back while another lane is still at work. */
async function allOver(lanes: readonly Promise<void>[]): Promise<void> {
  for (const lane of await Promise.allSettled(lanes)) if (lane.status === 'rejected') throw lane.reason
}

import { condition, upsertMemo } from '@temporalio/workflow'
import { allCards } from './sdk/registry.ts'

/**
 * Tells which runbooks the workers have, as memo, so that the API need not load them. Begun anew by every worker that
 * starts, and there until the next one does.
 */
export async function runbookList(): Promise<void> {
  upsertMemo({ runbooks: allCards() })
  await condition(() => false)
}

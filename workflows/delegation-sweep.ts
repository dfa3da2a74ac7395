import {
  allHandlersFinished,
  condition,
  defineSignal,
  defineUpdate,
  log,
  makeContinueAsNewFunc,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import type { OrphanTrust, SweepView } from '../core/delegation.ts'
import { codeOf, messageOf } from '../core/errors.ts'
import type { Person } from '../core/person.ts'
import { publish } from './publish.ts'
import { quick } from './steps.ts'

/** Looks at once instead of at the next hour. */
export const sweepNow = defineSignal('sweepNow')
/** Deletes a trust that nothing acts with, for a person. */
export const revokeTrust = defineUpdate<void, [OrphanTrust & { by: Person }]>('revoke')

export interface DelegationSweepOptions {
  /** @default 1 h */
  everyMs?: number
  /** Looks before it begins a new history. @default 24 */
  looks?: number
}

/** Deletions in one look; more orphans wait for the next one. */
const mostDeletions = 200
const atOnce = 10

/**
 * Looks for orphans for ever: trusts that outlived the workflows which would have deleted them. Each is deleted through
 * itself. One for the whole installation; its memo says what the last look came to.
 */
export async function delegationSweep(options: DelegationSweepOptions = {}): Promise<void> {
  const { everyMs = 3_600_000, looks = 24 } = options
  let asked = false
  let last: SweepView | undefined
  setHandler(sweepNow, () => {
    asked = true
  })
  setHandler(revokeTrust, ({ id, trustId }) => quick(`Delete the trust of delegation ${id}`).deleteTrust({ trustId }))
  for (let look = 1; look <= looks; look++) {
    asked = false
    const view = await sweep()
    publish(view, sentence(view))
    tell(view, last)
    last = view
    await condition(() => asked, everyMs)
  }
  await condition(allHandlersFinished)
  const { typedSearchAttributes } = workflowInfo()
  await makeContinueAsNewFunc<typeof delegationSweep>({ memo: { view: last }, typedSearchAttributes })(options)
}

async function sweep(): Promise<SweepView> {
  const view: SweepView = { state: 'swept', at: new Date().toISOString(), deleted: 0, left: 0, used: 0, unknown: 0 }
  try {
    const { orphans, ...others } = await quick('Look for trusts that nothing needs').findOrphans({
      most: mostDeletions,
    })
    Object.assign(view, others)
    for (let from = 0; from < orphans.length; from += atOnce)
      await Promise.all(orphans.slice(from, from + atOnce).map((orphan) => drop(orphan, view)))
  } catch (error) {
    Object.assign(view, { state: 'failed', reason: saying(error) })
  }
  return view
}

async function drop({ id, trustId }: OrphanTrust, view: SweepView): Promise<void> {
  try {
    await quick(`Delete the orphaned trust of delegation ${id}`).deleteTrust({ trustId })
    view.deleted++
  } catch (error) {
    view.left++
    view.reason = saying(error)
  }
}

/** Into the log of the worker: what changed something, and what is new. */
function tell(view: SweepView, last: SweepView | undefined): void {
  const { state, deleted, left, used, unknown, reason } = view
  const isNews = state === 'failed' || deleted + left > 0 || unknown !== (last?.unknown ?? 0)
  const about = { deleted, left, used, unknown, ...(reason !== undefined && { reason }) }
  if (isNews) log.warn(sentence(view), about)
  else log.info(sentence(view), about)
}

function sentence({ state, deleted, left, used, unknown, reason }: SweepView): string {
  const because = reason === undefined ? '' : `: ${reason}`
  if (state === 'failed') return `nobody could look for orphaned trusts${because}`
  const parts = [`${deleted} orphaned trusts deleted`, `${used} in use`, `${unknown} unknown here`]
  if (left > 0) parts.push(`${left} left${because}`)
  return parts.join(', ')
}

const saying = (error: unknown) => `${codeOf(error) ?? 'INTERNAL'}: ${messageOf(error)}`

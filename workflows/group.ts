import { ActivityFailure, CancellationScope, CancelledFailure, sleep, TimeoutFailure } from '@temporalio/workflow'
import type { Group } from '../core/activities.ts'
import type { Delegation } from '../core/delegation.ts'
import { codeOf, failure, messageOf } from '../core/errors.ts'
import type { GroupView, TargetOutcome, Targets } from '../core/group.ts'
import type { Work } from '../core/work.ts'
import { batchesOf, groupView, targetKey } from '../policies/group.ts'
import { afterFailure, backoffMs } from '../policies/repeat.ts'
import { leasedTargets, typicalMs } from '../policies/work.ts'
import type { Doer } from './deed.ts'
import { withLease } from './lease.ts'
import { once, patient, quick } from './steps.ts'

/** One action on many targets, of work that has them. */
export interface GroupWork extends Pick<Work, 'with'> {
  readonly action: string
  readonly targets: Targets
}

const longestWaitMs = 6 * 3_600_000
/** A worker begins no call after a minute, and waits a minute for the last one. */
const longestBatchMs = 300_000

/**
 * Does one action on many targets: in batches, one after the other, each with a lease on its targets; then again for those
 * that nothing was sent to, until `deadlineMs`; then waits for the end of all that were accepted. `tell` is given the
 * group as people read it after each batch. Cancelled, it ends between two batches.
 *
 * @throws TARGETS_MISSING when there is none, GROUP_INCOMPLETE or OUTCOME_UNKNOWN when not all of them are done
 */
export async function doGroup(
  { action, with: input = {}, targets }: GroupWork,
  doer: Doer & { readonly delegation: Delegation },
  deadlineMs: number,
  tell: (group: GroupView) => void,
): Promise<void> {
  const { delegation } = doer
  const group: Group = { action, input, key: targetKey(action, targets), ...delegation }
  const ids = await idsOf(targets, delegation)
  if (ids.length === 0) throw failure('TARGETS_MISSING', 'the selector finds nothing, so that nothing is done')
  const outcomes = new Map<string, TargetOutcome>(
    ids.map((id) => [id, { id, outcome: 'again', detail: 'its turn did not come' }]),
  )
  const waiting = () => [...outcomes.values()].filter(({ outcome }) => outcome === 'again').map(({ id }) => id)
  const note = (found: readonly TargetOutcome[]) => {
    for (const one of found) outcomes.set(one.id, one)
    tell(groupView([...outcomes.values()]))
  }
  for (let round = 1; ; round++) {
    for (const batch of batchesOf(waiting())) {
      if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('cancelled between two batches')
      note(await CancellationScope.nonCancellable(() => withBatch(group, batch, doer, deadlineMs)))
    }
    const waitMs = backoffMs(round, doer.maxLatenessMs)
    if (waiting().length === 0 || Date.now() + waitMs > deadlineMs) break
    await sleep(waitMs)
  }
  const pending = [...outcomes.values()].filter(({ goesOnSince }) => goesOnSince !== undefined)
  if (pending.length > 0)
    note(
      await patient(`Wait for the end of ${action} on ${pending.length}`, longestWaitMs).awaitMany({
        ...group,
        pending,
      }),
    )
  refuseLess(groupView([...outcomes.values()]))
}

async function idsOf(targets: Targets, delegation: Delegation): Promise<readonly string[]> {
  if ('ids' in targets) return targets.ids
  return (await quick('Find the servers that are meant').findTargets({ select: targets.select, ...delegation })).ids
}

function refuseLess({ total, done, failed, unknown }: GroupView): void {
  if (done === total) return
  const parts = [failed > 0 && `${failed} failed`, unknown > 0 && `${unknown} nobody can tell of`].filter(Boolean)
  throw failure(unknown > 0 ? 'OUTCOME_UNKNOWN' : 'GROUP_INCOMPLETE', `${done} of ${total} done, ${parts.join(', ')}`)
}

async function withBatch(
  group: Group,
  ids: readonly string[],
  doer: Doer,
  deadlineMs: number,
): Promise<TargetOutcome[]> {
  const { action, input, key } = group
  const deeds = ids.map((id) => ({ action, input: { ...input, [key]: id } }))
  const targets = deeds.flatMap(leasedTargets)
  if (targets.length === 0) return batch(group, ids)
  const { projectId, userId, why } = doer
  const [deed] = deeds
  const need = {
    ...{ runbook: 'action', targets, within: [`project/${projectId}` as const], risk: 'move' as const },
    expectedMs: deed ? typicalMs(deed) : 0,
  }
  const waitSeconds = Math.max(1, Math.floor((deadlineMs - Date.now()) / 1000))
  const grounds = { requester: 'action' as const, by: userId, why, waitSeconds }
  try {
    return await withLease(
      need,
      grounds,
      () => undefined,
      () => batch(group, ids),
    )
  } catch (error) {
    const outcome = afterFailure(undefined, codeOf(error) ?? 'INTERNAL') === 'repeat' ? 'again' : 'failed'
    return ids.map((id) => ({ id, outcome, detail: `${codeOf(error) ?? 'INTERNAL'}: ${messageOf(error)}` }))
  }
}

/** Of a worker that was lost its last heartbeat says what is through; the cloud is asked about the rest. */
async function batch(group: Group, ids: readonly string[]): Promise<TargetOutcome[]> {
  const sentAfter = new Date().toISOString()
  try {
    return await once(`${group.action} on ${ids.length}`, longestBatchMs).performMany({ ...group, ids })
  } catch (error) {
    const lost = error instanceof ActivityFailure && error.cause instanceof TimeoutFailure ? error.cause : undefined
    if (!lost) throw error
    const through = Array.isArray(lost.lastHeartbeatDetails) ? (lost.lastHeartbeatDetails as TargetOutcome[]) : []
    const known = new Set(through.map(({ id }) => id))
    const rest = ids.filter((id) => !known.has(id))
    const found = await patient('Look which calls took effect', longestWaitMs).reconcileMany({
      ...group,
      ids: rest,
      sentAfter,
    })
    return [...through, ...found]
  }
}

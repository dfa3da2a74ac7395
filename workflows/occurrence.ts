import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common'
import {
  CancellationScope,
  getExternalWorkflowHandle,
  isCancellation,
  ParentClosePolicy,
  startChild,
  WorkflowIdReusePolicy,
  workflowInfo,
} from '@temporalio/workflow'
import type { ActionView } from '../core/action.ts'
import type { Delegation } from '../core/delegation.ts'
import type { RecurringActionView } from '../core/recurrence.ts'
import { attributes } from '../core/search-attributes.ts'
import { titleOf, workOf } from '../core/work.ts'
import { scheduledAction } from './scheduled-action.ts'
import { stillRuns } from './still-runs.ts'

/** The id of an occurrence has its time, so that Temporal itself refuses to make one twice. */
const occurrenceId = (id: string, at: string) => `action/${id}/${at}`

/**
 * Begins the occurrence `at` of a recurring action, due at `runAt`; it reports to this workflow and outlives it.
 * @returns false when it was begun before
 */
export async function startOccurrence(of: RecurringActionView, at: string, runAt: string, delegation: Delegation) {
  const { id, name, projectId, userId, roles, delegatedBy, maxLatenessSeconds } = of
  const createdAt = new Date().toISOString()
  const view: ActionView = {
    ...{ id, occurrence: at, state: 'scheduled', projectId, userId, roles, ...workOf(of), runAt, createdAt },
    ...(name !== undefined && { name }),
    ...(delegatedBy && { delegatedBy }),
  }
  const { workflowId: reportTo, typedSearchAttributes } = workflowInfo()
  const delegationId = typedSearchAttributes.get(attributes.delegation)
  try {
    // begun means seen through, also when this workflow is cancelled
    await CancellationScope.nonCancellable(() =>
      startChild(scheduledAction, {
        workflowId: occurrenceId(id, at),
        workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
        parentClosePolicy: ParentClosePolicy.ABANDON,
        args: [{ view, ...delegation, maxLatenessMs: maxLatenessSeconds * 1000, keepTrust: true, reportTo }],
        memo: { view },
        staticSummary: name ?? titleOf(of),
        typedSearchAttributes: [
          { key: attributes.kind, value: 'action' },
          { key: attributes.state, value: view.state },
          { key: attributes.projectId, value: projectId },
          ...(delegationId === undefined ? [] : [{ key: attributes.delegation, value: delegationId }]),
        ],
      }),
    )
    return true
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false
    throw error
  }
}

/** Asks an occurrence to end; a call that is being made is seen through. Nothing happens when it has ended. */
export async function endOccurrence(id: string, at: string): Promise<void> {
  try {
    await getExternalWorkflowHandle(occurrenceId(id, at)).cancel()
  } catch (error) {
    if (isCancellation(error)) throw error
  }
}

/** Whether an occurrence still runs. */
export const occurrenceRuns = (id: string, at: string): Promise<boolean> => stillRuns(occurrenceId(id, at))

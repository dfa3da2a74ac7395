import { defineSignal, getExternalWorkflowHandle, isCancellation } from '@temporalio/workflow'

/** Does nothing, and reaches only a workflow that still runs. */
const areYouThere = defineSignal('areYouThere')

/** Whether another workflow still runs. One that has ended by itself has reported before this says no. */
export async function stillRuns(workflowId: string): Promise<boolean> {
  try {
    await getExternalWorkflowHandle(workflowId).signal(areYouThere)
    return true
  } catch (error) {
    if (isCancellation(error)) throw error
    return false
  }
}

import type { RunMove } from '../core/runbook.ts'
import { quick } from './steps.ts'

/** Has a run go on with the current code. Done by a worker, because only workers load runbooks; kept for the audit. */
export async function runMove({ workflowId, runId }: RunMove): Promise<void> {
  await quick('See that the steps of the run fit the current code, and move it').moveRun({ workflowId, runId })
}

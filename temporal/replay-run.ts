import type { Client } from '@temporalio/client'
import { ReplayError, Worker } from '@temporalio/worker'
import { DeterminismViolationError } from '@temporalio/workflow'
import { createDataConverter } from './data-converter.ts'
import type { Keys } from './keys.ts'
import { throughEngine } from './reach.ts'
import { differenceIn, wordsOf } from './replay-words.ts'
import type { RunReference } from './run-versions.ts'

const readWithinMs = 30_000

/**
 * Whether code comes to the very steps that a run has taken so far: says what differs, or nothing when all is the same.
 * @throws ENGINE_UNREACHABLE
 */
export async function differsFrom(
  { workflowId, runId }: RunReference,
  { client, keys, bundle }: { client: Client; keys: Keys; bundle: string },
): Promise<string | undefined> {
  const handle = client.workflow.getHandle(workflowId, runId)
  const history = await throughEngine(client, () => handle.fetchHistory(), readWithinMs)
  try {
    const options = {
      workflowBundle: { codePath: bundle },
      dataConverter: createDataConverter(keys),
      workflowThreadPoolSize: 1,
    }
    await Worker.runReplayHistory(options, history, workflowId)
    return undefined
  } catch (error) {
    if (error instanceof DeterminismViolationError || error instanceof ReplayError)
      return wordsOf(differenceIn(history, error.message))
    throw error
  }
}

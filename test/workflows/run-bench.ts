import { codeOf } from '../../core/errors.ts'
import type { LeaseGrounds } from '../../core/governor.ts'
import type { RunOrder } from '../../core/runbook.ts'
import { run } from '../../workflows/run.ts'
import type { RunView } from '../../workflows/sdk/record.ts'
import { useWorker, viewOf } from './engine.ts'
import type { Script } from './scripted.ts'

const grounds: LeaseGrounds = { requester: 'person', by: 'olga', why: 'maintenance', waitSeconds: 60 }

/** A worker for the tests of one runbook. */
export function useRunbooks(runbook: string) {
  const bench = useWorker()
  return {
    bench,
    /** Starts it in a world with these answers. */
    async begin(input: object, script: Script, more: Partial<RunOrder> = {}) {
      const cloud = bench.cloud(script)
      const order = { runbook, input, dryRun: false, by: 'olga', why: 'maintenance', ...more }
      const handle = await bench.client.workflow.start(run, {
        workflowId: `run-${cloud.host}`,
        taskQueue: bench.taskQueue,
        args: [order, grounds],
      })
      return {
        cloud,
        handle,
        view: () => viewOf<RunView>(handle),
        evidence: async () => (await handle.describe()).memo?.evidence,
        /** The code it fails with. */
        failed: () =>
          handle.result().then(
            () => undefined,
            (error: Error) => codeOf(error),
          ),
      }
    },
  }
}

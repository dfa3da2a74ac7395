import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { codeOf } from '../../core/errors.ts'
import { attributes } from '../../core/search-attributes.ts'
import { taskQueues } from '../../core/task-queues.ts'
import type { Stage } from '../../demo/stage/stage.ts'
import { connectClient } from '../../temporal/connection.ts'
import { loadKeys } from '../../temporal/keys.ts'
import { relieveHost } from '../../workflows/runbooks/relieve-host.ts'

/** Begins a run on a host on the grounds of a plan; says how it ends: `succeeded`, or the code it was refused with. */
export async function relieveAsPlanned({ ports, steward }: Stage, host: string): Promise<{ ended: Promise<string> }> {
  const engine = { connectionOptions: { address: `127.0.0.1:${ports.temporal}` }, namespace: 'default' }
  const { client, close } = await connectClient(engine, await loadKeys(join(steward.dataDir, 'keys.json')))
  const handle = await client.workflow.start(relieveHost, {
    workflowId: `run/planned/${randomUUID()}`,
    taskQueue: taskQueues.remediation,
    args: [
      {
        ...{ host, resource: 'vcpu', limit: 0.5, maxMoves: 10 },
        grounds: { requester: 'plan', by: 'nightly', why: 'a plan of the night', waitSeconds: 120 },
      },
    ],
    typedSearchAttributes: [
      { key: attributes.kind, value: 'run' },
      { key: attributes.target, value: host },
    ],
  })
  const ended = handle.result().then(
    () => 'succeeded',
    (error: unknown) => codeOf(error) ?? String(error),
  )
  return { ended: ended.finally(close) }
}

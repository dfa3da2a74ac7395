import { fileURLToPath } from 'node:url'
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker } from '@temporalio/worker'
import { createDataConverter, failureConverterPath } from '../../temporal/data-converter.ts'
import type { BenchEngine } from '../engine.ts'

export const bareQueue = 'bare-incidents'

/** A worker for the bare workflows, on the same engine and with the same encryption. */
export async function startBareWorker({ foundation }: BenchEngine): Promise<{ stop(): Promise<void> }> {
  const { keys, engine } = foundation
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('bare.ts', import.meta.url)),
    failureConverterPath,
    logger: new DefaultLogger('WARN'),
  })
  const connection = await NativeConnection.connect(engine.connectionOptions)
  const worker = await Worker.create({
    connection,
    namespace: engine.namespace,
    dataConverter: createDataConverter(keys),
    workflowBundle: { code },
    taskQueue: bareQueue,
    activities: { touch: async () => undefined },
  })
  const running = worker.run()
  return {
    async stop() {
      worker.shutdown()
      await running
      await connection.close()
    },
  }
}

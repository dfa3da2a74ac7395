import { fileURLToPath } from 'node:url'
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker } from '@temporalio/worker'
import got from 'got'
import { createDataConverter, failureConverterPath } from '../../temporal/data-converter.ts'
import type { BenchEngine } from '../engine.ts'
import { inLanes } from '../incidents/in-lanes.ts'
import type { BareActivities } from './workflows.ts'

export const bareQueue = 'bare'

/** A worker for the bare workflows, on the same engine and with the same encryption. */
export async function startBareWorker(
  { foundation }: BenchEngine,
  touch: BareActivities['touch'] = async () => undefined,
): Promise<{ stop(): Promise<void> }> {
  const { keys, engine } = foundation
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('workflows.ts', import.meta.url)),
    failureConverterPath,
    logger: new DefaultLogger('WARN'),
  })
  const connection = await NativeConnection.connect(engine.connectionOptions)
  const activities: BareActivities = {
    touch,
    callHttp: async () => undefined,
    readCloud: async () => undefined,
    async post(url) {
      await got.post(url, { json: {}, retry: { limit: 0 } })
    },
    async postAll(url, ids) {
      await inLanes(ids.length, 40, (at) =>
        got.post(`${url}/servers/${ids[at]}/action`, { json: {}, retry: { limit: 0 } }),
      )
    },
  }
  const worker = await Worker.create({
    connection,
    namespace: engine.namespace,
    dataConverter: createDataConverter(keys),
    workflowBundle: { code },
    taskQueue: bareQueue,
    activities: { ...activities },
    maxConcurrentActivityTaskExecutions: 50,
    // as Steward's own workers: what is due at once must not be given up by the only worker there is
    stickyQueueScheduleToStartTimeout: 30_000,
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

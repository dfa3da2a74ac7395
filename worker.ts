import { readConfig } from './boot/config-file.ts'
import { layFoundation } from './boot/foundation.ts'
import { createLog } from './boot/log.ts'
import { untilStopped } from './boot/until-stopped.ts'
import { startWorker } from './boot/worker.ts'
import { failure } from './core/errors.ts'
import { configuredEngine } from './temporal/connection.ts'

/** A worker alone, against the Temporal that TEMPORAL_ADDRESS or the profile names. */
export async function runWorker(configFile?: string): Promise<void> {
  const log = createLog('steward-worker')
  const engine = configuredEngine()
  if (!engine)
    throw failure('CONFIG_INVALID', 'steward worker needs TEMPORAL_ADDRESS; `steward up` brings its own Temporal')
  const foundation = await layFoundation(await readConfig(configFile), engine)
  const worker = await startWorker(foundation, log)
  log.info('the worker runs')
  await Promise.race([untilStopped(), worker.done])
  await worker.stop()
  await foundation.close()
}

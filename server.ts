import { startApi } from './boot/api.ts'
import { readConfig } from './boot/config-file.ts'
import { layFoundation } from './boot/foundation.ts'
import { createLog } from './boot/log.ts'
import { untilStopped } from './boot/until-stopped.ts'
import { failure } from './core/errors.ts'
import { configuredEngine } from './temporal/connection.ts'

/** The API alone, against the Temporal that TEMPORAL_ADDRESS or the profile names. */
export async function runServer(configFile?: string): Promise<void> {
  const log = createLog('steward-api')
  const engine = configuredEngine()
  if (!engine)
    throw failure('CONFIG_INVALID', 'steward api needs TEMPORAL_ADDRESS; `steward up` brings its own Temporal')
  const foundation = await layFoundation(await readConfig(configFile), engine)
  const api = await startApi(foundation, log)
  log.info({ url: api.url }, 'the API listens')
  await untilStopped()
  await api.stop()
  await foundation.close()
}

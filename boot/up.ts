import type { Logger } from 'pino'
import type { Config } from '../core/config.ts'
import { configuredEngine } from '../temporal/connection.ts'
import { type Embedded, startEmbedded } from '../temporal/embedded.ts'
import { startApi } from './api.ts'
import { layFoundation } from './foundation.ts'
import { startWorker } from './worker.ts'

export interface Running {
  readonly url: string
  readonly codecUrl: string
  /** Undefined when Temporal is somebody else's. */
  readonly temporalUiUrl: string | undefined
  readonly temporalPid: number | undefined
  /** Rejects when a part ends that nobody stopped. */
  readonly failed: Promise<never>
  /** Takes nothing more, finishes what has begun, then stops; repeatable. */
  stop(): Promise<void>
}

/** API, worker and, unless one is configured, an embedded Temporal, in one process. @throws CONFIG_INVALID, ENGINE_UNREACHABLE */
export async function startAll(config: Config, log: Logger, progress?: (line: string) => void): Promise<Running> {
  const stops: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (let last = stops.pop(); last; last = stops.pop()) await last()
  }
  try {
    const configured = configuredEngine()
    const embedded = configured ? undefined : await startEngine(config, progress)
    if (embedded) stops.push(embedded.stop)
    const engine = configured ?? embedded?.engine
    if (!engine) throw new Error('unreachable: there is an engine or an exception')
    const foundation = await layFoundation(config, engine)
    stops.push(foundation.close)
    const worker = await startWorker(foundation, log)
    stops.push(worker.stop)
    const api = await startApi(foundation, log, embedded ? originsOf(embedded.uiUrl) : [])
    stops.push(api.stop)

    const engineEnded = embedded?.died.then((sentence) => Promise.reject(new Error(sentence)))
    const workerEnded = worker.done.then(() => new Promise<never>(() => undefined))
    const failed = Promise.race([workerEnded, ...(engineEnded ? [engineEnded] : [])])
    failed.catch(() => undefined)
    const { url, codecUrl } = api
    return { url, codecUrl, temporalUiUrl: embedded?.uiUrl, temporalPid: embedded?.pid, failed, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function startEngine(config: Config, progress?: (line: string) => void): Promise<Embedded> {
  const { dataDir, temporal, codec } = config
  const codecUrl = `http://${codec.host}:${codec.port}`
  return startEmbedded({ dataDir, ...temporal, codecUrl, ...(progress && { progress }) })
}

/** People open the UI by either name of loopback. */
const originsOf = (uiUrl: string) => [uiUrl, uiUrl.replace('127.0.0.1', 'localhost')]

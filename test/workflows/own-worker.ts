import { pino } from 'pino'
import { layFoundation } from '../../boot/foundation.ts'
import { startWorker } from '../../boot/worker.ts'
import { Config } from '../../core/config.ts'

/** How tests start `steward worker` with runbooks of its own: `node --import tsx own-worker.ts '<JSON>'`, with a channel. */
export interface OwnWorkerOptions {
  address: string
  dataDir: string
  /** With the runbooks. */
  folder: string
}

/** What it says: a line of its log, or that it has started. */
export type Said = { readonly msg: string; readonly build?: string; readonly runs?: number } | 'started'

const { address, dataDir, folder } = JSON.parse(process.argv[2] ?? '{}') as OwnWorkerOptions
const say = (said: Said) => process.send?.(said)
// nobody is left to serve
process.on('disconnect', () => process.exit(1))

const config = Config.parse({
  dataDir,
  runbooks: { folders: [folder], beside: folder },
  worker: { metrics: { port: 0 } },
})
const engine = { connectionOptions: { address }, namespace: 'default' }
const log = pino({ level: 'info' }, { write: (line: string) => say(JSON.parse(line)) })
const worker = await startWorker(await layFoundation(config, engine), log, { lookMs: 500, askedWithinMs: 3_000 })
say('started')
await worker.done

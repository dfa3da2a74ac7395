import { setTimeout as sleep } from 'node:timers/promises'
import { type ActivityInterceptorsFactory, Worker } from '@temporalio/worker'
import { holdToDeclared } from '../../activities/declared.ts'
import { createActivities } from '../../activities/index.ts'
import { readConfig } from '../../boot/config-file.ts'
import { layFoundation } from '../../boot/foundation.ts'
import { bundleWithOwn } from '../../boot/own-runbooks.ts'
import { sideEffects } from '../../core/audit.ts'
import { buildIdOf } from '../../temporal/bundle.ts'
import { connectWorker } from '../../temporal/connection.ts'
import { createDataConverter } from '../../temporal/data-converter.ts'
import { quietRuntime } from '../../test/workflows/quiet-runtime.ts'

/** How the crash part starts this process: `node --import tsx mortal-worker.ts '<JSON>'`, with a channel to talk on. */
export interface MortalWorkerOptions {
  readonly configFile: string
  readonly address: string
  readonly taskQueue: string
}

/** Where a worker is to die, and where its run is cancelled: at which side effect, counted from 1. */
export interface Fate {
  readonly workflowId: string
  readonly kill?: { readonly at: number; readonly moment: 'before' | 'during' | 'after' }
  readonly cancelAt?: number
}

/** What it says to whoever started it. */
export type Said =
  | { readonly what: 'ready' | 'told' }
  /** It is where it is to die, and does nothing any more. */
  | { readonly what: 'there'; readonly workflowId: string }
  | { readonly what: 'effect'; readonly workflowId: string; readonly name: string }

/** Killed so long after the side effect has begun at the latest: its call has gone out, and its end is still to come. */
const midwayMs = 1_200

const { configFile, address, taskQueue } = JSON.parse(process.argv[2] ?? '{}') as MortalWorkerOptions
const say = (said: Said) => process.send?.(said)
const never = new Promise<never>(() => undefined)
// nobody is left to work for
process.on('disconnect', () => process.exit(1))

let fate: (Fate & { effects: number; isThere: boolean; isNext: boolean }) | undefined
process.on('message', (given: Fate) => {
  fate = { ...given, effects: 0, isThere: false, isNext: false }
  say({ what: 'told' })
})

quietRuntime()
const config = await readConfig(configFile)
const foundation = await layFoundation(config, { connectionOptions: { address }, namespace: 'default' })

/** Stands still for ever: the process is about to be killed. */
function stand(workflowId: string): Promise<never> {
  if (fate && !fate.isThere) {
    fate.isThere = true
    say({ what: 'there', workflowId })
  }
  return never
}

/** Does what Steward's activities do, until the moment it is to die at. */
const mortal: ActivityInterceptorsFactory = ({ info }) => ({
  inbound: {
    async execute(input, next) {
      const workflowId = info.workflowExecution?.workflowId ?? ''
      if (fate?.workflowId !== workflowId) return next(input)
      if (fate.isThere || fate.isNext) return stand(workflowId)
      const name = info.activityType as keyof typeof sideEffects
      if (typeof sideEffects[name] !== 'object') return next(input)
      fate.effects += 1
      say({ what: 'effect', workflowId, name })
      const moment = fate.kill?.at === fate.effects ? fate.kill.moment : undefined
      if (moment === 'before') return stand(workflowId)
      if (fate.cancelAt === fate.effects) await foundation.client.workflow.getHandle(workflowId).cancel()
      if (moment === 'during') {
        await Promise.race([next(input), sleep(midwayMs)])
        return stand(workflowId)
      }
      const answer = await next(input)
      fate.isNext = moment === 'after'
      return answer
    },
  },
})

const bundle = await bundleWithOwn(config.runbooks)
const build = { id: await buildIdOf(bundle), bundle }
const worker = await Worker.create({
  connection: await connectWorker(foundation.engine),
  namespace: foundation.engine.namespace,
  taskQueue,
  dataConverter: createDataConverter(foundation.keys),
  workflowBundle: { codePath: bundle },
  activities: { ...createActivities({ ...foundation, build, leaving: new AbortController().signal }) },
  interceptors: { activity: [holdToDeclared, mortal] },
  workflowThreadPoolSize: 1,
})
const running = worker.run()
say({ what: 'ready' })
await running

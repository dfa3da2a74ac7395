import { createServer } from 'node:http'
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client'
import { Runtime, Worker, type WorkerOptions } from '@temporalio/worker'
import type { Logger } from 'pino'
import { holdToDeclared } from '../activities/declared.ts'
import { createActivities } from '../activities/index.ts'
import { createMetrics } from '../api/metrics.ts'
import { attributes } from '../core/search-attributes.ts'
import { taskQueues } from '../core/task-queues.ts'
import { buildIdOf } from '../temporal/bundle.ts'
import { connectWorker } from '../temporal/connection.ts'
import { createDataConverter } from '../temporal/data-converter.ts'
import { createDelegationSweep } from '../temporal/delegation-sweep.ts'
import { prepareNamespace } from '../temporal/namespace.ts'
import { createRunBundles } from '../temporal/run-bundles.ts'
import { createRunVersions } from '../temporal/run-versions.ts'
import { createRunbookList } from '../temporal/runbook-list.ts'
import { serviceWatch, serviceWatchId } from '../workflows/service-watch.ts'
import type { Foundation } from './foundation.ts'
import { bundleWithOwn } from './own-runbooks.ts'
import { startRunWorkers } from './run-workers.ts'
import { testTrusts } from './trust-test.ts'

export interface RunningWorker {
  /** Resolves when all workers have drained, rejects when one of them failed. */
  readonly done: Promise<void>
  /** Takes no new tasks and finishes the ones at work; a call that is being made ends first. */
  stop(): Promise<void>
}

/** A call that Steward has begun may take this long to end before the process leaves. */
const graceMs = 90_000
/**
 * An action waits so long for the worker that has it in memory. After less, a mass of due actions would give up the one
 * worker there is, and have every history read and replayed by the very same.
 */
const stickyMs = 30_000

/** Starts the workers of all task queues and the watch over Nova's services. */
export async function startWorker(
  foundation: Foundation,
  log: Logger,
  times: { lookMs?: number; askedWithinMs?: number } = {},
): Promise<RunningWorker> {
  const { config, engine, client, keys } = foundation
  installRuntime(log)
  const { retentionDays } = await prepareNamespace(client, config.temporal.retentionDays)
  log.info({ retentionDays }, 'closed runs are kept for audit')
  const connection = await connectWorker(engine)
  const leaving = new AbortController()
  const bundle = await bundleWithOwn(config.runbooks)
  const build = { id: await buildIdOf(bundle), bundle }
  const shared = {
    connection,
    namespace: engine.namespace,
    dataConverter: createDataConverter(keys),
    activities: { ...createActivities({ ...foundation, build, leaving: leaving.signal }) },
    interceptors: { activity: [holdToDeclared] },
    shutdownGraceTime: graceMs,
  } satisfies Partial<WorkerOptions>
  const unversioned = { ...shared, workflowBundle: { codePath: bundle } }
  const workers = await Promise.all([
    Worker.create({
      ...unversioned,
      taskQueue: taskQueues.remediation,
      maxConcurrentActivityTaskExecutions: 50,
      workflowThreadPoolSize: 1,
    }),
    Worker.create({
      ...unversioned,
      taskQueue: taskQueues.actions,
      maxConcurrentActivityTaskExecutions: 50,
      stickyQueueScheduleToStartTimeout: stickyMs,
    }),
    Worker.create({ ...unversioned, taskQueue: taskQueues.governor, workflowThreadPoolSize: 1 }),
  ])
  const running = Promise.all(workers.map((worker) => worker.run()))
  // whoever awaits `done` hears of it; until then an early failure must not end the process by itself
  running.catch(() => undefined)
  void testTrusts(foundation, log)
  const [runs] = await Promise.all([
    startRunWorkers({
      ...{ shared, build, log, ...times },
      versions: createRunVersions(client, times.askedWithinMs),
      bundles: createRunBundles(config.dataDir),
      mostFormer: config.worker.formerBuilds,
    }),
    foundation.governor.configure(),
    startWatch(foundation),
    createDelegationSweep(client).look(),
  ])
  const done = Promise.all([running, runs.done])
    .then(() => undefined)
    .finally(() => connection.close())
  done.catch(() => undefined)
  await createRunbookList(client).renew()
  const probe = await serveProbe(
    config.worker.metrics,
    () => runs.isRunning() && workers.every((w) => w.getState() === 'RUNNING'),
  )
  return {
    done,
    async stop() {
      leaving.abort()
      runs.stop()
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown()
      await done
      await new Promise((resolve) => probe.close(resolve))
    },
  }
}

/** One in the whole installation: the id sees to it. */
async function startWatch({ client, config }: Foundation): Promise<void> {
  if (!config.policies.some((policy) => policy.kind === 'binary')) return
  try {
    await client.workflow.start(serviceWatch, {
      workflowId: serviceWatchId,
      taskQueue: taskQueues.remediation,
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: "Watches Nova's services",
      typedSearchAttributes: [{ key: attributes.kind, value: 'watch' }],
    })
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
  }
}

let installed = false

/** The SDK's core logs through our logger, warnings and worse; it can be told so once per process. */
function installRuntime(log: Logger): void {
  if (installed) return
  installed = true
  Runtime.install({
    logger: {
      log: (level, message, meta) => write(level, message, meta),
      trace: (message, meta) => write('TRACE', message, meta),
      debug: (message, meta) => write('DEBUG', message, meta),
      info: (message, meta) => write('INFO', message, meta),
      warn: (message, meta) => write('WARN', message, meta),
      error: (message, meta) => write('ERROR', message, meta),
    },
    telemetryOptions: { logging: { filter: 'temporal_sdk_core=WARN', forward: {} } },
    shutdownSignals: [],
  })
  function write(level: string, message: string, meta?: object) {
    const name = level.toLowerCase() as 'trace' | 'debug' | 'info' | 'warn' | 'error'
    // the SDK says at INFO what is our own doing
    log[name === 'info' ? 'debug' : name]({ ...meta }, message)
  }
}

/** `/healthz`: does this worker run? `/metrics`: its process, for Prometheus. */
async function serveProbe({ host, port }: { host: string; port: number }, isRunning: () => boolean) {
  const metrics = createMetrics()
  const server = createServer(async ({ url }, response) => {
    if (url === '/metrics') {
      response.setHeader('content-type', metrics.contentType)
      response.end(await metrics.metrics())
      return
    }
    response.statusCode = url === '/healthz' ? (isRunning() ? 200 : 503) : 404
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ running: isRunning() }))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return server
}

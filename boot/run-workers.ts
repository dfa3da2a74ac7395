import { Worker, type WorkerOptions } from '@temporalio/worker'
import type { Logger } from 'pino'
import type { RunBuild } from '../activities/run-moves.ts'
import { messageOf } from '../core/errors.ts'
import { taskQueues } from '../core/task-queues.ts'
import { type FormerBuild, serveFormer } from '../policies/former-builds.ts'
import type { RunBundles } from '../temporal/run-bundles.ts'
import { deploymentOf, type RunVersions } from '../temporal/run-versions.ts'

export interface RunWorkersOptions {
  /** What all workers of this process have in common. */
  readonly shared: Omit<WorkerOptions, 'taskQueue' | 'workflowBundle'>
  readonly build: RunBuild
  readonly versions: RunVersions
  readonly bundles: RunBundles
  readonly log: Pick<Logger, 'info' | 'warn'>
  /** Former code that is served at the same time: each has a thread and a bundle of its own in memory. */
  readonly mostFormer: number
  /** Between two looks at which former code is still needed. */
  readonly lookMs?: number
}

export interface RunWorkers {
  /** Resolves when all have drained, rejects when the one of the current code failed. */
  readonly done: Promise<void>
  isRunning(): boolean
  stop(): void
}

interface Serving {
  readonly worker: Worker
  readonly ended: Promise<void>
}

const usualLookMs = 60_000
/** Runs on former code become fewer, so it gets little: this many runs in memory, and this many tasks at once. */
const former = {
  workflowThreadPoolSize: 1,
  maxCachedWorkflows: 50,
  maxConcurrentWorkflowTaskExecutions: 5,
  maxConcurrentActivityTaskExecutions: 20,
} as const

/**
 * Serves runs: those that begin now on the code this worker has, and those under way on the code they began with, whose
 * bundle is kept in the data folder.
 */
export async function startRunWorkers(options: RunWorkersOptions): Promise<RunWorkers> {
  const { shared, build, versions, bundles, log, mostFormer, lookMs = usualLookMs } = options
  const parts = { ...shared, taskQueue: taskQueues.runs, workflowBundle: { codePath: build.bundle } }
  // an incident and its run have tasks at the same moment: each queue has a thread of its own
  const slots = { maxConcurrentActivityTaskExecutions: 50, workflowThreadPoolSize: 1 }
  if (!(await versions.areOffered())) {
    log.warn('Temporal has no worker deployments for us: a changed runbook also changes the runs under way')
    return alone(await Worker.create({ ...parts, ...slots }))
  }
  await bundles.keep(build.id, build.bundle)
  const current = await Worker.create({ ...parts, ...slots, workerDeploymentOptions: deploymentOf(build.id) })
  const serving = new Map<string, Serving>()
  const said = new Set<string>()
  let isLeaving = false
  let timer: NodeJS.Timeout | undefined

  async function serve(buildId: string): Promise<void> {
    const codePath = bundles.pathOf(buildId)
    const workerDeploymentOptions = deploymentOf(buildId)
    const worker = await Worker.create({ ...parts, ...former, workflowBundle: { codePath }, workerDeploymentOptions })
    const ended = worker
      .run()
      // the next look begins it anew
      .catch((error: unknown) =>
        log.warn({ build: buildId, reason: messageOf(error) }, 'a worker of former code failed'),
      )
      .finally(() => serving.delete(buildId))
    serving.set(buildId, { worker, ended })
    log.info({ build: buildId }, 'runs under way go on with the code they began with')
    if (isLeaving) worker.shutdown()
  }

  function sayOnce(builds: readonly FormerBuild[], sentence: string): void {
    for (const { id, openRuns } of builds) {
      if (said.has(`${id} ${sentence}`)) continue
      said.add(`${id} ${sentence}`)
      log.warn({ build: id, runs: openRuns }, sentence)
    }
  }

  async function look(): Promise<void> {
    const [known, asking] = await Promise.all([versions.builds(), versions.served()])
    const builds: FormerBuild[] = []
    for (const { id, isDrained } of known.filter((one) => one.id !== build.id)) {
      const openRuns = isDrained ? 0 : await versions.openRuns(id)
      builds.push({ id, isDrained, openRuns, isServed: asking.has(id) && !serving.has(id) })
    }
    const kept = (await bundles.list()).filter(({ buildId }) => buildId !== build.id)
    const {
      serve: wanted,
      missing,
      beyond,
      forget,
    } = serveFormer({ builds, kept, most: mostFormer, nowMs: Date.now() })
    for (const [id, { worker }] of serving) {
      if (wanted.includes(id) || worker.getState() !== 'RUNNING') continue
      log.info({ build: id }, 'no run needs this former code any more')
      worker.shutdown()
    }
    sayOnce(
      missing,
      'runs wait for code that no worker has: start one that has it, or `steward run move` or cancel them',
    )
    sayOnce(beyond, 'runs wait for their code: this worker serves as much former code as `worker.formerBuilds` lets it')
    for (const id of forget) await bundles.forget(id)
    for (const id of wanted) if (!serving.has(id) && !isLeaving) await serveIfPossible(id)
  }

  async function serveIfPossible(buildId: string): Promise<void> {
    try {
      await serve(buildId)
    } catch (error) {
      const build = { id: buildId, openRuns: 0, isDrained: false, isServed: false }
      sayOnce([build], `runs wait for former code that cannot be loaded: ${messageOf(error)}`)
    }
  }

  let looking = Promise.resolve()
  const lookAgain = () => {
    looking = look()
      .catch((error: unknown) => log.warn({ reason: messageOf(error) }, 'cannot see which former code is needed'))
      .finally(() => {
        if (!isLeaving) timer = setTimeout(lookAgain, lookMs)
      })
    return looking
  }
  const leave = () => {
    isLeaving = true
    clearTimeout(timer)
    for (const { worker } of [{ worker: current }, ...serving.values()]) end(worker)
  }
  const done = current.run().finally(async () => {
    leave()
    await looking
    await Promise.all([...serving.values()].map(({ ended }) => ended))
  })
  // whoever awaits `done` hears of it
  done.catch(() => undefined)
  await Promise.all([lookAgain(), versions.makeCurrent(build.id)])
  return { done, isRunning: () => current.getState() === 'RUNNING', stop: leave }
}

function alone(worker: Worker): RunWorkers {
  const done = worker.run()
  done.catch(() => undefined)
  return { done, isRunning: () => worker.getState() === 'RUNNING', stop: () => end(worker) }
}

function end(worker: Worker): void {
  if (worker.getState() === 'RUNNING') worker.shutdown()
}

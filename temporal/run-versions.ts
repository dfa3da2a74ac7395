import type { Client, WorkflowExecutionDescription } from '@temporalio/client'
import { isGrpcServiceError, ServiceError } from '@temporalio/client'
import proto from '@temporalio/proto'
import type { RunVersion } from '../core/runbook.ts'
import { taskQueues } from '../core/task-queues.ts'
import { quoted } from './incident-list.ts'
import { throughEngine } from './reach.ts'

/** Code that runs have begun with, by the id of its build, as the engine knows it. */
export interface KnownBuild {
  readonly id: string
  /** Runs begin with this one. */
  readonly isCurrent: boolean
  /** The engine has seen that no run is bound to it any more. */
  readonly isDrained: boolean
}

export interface RunReference {
  readonly workflowId: string
  readonly runId: string
}

/** Which code runs are bound to: each version of the worker deployment `steward-runs` is one build of the bundle. */
export interface RunVersions {
  /** Whether this engine has versions, and lets us use them. @throws ENGINE_UNREACHABLE */
  areOffered(): Promise<boolean>
  /** Newest first. @throws ENGINE_UNREACHABLE */
  builds(): Promise<KnownBuild[]>
  /** Runs that are bound to this build and have not ended. @throws ENGINE_UNREACHABLE */
  openRuns(buildId: string): Promise<number>
  /** Builds that a worker somewhere asks for work for. @throws ENGINE_UNREACHABLE */
  served(): Promise<ReadonlySet<string>>
  /** Has runs begin with this build. Waits for the engine to have heard of its worker. @throws ENGINE_UNREACHABLE */
  makeCurrent(buildId: string): Promise<void>
  /** Binds a run to this build. @throws ENGINE_UNREACHABLE */
  bind(run: RunReference, buildId: string): Promise<void>
  /** Of an open run that is bound to a build. @throws ENGINE_UNREACHABLE */
  versionOf(info: WorkflowExecutionDescription): Promise<RunVersion | undefined>
}

const { TaskQueueType, VersionDrainageStatus } = proto.temporal.api.enums.v1
const { PinnedOverrideBehavior } = proto.temporal.api.workflow.v1.VersioningOverride
const grpc = { notFound: 5, permissionDenied: 7, failedPrecondition: 9, unimplemented: 12 } as const

const deploymentName = taskQueues.runs
/** A worker asks again at least once a minute. */
const usuallyAskedWithinMs = 75_000
const knownWithinMs = 60_000
const pauseMs = 200

/** What a worker says of the code it has. */
export const deploymentOf = (buildId: string) =>
  ({
    useWorkerVersioning: true,
    version: { deploymentName, buildId },
    defaultVersioningBehavior: 'PINNED',
  }) as const

export function createRunVersions(client: Client, askedWithinMs = usuallyAskedWithinMs): RunVersions {
  const { namespace } = client.options
  const service = client.workflowService
  const ask = <T>(call: () => Promise<T>) => throughEngine(client, call)

  async function builds(): Promise<KnownBuild[]> {
    try {
      const { workerDeploymentInfo } = await ask(() => service.describeWorkerDeployment({ namespace, deploymentName }))
      const current = workerDeploymentInfo?.routingConfig?.currentDeploymentVersion?.buildId
      const summaries = workerDeploymentInfo?.versionSummaries ?? []
      return summaries
        .map(({ deploymentVersion, drainageStatus, createTime }) => ({
          id: deploymentVersion?.buildId ?? '',
          isCurrent: deploymentVersion?.buildId === current,
          isDrained: drainageStatus === VersionDrainageStatus.VERSION_DRAINAGE_STATUS_DRAINED,
          since: Number(createTime?.seconds ?? 0),
        }))
        .sort((a, b) => b.since - a.since)
    } catch (error) {
      if (grpcCodeOf(error) === grpc.notFound) return []
      throw error
    }
  }

  async function served(): Promise<ReadonlySet<string>> {
    const taskQueue = { name: taskQueues.runs }
    const { pollers } = await ask(() =>
      service.describeTaskQueue({ namespace, taskQueue, taskQueueType: TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW }),
    )
    const since = (Date.now() - askedWithinMs) / 1000
    const lately = (pollers ?? []).filter(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) > since)
    return new Set(lately.flatMap(({ deploymentOptions }) => deploymentOptions?.buildId ?? []))
  }

  const setCurrent = (buildId: string) =>
    ask(() => service.setWorkerDeploymentCurrentVersion({ namespace, deploymentName, buildId, identity: 'steward' }))

  return {
    builds,
    served,

    async areOffered() {
      try {
        // whoever has switched them off still lets them be read, so this asks for what cannot be
        await setCurrent('of nobody')
      } catch (error) {
        const code = grpcCodeOf(error)
        if (code === grpc.unimplemented || code === grpc.permissionDenied) return false
        if (!isUnheardOf(error)) throw error
      }
      return true
    },

    async openRuns(buildId) {
      const version = quoted(`${deploymentName}:${buildId}`)
      const query = `ExecutionStatus = 'Running' AND TemporalWorkerDeploymentVersion = ${version}`
      return (await ask(() => client.workflow.count(query))).count
    },

    async makeCurrent(buildId) {
      for (const deadline = Date.now() + knownWithinMs; ; await new Promise((next) => setTimeout(next, pauseMs))) {
        try {
          const isDone = (await builds()).some(({ id, isCurrent }) => id === buildId && isCurrent)
          if (!isDone) await setCurrent(buildId)
          return
        } catch (error) {
          if (!isUnheardOf(error) || Date.now() > deadline) throw error
        }
      }
    },

    async bind(workflowExecution, buildId) {
      const version = { deploymentName, buildId }
      const behavior = PinnedOverrideBehavior.PINNED_OVERRIDE_BEHAVIOR_PINNED
      await ask(() =>
        service.updateWorkflowExecutionOptions({
          namespace,
          workflowExecution,
          workflowExecutionOptions: { versioningOverride: { pinned: { behavior, version } } },
          updateMask: { paths: ['versioning_override'] },
        }),
      )
    },

    async versionOf({ raw, status }) {
      const build = buildOf(raw)
      if (build === undefined || status.name !== 'RUNNING') return undefined
      const [known, asking] = await Promise.all([builds(), served()])
      return {
        build,
        isCurrent: known.some(({ id, isCurrent }) => id === build && isCurrent),
        isServed: asking.has(build),
      }
    },
  }
}

/** What somebody has moved a run to comes before what it has begun with. */
export function buildOf(raw: WorkflowExecutionDescription['raw']): string | undefined {
  const { deploymentVersion, versioningOverride } = raw.workflowExecutionInfo?.versioningInfo ?? {}
  return versioningOverride?.pinned?.version?.buildId ?? deploymentVersion?.buildId ?? undefined
}

/** The engine has not heard yet of the worker, or of any. */
function isUnheardOf(error: unknown): boolean {
  const code = grpcCodeOf(error)
  return code === grpc.notFound || code === grpc.failedPrecondition
}

function grpcCodeOf(error: unknown): number | undefined {
  const cause = error instanceof ServiceError ? error.cause : error
  return isGrpcServiceError(cause) ? cause.code : undefined
}

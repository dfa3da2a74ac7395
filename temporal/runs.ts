import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionInfo,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from '@temporalio/client'
import { codeOf, failure } from '../core/errors.ts'
import type { LeaseGrounds } from '../core/governor.ts'
import { endedRunStates, Run, type RunMove, type RunOrder, type RunState } from '../core/runbook.ts'
import { attributes } from '../core/search-attributes.ts'
import { taskQueues } from '../core/task-queues.ts'
import { run as runWorkflow } from '../workflows/run.ts'
import { runMove } from '../workflows/run-move.ts'
import { answerRun } from '../workflows/sdk/questions.ts'
import { quoted } from './incident-list.ts'
import { historyPage, type Page, type PageWish, pageOf } from './page.ts'
import { engineTimeoutMs, throughEngine } from './reach.ts'
import { createRunVersions } from './run-versions.ts'

export interface RunFilter {
  readonly states?: readonly RunState[]
  readonly runbook?: string
}

/** Runs of runbooks, whoever started them: people, incidents. */
export interface Runs {
  /** @returns false when there is one with this id already */
  start(id: string, order: RunOrder, grounds: LeaseGrounds, fingerprint?: string): Promise<boolean>
  /** The run with this id and the fingerprint it was started with, if there is one. */
  taken(id: string): Promise<{ run: Run; fingerprint?: string } | undefined>
  /** @throws RUN_NOT_FOUND */
  show(id: string): Promise<Run>
  /** Its history by pages, as the engine keeps it: encrypted. @throws RUN_NOT_FOUND, INPUT_INVALID like `list` */
  history(id: string, wish: PageWish): Promise<Page<object>>
  /** By pages: those that run come first, newest first. @throws INPUT_INVALID when `page` is no page of such a list */
  list(wish: PageWish & RunFilter): Promise<Page<Run>>
  /** Has a run take back what it did and end; the run as it is then. @throws RUN_NOT_FOUND, RUN_ENDED, RUN_OF_ANOTHER */
  cancel(id: string): Promise<Run>
  /**
   * Has an open run go on with the code that runs begin with now.
   * @throws RUN_NOT_FOUND, RUN_ENDED, RUN_UNVERSIONED, RUN_INCOMPATIBLE, RUN_NOT_MOVED
   */
  move(id: string, grounds: RunMove['grounds']): Promise<Run>
  /** @throws RUN_NOT_FOUND, RUN_ENDED, QUESTION_CLOSED */
  answer(id: string, answer: { questionId: string; by: string; yes: boolean; why?: string }): Promise<Run>
}

const usuallyMovedWithinMs = 45_000

export function createRuns(
  client: Client,
  taskQueue: string = taskQueues.runs,
  movedWithinMs = usuallyMovedWithinMs,
): Runs {
  const versions = createRunVersions(client)
  const ownId = (id: string) => `run/by-hand/${id}`

  async function described(workflowId: string, runId?: string) {
    try {
      return await client.workflow.getHandle(workflowId, runId).describe()
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined
      throw error
    }
  }

  /** Those that people started are found by their own id at once; those of incidents by the id of their run. */
  async function find(id: string) {
    const own = await described(ownId(id))
    if (own) return own
    const query = `StewardKind = 'run' AND RunId = ${quoted(id)}`
    for await (const { workflowId, runId } of client.workflow.list({ query, pageSize: 1 }))
      return described(workflowId, runId)
    return undefined
  }

  async function found(id: string) {
    const info = await find(id)
    const run = info && runOf(info)
    if (run) return { run, info }
    throw failure('RUN_NOT_FOUND', `there is no run ${id}`)
  }

  async function shown(id: string): Promise<Run> {
    const { run, info } = await found(id)
    const version = await versions.versionOf(info)
    return version ? { ...run, version } : run
  }

  async function stillRunning(id: string) {
    const { run, info } = await found(id)
    const { workflowId, runId } = info
    if (info.status.name === 'RUNNING' && !endedRunStates.has(run.state))
      return { runId, handle: client.workflow.getHandle(workflowId, runId) }
    throw failure('RUN_ENDED', `run ${id} has ${run.state}: ${run.summary ?? ''}`)
  }

  return {
    start: (id, order, grounds, fingerprint) =>
      throughEngine(client, async () => {
        try {
          await client.workflow.start(runWorkflow, {
            workflowId: ownId(id),
            taskQueue,
            workflowIdReusePolicy: 'REJECT_DUPLICATE',
            args: [order, grounds],
            memo: { id, ...(fingerprint !== undefined && { fingerprint }) },
            staticSummary: `${order.runbook}${order.dryRun ? ' (dry run)' : ''}: ${order.why}`.slice(0, 200),
            typedSearchAttributes: [
              { key: attributes.kind, value: 'run' },
              { key: attributes.state, value: 'waiting' },
              { key: attributes.runbook, value: order.runbook },
            ],
          })
          return true
        } catch (error) {
          if (error instanceof WorkflowExecutionAlreadyStartedError) return false
          throw error
        }
      }),

    taken: (id) =>
      throughEngine(client, async () => {
        const info = await described(ownId(id))
        const run = info && runOf(info)
        if (!run) return undefined
        const fingerprint = info.memo?.fingerprint
        return { run, ...(typeof fingerprint === 'string' && { fingerprint }) }
      }),

    show: (id) => throughEngine(client, () => shown(id)),

    history: (id, wish) => throughEngine(client, async () => historyPage(client, (await found(id)).info, wish)),

    list: ({ states, runbook, ...wish }) =>
      throughEngine(client, () => {
        const conditions = [
          "StewardKind = 'run'",
          states && `StewardState IN (${states.map(quoted).join(', ')})`,
          runbook !== undefined && `StewardRunbook = ${quoted(runbook)}`,
        ]
        return pageOf(client, conditions.filter(Boolean).join(' AND '), wish, runOf)
      }),

    cancel: (id) =>
      throughEngine(client, async () => {
        const { handle } = await stillRunning(id)
        // whoever waits for it would take its cancellation for its own
        if (handle.workflowId !== ownId(id))
          throw failure('RUN_OF_ANOTHER', `run ${id} was not started by a person: ${handle.workflowId}`)
        await handle.cancel()
        return (await found(id)).run
      }),

    move: (id, grounds) =>
      throughEngine(
        client,
        async () => {
          const { runId, handle } = await stillRunning(id)
          const move: RunMove = { workflowId: handle.workflowId, runId, grounds }
          await client.workflow.execute(runMove, {
            workflowId: `run-move/${runId}`,
            taskQueue,
            workflowIdConflictPolicy: 'USE_EXISTING',
            // nobody shall find it moved who has been told that it was not
            workflowExecutionTimeout: movedWithinMs,
            args: [move],
            staticSummary: `moves a run to the current code: ${grounds.why}`.slice(0, 200),
            typedSearchAttributes: [{ key: attributes.kind, value: 'run-move' }],
          })
          return shown(id)
        },
        movedWithinMs + engineTimeoutMs,
      ).catch(notMoved),

    answer: (id, answer) =>
      throughEngine(
        client,
        async () => {
          const { handle } = await stillRunning(id)
          await handle.executeUpdate(answerRun, { args: [answer] })
          return (await found(id)).run
        },
        3 * engineTimeoutMs,
      ),
  }
}

function notMoved(error: unknown): never {
  const isLate = error instanceof WorkflowFailedError && codeOf(error) === undefined
  throw isLate ? failure('RUN_NOT_MOVED', 'no worker has taken up the move in time') : error
}

type Described = Pick<
  WorkflowExecutionInfo,
  'memo' | 'runId' | 'workflowId' | 'startTime' | 'closeTime' | 'status' | 'typedSearchAttributes'
>

/** A run whose first step is still to come has no view yet; one that was terminated says nothing of it itself. */
function runOf({
  memo,
  runId,
  workflowId,
  startTime,
  closeTime,
  status,
  typedSearchAttributes: found,
}: Described): Run | undefined {
  const view = (memo?.view ?? {}) as Partial<Run>
  const parsed = Run.safeParse({
    ...{ runbook: found.get(attributes.runbook), state: 'waiting', targets: [], notes: [] },
    ...view,
    ...(memo?.evidence !== undefined && { evidence: memo.evidence }),
    ...{ id: typeof memo?.id === 'string' ? memo.id : runId, workflowId },
    startedAt: startTime.toISOString(),
    ...(closeTime && { endedAt: closeTime.toISOString() }),
  })
  if (!parsed.success) return undefined
  const run = parsed.data
  if (status.name === 'RUNNING' || endedRunStates.has(run.state)) return run
  return { ...run, state: 'failed', summary: `its workflow is ${status.name} in Temporal` }
}

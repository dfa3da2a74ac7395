import { type Client, QueryRejectedError, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client'
import {
  type GovernorConfig,
  type GovernorState,
  governorId,
  type LeaseRequest,
  type ModeSetting,
  type Outcome,
  type Verdict,
} from '../core/governor.ts'
import type { Person } from '../core/person.ts'
import { attributes } from '../core/search-attributes.ts'
import { taskQueues } from '../core/task-queues.ts'
import {
  clearMode,
  configureGovernor,
  consultGovernor,
  extendLease,
  type GovernorOptions,
  giveBackLeases,
  governor,
  governorState,
  holdLease,
  releaseLease,
  reportOutcome,
  requestLeases,
  setMode,
} from '../workflows/governor.ts'
import { inBatches } from './in-batches.ts'
import { engineTimeoutMs, metTheEndOfARun, throughEngine } from './reach.ts'

/** The one governor; it is started by whoever needs it first. All calls may throw ENGINE_UNREACHABLE. */
export interface Governor {
  /** Starts it if need be and tells it the brakes of steward.yaml. */
  configure(): Promise<void>
  state(): Promise<GovernorState>
  /** What it would say now; nothing is held. */
  consult(request: LeaseRequest): Promise<Verdict>
  /** What is said at once; later words come to the holder's workflow as signals. Repeatable. */
  request(request: LeaseRequest): Promise<Verdict>
  giveBack(requestId: string): Promise<void>
  report(outcome: Outcome): Promise<void>
  setMode(setting: Omit<ModeSetting, 'at'>): Promise<void>
  clearMode(scope: string, by: string): Promise<void>
  /** A person's lease: answers when it is decided, at the latest at its `waitUntil`. */
  hold(request: LeaseRequest): Promise<Verdict>
  /** @throws LEASE_NOT_FOUND */
  extend(requestId: string, expectedMs: number, by: Person): Promise<void>
  /** @throws LEASE_NOT_FOUND */
  release(requestId: string, by: Person): Promise<void>
}

export interface GovernorPlace {
  /** @default 'governor' */
  workflowId?: string
  taskQueue?: string
  options?: GovernorOptions
}

/** Its history begins anew now and then: what meets the end of a run is for the next one. */
const mostTurns = 5
/** Requests that are asked for together: some hundred KiB at most. */
const mostAtOnce = 100

export function createGovernor(client: Client, config: GovernorConfig, place: GovernorPlace = {}): Governor {
  const { workflowId = governorId, taskQueue = taskQueues.governor, options = {} } = place
  const handle = client.workflow.getHandle<typeof governor>(workflowId)
  const beginning = {
    workflowId,
    taskQueue,
    args: [config, options] as [GovernorConfig, GovernorOptions],
    staticSummary: 'Decides who may act on what',
    typedSearchAttributes: [{ key: attributes.kind, value: 'governor' }],
  }
  const tell = <T>(signal: Parameters<typeof client.workflow.signalWithStart>[1]['signal'], word: T) =>
    throughEngine(client, async () => {
      await client.workflow.signalWithStart(governor, { ...beginning, signal, signalArgs: [word] } as never)
    })

  /** Asks what is running; when nothing is, starts it and asks again. */
  const ask = <T>(question: () => Promise<T>, timeoutMs = engineTimeoutMs) =>
    throughEngine(
      client,
      async () => {
        try {
          return await question()
        } catch (error) {
          if (!(error instanceof WorkflowNotFoundError) && !(error instanceof QueryRejectedError)) throw error
          await client.workflow.signalWithStart(governor, {
            ...beginning,
            signal: configureGovernor,
            signalArgs: [config],
          })
          return question()
        }
      },
      timeoutMs,
    )

  async function change<T>(update: () => Promise<T>): Promise<T> {
    for (let turn = 1; ; turn++) {
      try {
        return await update()
      } catch (error) {
        if (turn < mostTurns && metTheEndOfARun(error)) continue
        if (error instanceof WorkflowUpdateFailedError && error.cause) throw error.cause
        throw error
      }
    }
  }

  const askForLease = inBatches<LeaseRequest, Verdict>(mostAtOnce, (requests) =>
    ask(() => change(() => handle.executeUpdate(requestLeases, { args: [requests] }))),
  )
  const giveBackLease = inBatches<string, void>(mostAtOnce, async (requestIds) => {
    await tell(giveBackLeases, requestIds)
    return requestIds.map(() => undefined)
  })
  const asking = new Map<string, Promise<Verdict>>()

  return {
    configure: () => tell(configureGovernor, config),
    state: () => ask(() => handle.query(governorState)),
    consult: (request) => ask(() => handle.query(consultGovernor, { request, nowMs: Date.now() })),
    request(request) {
      const answer = askForLease(request).finally(() => asking.delete(request.id))
      asking.set(request.id, answer)
      return answer
    },
    async giveBack(requestId) {
      // a run that was cancelled meanwhile gives back what it is just about to get
      await asking.get(requestId)?.catch(() => undefined)
      await giveBackLease(requestId)
    },
    report: (outcome) => tell(reportOutcome, outcome),
    setMode: (setting) => ask(() => change(() => handle.executeUpdate(setMode, { args: [setting] }))),
    clearMode: (scope, by) => ask(() => change(() => handle.executeUpdate(clearMode, { args: [{ scope, by }] }))),
    hold: (request) =>
      ask(
        () => change(() => handle.executeUpdate(holdLease, { args: [request], updateId: request.id })),
        Date.parse(request.waitUntil) - Date.now() + engineTimeoutMs,
      ),
    extend: (requestId, expectedMs, by) =>
      ask(() => change(() => handle.executeUpdate(extendLease, { args: [{ requestId, expectedMs, by }] }))),
    release: (requestId, by) =>
      ask(() => change(() => handle.executeUpdate(releaseLease, { args: [{ requestId, by }] }))),
  }
}

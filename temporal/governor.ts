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
  giveBackLease,
  governor,
  governorState,
  holdLease,
  releaseLease,
  reportOutcome,
  requestLease,
  setMode,
} from '../workflows/governor.ts'
import { engineTimeoutMs, throughEngine } from './reach.ts'

/** The one governor; it is started by whoever needs it first. All calls may throw ENGINE_UNREACHABLE. */
export interface Governor {
  /** Starts it if need be and tells it the brakes of steward.yaml. */
  configure(): Promise<void>
  state(): Promise<GovernorState>
  /** What it would say now; nothing is held. */
  consult(request: LeaseRequest): Promise<Verdict>
  /** Repeatable. The verdict comes to the holder's workflow as a signal. */
  request(request: LeaseRequest): Promise<void>
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

export function createGovernor(client: Client, config: GovernorConfig, place: GovernorPlace = {}): Governor {
  const { workflowId = governorId, taskQueue = taskQueues.remediation, options = {} } = place
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
    try {
      return await update()
    } catch (error) {
      if (error instanceof WorkflowUpdateFailedError && error.cause) throw error.cause
      throw error
    }
  }

  return {
    configure: () => tell(configureGovernor, config),
    state: () => ask(() => handle.query(governorState)),
    consult: (request) => ask(() => handle.query(consultGovernor, { request, nowMs: Date.now() })),
    request: (request) => tell(requestLease, request),
    giveBack: (requestId) => tell(giveBackLease, requestId),
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

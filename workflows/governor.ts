import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  getExternalWorkflowHandle,
  type SignalDefinition,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import { failure } from '../core/errors.ts'
import {
  type GovernorConfig,
  type GovernorState,
  type Holder,
  type LeaseRequest,
  type ModeSetting,
  noState,
  type Outcome,
  type Verdict,
} from '../core/governor.ts'
import type { Person } from '../core/person.ts'
import { awaitedHolders, consult, type GovernorEvent, nextWakeMs, step } from '../policies/governor/step.ts'
import { comeToAnEnd, leaseVerdict } from './lease.ts'
import { internal } from './steps.ts'

export const configureGovernor = defineSignal<[GovernorConfig]>('configure')
export const giveBackLeases = defineSignal<[readonly string[]]>('giveBack')
export const reportOutcome = defineSignal<[Outcome]>('outcome')

export const setMode = defineUpdate<void, [Omit<ModeSetting, 'at'>]>('setMode')
export const clearMode = defineUpdate<void, [{ scope: string; by: string }]>('clearMode')
/** Of runs: what is said of each at once. Who has to wait hears the rest by signal. */
export const requestLeases = defineUpdate<Verdict[], [readonly LeaseRequest[]]>('request')
/** A person's lease; answers when it is decided. */
export const holdLease = defineUpdate<Verdict, [LeaseRequest]>('hold')
export const extendLease = defineUpdate<void, [{ requestId: string; expectedMs: number; by: Person }]>('extend')
export const releaseLease = defineUpdate<void, [{ requestId: string; by: Person }]>('release')

export const governorState = defineQuery<GovernorState>('state')
/** The clock comes with the question: a workflow's own stands still between its tasks. */
export const consultGovernor = defineQuery<Verdict, [{ request: LeaseRequest; nowMs: number }]>('consult')

export interface GovernorOptions {
  /** Holders somebody waits for are asked this often whether they still run. @default 30 s */
  checkHoldersEveryMs?: number
  /** The history begins anew after so many events: far below the engine's limits, and replayed at once. @default 4,000 */
  mostEvents?: number
}

/**
 * Decides who may act on what, one request after the other: the only workflow that does. Everything it decides by is in
 * policies/governor; here is only the order of events.
 *
 * Never ends. Begins its history anew before that grows long, with all it remembers and what it has not come to yet
 * (`waiting`). One that begins without memory, because it was terminated, first asks which runs are at work.
 */
export async function governor(
  config: GovernorConfig,
  options: GovernorOptions = {},
  remembered?: GovernorState,
  waiting: readonly GovernorEvent[] = [],
): Promise<never> {
  const { checkHoldersEveryMs = 30_000, mostEvents = 4_000 } = options
  let state = remembered ?? noState
  let brakes = config
  const inbox: GovernorEvent[] = [...waiting]
  /** Words to holders that the engine has not passed on yet: it drops those of a run that has ended. */
  let underWay = 0
  /** Answers for people, who wait inside an update until it is decided, by request id. */
  const answers = new Map<string, Verdict>()
  /** Requests of runs that are being answered right now, with the answer. */
  const asked = new Map<string, Verdict | undefined>()

  setHandler(configureGovernor, (newer) => {
    brakes = newer
    inbox.push({ kind: 'tick' })
  })
  setHandler(requestLeases, async (requests) => {
    for (const request of requests) {
      asked.set(request.id, undefined)
      inbox.push({ kind: 'request', request })
    }
    await condition(() => requests.every(({ id }) => asked.get(id)))
    return requests.map(({ id }) => {
      const verdict = asked.get(id) as Verdict
      asked.delete(id)
      return verdict
    })
  })
  setHandler(giveBackLeases, (requestIds) => {
    for (const requestId of requestIds) inbox.push({ kind: 'give-back', requestId })
  })
  setHandler(reportOutcome, (outcome) => void inbox.push({ kind: 'outcome', outcome }))
  setHandler(governorState, () => state)
  setHandler(consultGovernor, ({ request, nowMs }) => consult(state, request, brakes, nowMs))
  setHandler(setMode, async (setting) => {
    await taken({ kind: 'set-mode', setting: { ...setting, at: new Date().toISOString() } })
  })
  setHandler(clearMode, ({ scope, by }) => taken({ kind: 'clear-mode', scope, by }))
  setHandler(holdLease, async (request) => {
    await taken({ kind: 'request', request })
    await condition(() => answers.get(request.id)?.says !== 'wait')
    const verdict = answers.get(request.id)
    answers.delete(request.id)
    if (verdict) return verdict
    throw failure('LEASE_NOT_FOUND', `the request ${request.id} was taken back`)
  })
  const known = ({ requestId }: { requestId: string }) => {
    if (!requestsOf(state).has(requestId)) throw failure('LEASE_NOT_FOUND', `there is no lease ${requestId}`)
  }
  setHandler(extendLease, ({ requestId, expectedMs }) => taken({ kind: 'extend', requestId, expectedMs }), {
    validator: known,
  })
  setHandler(
    releaseLease,
    async ({ requestId }) => {
      await taken({ kind: 'give-back', requestId })
      // whoever still waits for it hears that it was taken back
      answers.delete(requestId)
    },
    { validator: known },
  )

  if (!remembered) {
    const { held } = await internal('Ask which runs are at work').findHeld()
    for (const request of held) inbox.unshift({ kind: 'adopt', request })
  }
  for (let checkedMs = Date.now(); ; ) {
    const wakeMs = nextWakeMs(state, brakes, Date.now())
    const awaited = awaitedHolders(state)
    const pauseMs = Math.min(wakeMs ?? Number.POSITIVE_INFINITY, awaited.length > 0 ? checkHoldersEveryMs : Infinity)
    if (Number.isFinite(pauseMs)) await condition(() => inbox.length > 0, Math.max(1, pauseMs))
    else await condition(() => inbox.length > 0)

    for (const event of inbox.length > 0 ? inbox.splice(0) : [{ kind: 'tick' } as const]) apply(event)
    if (awaited.length > 0 && Date.now() - checkedMs >= checkHoldersEveryMs) {
      checkedMs = Date.now()
      const { ended } = await internal('Ask whether holders still run').findEnded({ holders: awaited })
      if (ended.length > 0) inbox.push({ kind: 'holders-ended', holders: ended })
    }
    setCurrentDetails(`${state.leases.length} lease(s), ${state.queue.length} waiting`)
    const isLong = workflowInfo().continueAsNewSuggested || workflowInfo().historyLength > mostEvents
    if (!isLong) continue
    // those who were just answered are on their way out
    await condition(() => asked.size === 0 || inbox.length > 0)
    if (!allHandlersFinished()) continue
    await condition(() => underWay === 0)
    // who waits inside an update is told by this run
    if (allHandlersFinished()) await continueAsNew<typeof governor>(brakes, options, state, inbox)
  }

  /** Resolves when the event has been decided upon. */
  async function taken(event: GovernorEvent): Promise<void> {
    inbox.push(event)
    await condition(() => !inbox.includes(event))
  }

  function apply(event: GovernorEvent): void {
    const before = requestsOf(state)
    if (event.kind === 'request') before.set(event.request.id, event.request)
    const decided = step(state, event, brakes, Date.now())
    state = decided.state
    for (const verdict of decided.verdicts) {
      const holder = before.get(verdict.requestId)?.holder
      if (asked.has(verdict.requestId)) asked.set(verdict.requestId, verdict)
      else if (holder?.workflowId) tell(holder, leaseVerdict, verdict)
      else answers.set(verdict.requestId, verdict)
    }
    for (const { lease, why } of decided.toEnd) tell(lease.request.holder, comeToAnEnd, { why })
  }

  /** A holder that cannot be told has ended: whatever it held is free. */
  function tell<T>(holder: Holder, signal: SignalDefinition<[T]>, word: T): void {
    const { workflowId, runId } = holder
    if (!workflowId) return
    underWay++
    getExternalWorkflowHandle(workflowId, runId)
      .signal(signal, word)
      .catch(() => inbox.push({ kind: 'holders-ended', holders: [holder] }))
      .finally(() => {
        underWay--
      })
  }
}

const requestsOf = ({ leases, queue }: GovernorState) =>
  new Map([...leases.map((lease) => lease.request), ...queue].map((request) => [request.id, request]))

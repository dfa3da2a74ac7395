import {
  ActivityFailure,
  CancellationScope,
  condition,
  defineSignal,
  defineUpdate,
  getExternalWorkflowHandle,
  isCancellation,
  setHandler,
  sleep,
  TimeoutFailure,
  workflowInfo,
} from '@temporalio/workflow'
import type { ActionState, ActionView, ScheduledAction } from '../core/action.ts'
import type { Activities, CallOutcome } from '../core/activities.ts'
import { codeOf, failure, messageOf } from '../core/errors.ts'
import type { LeaseGrounds, LeaseNeed } from '../core/governor.ts'
import type { Person } from '../core/person.ts'
import { afterFailure, backoffMs } from '../policies/repeat.ts'
import { changedServer } from '../policies/server-actions.ts'
import { withLease } from './lease.ts'
import { publish } from './publish.ts'
import { eventually, once, quick } from './steps.ts'

/** Cancels before the due time; answers when the trust is gone, or after ten seconds with the clean-up going on. */
export const cancelAction = defineUpdate<ActionView, [{ by: Person }]>('cancel')

/** How an action ended, told to the workflow that asked for it. */
export const actionEnded = defineSignal<[ActionView]>('actionEnded')

const trustCleanupMs = 3_600_000

/**
 * One OpenStack call at a future time, with the rights of the person who asked for it.
 *
 * Sleeps on its own timer, makes the call exactly once (late rather than never, while `maxLatenessMs` allows), then
 * deletes the trust unless it is told to keep it. A call whose outcome cannot be told is not repeated. Never fails: how
 * it ended is in its view.
 */
export async function scheduledAction(input: ScheduledAction): Promise<ActionView> {
  const { trustId, maxLatenessMs } = input
  const view: ActionView = { ...input.view, runRequestId: `req-${workflowInfo().runId}` }
  const what = `${view.call.method} ${view.call.service}${view.call.path}`
  const become = (state: ActionState, sentence: string, change: Partial<ActionView> = {}) => {
    Object.assign(view, change, { state })
    publish(view, sentence)
  }
  // before the handler: a cancellation that came while no worker was there is carried out the moment it is set
  become('scheduled', `waits until ${view.runAt}: ${what}`)
  setHandler(
    cancelAction,
    async ({ by }) => {
      become('cancelled', `cancelled by ${by.name}`, { endedAt: new Date().toISOString() })
      await condition(() => input.keepTrust === true || view.trustDeleted !== undefined, '10s')
      return view
    },
    {
      validator: (_given) => {
        if (view.state !== 'scheduled') throw failure('ACTION_CLOSED', `action ${view.id} is ${view.state}`)
      },
    },
  )

  const dueMs = Date.parse(view.runAt)
  try {
    const cancelled = await condition(() => view.state === 'cancelled', Math.max(1, dueMs - Date.now()))
    if (!cancelled) {
      become('running', what)
      const { startedAt, ...result } = await makeCall(input, dueMs + maxLatenessMs)
      const latenessMs = Date.parse(startedAt) - dueMs
      become('done', `${what} answered ${result.status}`, { startedAt, latenessMs, result, endedAt: nowIso() })
    }
  } catch (error) {
    if (isCancellation(error)) become('cancelled', 'cancelled in Temporal', { endedAt: nowIso() })
    else {
      const reason = { code: codeOf(error) ?? 'INTERNAL', detail: messageOf(error) }
      become(stateAfter(reason.code), `${reason.code}: ${reason.detail}`, { reason, endedAt: nowIso() })
    }
  }
  await CancellationScope.nonCancellable(async () => {
    if (!input.keepTrust) {
      const trustDeleted = await deleteTrust(trustId)
      become(view.state, trustDeleted ? `${view.state}; trust deleted` : `${view.state}; the trust is left to expire`, {
        trustDeleted,
      })
    }
    if (input.reportTo !== undefined) await report(input.reportTo, view)
  })
  return view
}

/** Makes the call, again and again if that is safe, until `deadlineMs`. */
async function makeCall(action: ScheduledAction, deadlineMs: number): Promise<CallOutcome> {
  // Steward itself may have been away: stopping servers in the morning is not what was asked for the evening
  if (Date.now() > deadlineMs)
    throw failure('TOO_LATE', `Steward came to it after ${new Date(deadlineMs).toISOString()}`)
  for (let attempt = 1; ; attempt++) {
    // a call that was begun is seen through, also when somebody cancels meanwhile: its outcome must be told
    const { outcome, again } = await CancellationScope.nonCancellable(() => tryCall(action, deadlineMs))
    if (outcome) return outcome
    const waitMs = backoffMs(attempt, action.maxLatenessMs)
    if (Date.now() + waitMs > deadlineMs) throw again
    await sleep(waitMs)
  }
}

interface Tried {
  outcome?: CallOutcome
  /** Why there is none, when the call may be made again. */
  again?: unknown
}

/** Makes the call once, with the lease of the server it changes, if it changes one. */
async function tryCall(action: ScheduledAction, deadlineMs: number): Promise<Tried> {
  const { call, id, projectId, userId, name } = action.view
  const serverId = changedServer(call)
  if (serverId === undefined) return send(action)
  const need: LeaseNeed = {
    runbook: 'action',
    targets: [`server/${serverId}`],
    within: [`project/${projectId}`],
    risk: 'move',
    expectedMs: 120_000,
  }
  const waitSeconds = Math.max(1, Math.floor((deadlineMs - Date.now()) / 1000))
  const grounds: LeaseGrounds = { requester: 'action', by: userId, why: name ?? `action ${id}`, waitSeconds }
  try {
    return await withLease(
      need,
      grounds,
      () => undefined,
      () => send(action),
    )
  } catch (error) {
    if (afterFailure(call, codeOf(error) ?? 'INTERNAL') === 'repeat') return { again: error }
    throw error
  }
}

async function send({ view, trustId }: ScheduledAction): Promise<Tried> {
  const { call } = view
  const what = `${call.method} ${call.service}${call.path}`
  const sentAfter = nowIso()
  try {
    return { outcome: await once(what).performCall({ call, trustId }) }
  } catch (error) {
    const reason = workerWasLost(error) ? failure('OUTCOME_UNKNOWN', `the worker was lost during ${what}`) : error
    const verdict = afterFailure(call, codeOf(reason) ?? 'INTERNAL')
    if (verdict === 'give up') throw reason
    if (verdict === 'repeat') return { again: reason }
    const { verdict: seen, requestId } = await look({ call, trustId, sentAfter }, what)
    if (seen === 'done') {
      const note = 'its answer was lost; that it took effect was seen by looking'
      return { outcome: { status: 202, startedAt: sentAfter, note, ...(requestId && { requestId }) } }
    }
    if (seen === 'unknown') throw failure('OUTCOME_UNKNOWN', `no answer to ${what}`)
    return { again: failure('CLOUD_UNREACHABLE', `no answer to ${what}, which did not take effect`) }
  }
}

/** Asks the cloud whether a call took effect; a look that fails leaves the outcome as unknown as it was. */
async function look(sent: Parameters<Activities['reconcileCall']>[0], what: string) {
  try {
    return await quick('Look whether the call took effect').reconcileCall(sent)
  } catch (error) {
    throw failure('OUTCOME_UNKNOWN', `no answer to ${what}, and looking failed: ${messageOf(error)}`)
  }
}

/** The activity timed out: its worker died or hung, before, during or after the call. */
const workerWasLost = (error: unknown) => error instanceof ActivityFailure && error.cause instanceof TimeoutFailure

function stateAfter(code: string): ActionState {
  if (code === 'DELEGATION_LOST') return 'delegation-lost'
  return code === 'OUTCOME_UNKNOWN' ? 'outcome-unknown' : 'failed'
}

async function report(to: string, view: ActionView): Promise<void> {
  try {
    await getExternalWorkflowHandle(to).signal(actionEnded, view)
  } catch {
    // whoever asked for it is gone; the outcome can still be read here
  }
}

async function deleteTrust(trustId: string): Promise<boolean> {
  try {
    await eventually('Delete the trust', trustCleanupMs).deleteTrust({ trustId })
    return true
  } catch {
    // it expires by itself soon after; the view says that it was left
    return false
  }
}

const nowIso = () => new Date().toISOString()

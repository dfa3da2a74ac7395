import {
  ActivityFailure,
  CancellationScope,
  condition,
  defineUpdate,
  isCancellation,
  setHandler,
  sleep,
  TimeoutFailure,
  workflowInfo,
} from '@temporalio/workflow'
import type { ActionState, ActionView, ScheduledAction } from '../core/action.ts'
import type { CallOutcome } from '../core/activities.ts'
import { codeOf, failure, messageOf } from '../core/errors.ts'
import { afterFailure, backoffMs } from '../policies/repeat.ts'
import { publish } from './publish.ts'
import { eventually, once, quick } from './steps.ts'

/** Cancels before the due time; answers when the trust is gone, or after ten seconds with the clean-up going on. */
export const cancelAction = defineUpdate<ActionView>('cancel')

const trustCleanupMs = 3_600_000

/**
 * One OpenStack call at a future time, with the rights of the person who asked for it.
 *
 * Sleeps on its own timer, makes the call exactly once (late rather than never, while `maxLatenessMs` allows), then
 * deletes the trust. A call whose outcome cannot be told is not repeated. Never fails: how it ended is in its view.
 */
export async function scheduledAction(input: ScheduledAction): Promise<ActionView> {
  const { trustId, maxLatenessMs } = input
  const view: ActionView = { ...input.view, runRequestId: `req-${workflowInfo().runId}` }
  const what = `${view.call.method} ${view.call.service}${view.call.path}`
  const become = (state: ActionState, sentence: string, change: Partial<ActionView> = {}) => {
    Object.assign(view, change, { state })
    publish(view, sentence)
  }
  setHandler(
    cancelAction,
    async () => {
      become('cancelled', 'cancelled by its owner', { endedAt: new Date().toISOString() })
      await condition(() => view.trustDeleted !== undefined, '10s')
      return view
    },
    {
      validator: () => {
        if (view.state !== 'scheduled') throw failure('ACTION_CLOSED', `action ${view.id} is ${view.state}`)
      },
    },
  )

  const dueMs = Date.parse(view.runAt)
  try {
    become('scheduled', `waits until ${view.runAt}: ${what}`)
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
    const trustDeleted = await deleteTrust(trustId)
    become(view.state, trustDeleted ? `${view.state}; trust deleted` : `${view.state}; the trust is left to expire`, {
      trustDeleted,
    })
  })
  return view
}

/** Makes the call, again and again if that is safe, until `deadlineMs`. */
async function makeCall({ view, trustId, maxLatenessMs }: ScheduledAction, deadlineMs: number): Promise<CallOutcome> {
  const { call } = view
  for (let attempt = 1; ; attempt++) {
    const sentAfter = nowIso()
    try {
      return await once(`${call.method} ${call.service}${call.path}`).performCall({ call, trustId })
    } catch (error) {
      if (isCancellation(error)) throw error
      const code = workerWasLost(error) ? undefined : (codeOf(error) ?? 'INTERNAL')
      const verdict = afterFailure(call, code)
      if (verdict === 'give up') throw error
      if (verdict === 'look first') {
        const found = await quick('Look whether the call took effect').reconcileCall({ call, trustId, sentAfter })
        if (found.verdict === 'done') return { status: 202, startedAt: sentAfter, ...found, note: 'seen by looking' }
        if (found.verdict === 'unknown')
          throw failure('OUTCOME_UNKNOWN', `no answer to ${call.method} ${call.service}${call.path}`)
      }
      const waitMs = backoffMs(attempt, maxLatenessMs)
      if (Date.now() + waitMs > deadlineMs) throw error
      await sleep(waitMs)
    }
  }
}

/** The activity timed out: its worker died or hung, before, during or after the call. */
const workerWasLost = (error: unknown) => error instanceof ActivityFailure && error.cause instanceof TimeoutFailure

function stateAfter(code: string): ActionState {
  if (code === 'DELEGATION_LOST') return 'delegation-lost'
  return code === 'OUTCOME_UNKNOWN' ? 'outcome-unknown' : 'failed'
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

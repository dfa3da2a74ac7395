import {
  allHandlersFinished,
  CancellationScope,
  condition,
  defineSignal,
  getExternalWorkflowHandle,
  isCancellation,
  patched,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import { type ActionState, type ActionView, deadStates, isWaiting, type ScheduledAction } from '../core/action.ts'
import type { CallOutcome } from '../core/activities.ts'
import { delegationOf, replaces, trustsIn } from '../core/delegation.ts'
import { codeOf, failure, messageOf } from '../core/errors.ts'
import { putWork, titleOf, workOf } from '../core/work.ts'
import { cancelAction, changeAction, pauseAction, resumeAction, runActionNow } from './action-updates.ts'
import { createAnnouncer } from './announce.ts'
import { doGroup } from './group.ts'
import { holdTrust, publish } from './publish.ts'
import { quick } from './steps.ts'
import { deleteTrust } from './trust.ts'
import { doWork } from './work.ts'

/** How an action ended, told to the workflow that asked for it. */
export const actionEnded = defineSignal<[ActionView]>('actionEnded')

/** A start later than this is told as `done-late`. */
const lateMs = 60_000
/** Looks for what is in the way, so long before it is due. */
const looksAheadMs = [3 * 86_400_000, 86_400_000, 3_600_000]
/** Each change is kept in the history. */
const mostChanges = 100

/**
 * OpenStack calls at a future time, with the rights of the person who asked for them.
 *
 * Sleeps on its own timer, looks ahead of its time for what is in the way, does its work exactly once (late rather than
 * never, until `notAfter`), then deletes its trust, if that is what it acts with, unless it is told to keep it. What
 * nobody can tell the outcome of is not repeated. Never fails: how it ended is in its view.
 */
export async function scheduledAction(input: ScheduledAction): Promise<ActionView> {
  let { maxLatenessMs } = input
  let delegation = delegationOf(input)
  const spentTrustIds = new Set<string>()
  const view: ActionView = { ...input.view, runRequestId: `req-${workflowInfo().runId}` }
  const announcer = createAnnouncer()
  let stirred = false
  let isCleanedUp = false
  let changes = 0
  let warnings = 0
  /** What people were told is in its way. */
  let toldOf = ''

  const become = (state: ActionState, sentence: string, change: Partial<ActionView> = {}) => {
    Object.assign(view, change, { state })
    publish(view, sentence)
    return view
  }
  const waits = () => isWaiting(view.state)
  const isPaused = () => view.state === 'paused'
  const waitFor = () => become('scheduled', `waits until ${view.runAt}: ${titleOf(view)}`)
  const deadlineMs = () =>
    view.notAfter === undefined ? Date.parse(view.runAt) + maxLatenessMs : Date.parse(view.notAfter)

  // before the handlers: a command that came while no worker was there is carried out the moment they are set
  waitFor()
  listen()
  try {
    await untilDue()
    if (waits()) await work()
  } catch (error) {
    if (isCancellation(error)) become('cancelled', 'cancelled in Temporal', { endedAt: nowIso() })
    else {
      const reason = { code: codeOf(error) ?? 'INTERNAL', detail: messageOf(error) }
      become(stateAfter(reason.code), `${reason.code}: ${reason.detail}`, { reason, endedAt: nowIso() })
    }
  }
  if (deadStates.includes(view.state)) announce('action.failed')
  await CancellationScope.nonCancellable(cleanUp)
  return view

  function announce(event: 'action.failed' | 'action.warned', sequence = 1): void {
    const { id, occurrence } = view
    const subject = `action/${id}${occurrence === undefined ? '' : `/${occurrence}`}`
    announcer.tell({ event, subject, sequence, view: { ...view } })
  }

  /** Until it is due, or does not wait any more. Looks ahead on the way. */
  async function untilDue(): Promise<void> {
    for (;;) {
      if (!waits()) return
      const nowMs = Date.now()
      const dueMs = Date.parse(view.runAt)
      if (!isPaused() && nowMs >= dueMs) return
      stirred = false
      if (isPaused()) {
        const untilMs = deadlineMs()
        if (!(await condition(() => stirred, Math.max(1, untilMs - nowMs))))
          throw failure('TOO_LATE', `it was paused by ${view.pausedBy} until ${iso(untilMs)} had passed`)
        continue
      }
      const lookMs = looksAheadMs.map((leadMs) => dueMs - leadMs).find((atMs) => atMs > nowMs)
      const isStirred = await condition(() => stirred, Math.max(1, (lookMs ?? dueMs) - nowMs))
      if (!isStirred && lookMs !== undefined) await lookAhead()
    }
  }

  /** A look that fails is no news; one that takes its time is left when a person says something. */
  async function lookAhead(): Promise<void> {
    const looking = new CancellationScope()
    const look = looking.run(() =>
      quick('Look whether anything is in its way').checkAhead({ work: workOf(view), ...delegation }),
    )
    const found = await Promise.race([look.catch(() => undefined), condition(() => stirred).then(() => undefined)])
    looking.cancel()
    if (found === undefined || stirred) return
    delete view.warning
    const hindrance = found ? `${found.code}: ${found.detail}` : ''
    if (found) become('warned', hindrance, { warning: found })
    else waitFor()
    // what is still in its way is no news
    if (found && toldOf !== hindrance) announce('action.warned', ++warnings)
    toldOf = hindrance
  }

  async function work(): Promise<void> {
    const what = titleOf(view)
    const dueMs = Date.parse(view.runAt)
    delete view.warning
    become('running', what)
    // Steward itself may have been away: stopping servers in the morning is not what was asked for the evening
    if (Date.now() > deadlineMs()) throw failure('TOO_LATE', `Steward came to it after ${iso(deadlineMs())}`)
    const { projectId, userId, name, id } = view
    const doer = { delegation, projectId, userId, why: name ?? `action ${id}`, maxLatenessMs }
    if (view.action !== undefined && view.targets) {
      const startedAt = nowIso()
      become('running', what, { startedAt, latenessMs: Date.now() - dueMs })
      await doGroup({ ...view, action: view.action, targets: view.targets }, doer, deadlineMs(), (group) =>
        become('running', `${group.done} of ${group.total} done`, { group }),
      )
      become(ended(view.latenessMs), `${what}: all ${view.group?.total} done`, { endedAt: nowIso() })
      return
    }
    const { last, startedAt, inPart } = await doWork(workOf(view), doer, deadlineMs(), (progress) => {
      const [latest] = progress.slice(-1)
      if (view.steps) become('running', `${latest?.id}: ${latest?.state}`, { progress })
    })
    const latenessMs = Date.parse(startedAt) - dueMs
    become(ended(latenessMs), `${what} answered ${last.status}`, {
      ...{ startedAt, latenessMs, endedAt: nowIso() },
      result: { ...answerOf(last), ...(inPart !== undefined && { note: `done in part, as it may be: ${inPart}` }) },
    })
  }

  /** What cannot be deleted now is tried again in the end. */
  async function dropSpent(spent: string): Promise<void> {
    if (await deleteTrust(spent)) spentTrustIds.delete(spent)
  }

  async function cleanUp(): Promise<void> {
    const trustIds = input.keepTrust ? [] : [...trustsIn(delegation), ...spentTrustIds]
    if (trustIds.length > 0) {
      const deleted = await Promise.all(trustIds.map(deleteTrust))
      const trustDeleted = deleted.every(Boolean)
      become(view.state, trustDeleted ? `${view.state}; trust deleted` : `${view.state}; the trust is left to expire`, {
        trustDeleted,
      })
    }
    isCleanedUp = true
    if (input.reportTo !== undefined) await report(input.reportTo, view)
    await condition(() => allHandlersFinished() && announcer.isIdle())
  }

  function listen(): void {
    const open = () => {
      if (!waits()) throw failure('ACTION_CLOSED', `action ${view.id} is ${view.state}`)
      if (changes >= mostChanges)
        throw failure('ACTION_CLOSED', `action ${view.id} was changed ${changes} times: clone it`)
    }
    const stir = () => {
      stirred = true
      changes++
    }
    setHandler(
      cancelAction,
      async ({ by }) => {
        stir()
        become('cancelled', `cancelled by ${by.name}`, { endedAt: nowIso() })
        await condition(() => input.keepTrust === true || isCleanedUp, '10s')
        return view
      },
      {
        validator: (_given) => {
          if (!waits()) throw failure('ACTION_CLOSED', `action ${view.id} is ${view.state}`)
        },
      },
    )
    setHandler(
      pauseAction,
      ({ by }) => {
        stir()
        return become('paused', `paused by ${by.name}`, { pausedBy: by.name })
      },
      { validator: (_given) => open() },
    )
    const goOn = (change: Partial<ActionView> = {}) => {
      stir()
      delete view.pausedBy
      delete view.warning
      Object.assign(view, change)
      return waitFor()
    }
    setHandler(resumeAction, (_given) => goOn(), { validator: (_given) => open() })
    setHandler(
      runActionNow,
      (_given) => goOn({ runAt: nowIso(), notAfter: iso(Math.min(deadlineMs(), Date.now() + maxLatenessMs)) }),
      {
        validator: (_given) => open(),
      },
    )
    setHandler(
      changeAction,
      ({ name, work: other, runAt, notAfter, maxLatenessMs: lateness, delegated }) => {
        if (delegated && replaces(delegated, delegation)) {
          const spent = trustsIn(delegation)
          for (const trustId of spent) spentTrustIds.add(trustId)
          delegation = delegationOf(delegated)
          const { roles, delegatedBy } = delegated
          Object.assign(view, { roles, ...(delegatedBy && { delegatedBy }) })
          holdTrust('trustId' in delegated ? delegated.delegationId : null)
          // one that began before this was thought of gives it back in the end
          if (patched('spent-trusts-go-at-once')) for (const trustId of spent) void dropSpent(trustId)
        }
        if (lateness !== undefined) maxLatenessMs = lateness
        if (other) putWork(view, other)
        const change = {
          ...(name !== undefined && { name }),
          ...(runAt !== undefined && { runAt }),
          ...(notAfter !== undefined && { notAfter }),
        }
        if (!isPaused()) return goOn(change)
        stir()
        return become('paused', `paused by ${view.pausedBy}`, change)
      },
      { validator: (_given) => open() },
    )
  }
}

const ended = (latenessMs = 0): ActionState => (latenessMs > lateMs ? 'done-late' : 'done')

function answerOf({ status, requestId, body, note }: CallOutcome) {
  return {
    status,
    ...(requestId !== undefined && { requestId }),
    ...(body !== undefined && { body }),
    ...(note !== undefined && { note }),
  }
}

function stateAfter(code: string): ActionState {
  if (code === 'TOO_LATE' || code === 'TARGETS_MISSING') return 'skipped'
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

const iso = (epochMs: number) => new Date(epochMs).toISOString()
const nowIso = () => iso(Date.now())

import {
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
  makeContinueAsNewFunc,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import { isWaiting } from '../core/action.ts'
import { delegationOf, replaces, trustsIn } from '../core/delegation.ts'
import { failure } from '../core/errors.ts'
import type {
  ChangeRecurring,
  Occurrence,
  PastOccurrence,
  RecurringAction,
  RecurringActionView,
} from '../core/recurrence.ts'
import { putWork } from '../core/work.ts'
import { nextOccurrence } from '../policies/recurrence/occurrences.ts'
import { planNext } from '../policies/recurrence/plan.ts'
import { validate } from '../policies/recurrence/validate.ts'
import { mostRunning, remembered, whenDue } from '../policies/recurrence/when-due.ts'
import { createAnnouncer } from './announce.ts'
import { endOccurrence, occurrenceRuns, startOccurrence } from './occurrence.ts'
import { holdTrust, publish } from './publish.ts'
import {
  cancelRecurring,
  changeRecurring,
  pauseRecurring,
  resumeRecurring,
  runRecurringNow,
  snoozeRecurring,
} from './recurring-updates.ts'
import { actionEnded } from './scheduled-action.ts'
import { deleteTrust } from './trust.ts'

/** Governments change clocks at short notice: what is next is worked out anew this often. */
const replanEveryMs = 24 * 3_600_000
/** One that ended without a word, because a person terminated it, is noticed this soon. */
const askAfterMs = 600_000

/**
 * Makes one OpenStack call again and again, each time as an action of its own, with the one delegation of its owner.
 *
 * Each run of the workflow waits for one occurrence, which is in its input: what it was worked out from, the time zone
 * database above all, may have changed when another worker replays the run. Outcomes come back as signals. A trust
 * is deleted at the end. Never fails: how it ended is in its view.
 */
export async function recurringAction(input: RecurringAction): Promise<RecurringActionView> {
  const { minGapMs = 60_000 } = input
  const view: RecurringActionView = { ...input.view }
  let { afterMs } = input
  let delegation = delegationOf(input)
  let spentTrustIds = input.spentTrustIds ?? []
  /** Something was changed that this run does not know how to go on with: the next one does. */
  let stirred = false
  let dropping = false
  const announcer = createAnnouncer()

  const become = (change: Partial<RecurringActionView>) => {
    Object.assign(view, change)
    publish(view, sentence(view))
    return view
  }
  const over = () => view.state === 'ended' || view.state === 'cancelled'
  const goesOn = () => view.state === 'active' || view.state === 'snoozed'
  const canStartQueued = () => view.queued !== undefined && view.running.length === 0
  const record = (...outcomes: PastOccurrence[]) => become({ past: remembered(view.past, ...outcomes) })
  const skip = (at: string, detail: string): PastOccurrence => ({ at, outcome: 'skipped', endedAt: nowIso(), detail })

  listen()
  if (view.next === undefined && view.queued === undefined && goesOn()) {
    replan()
    stirred = true
  }
  become({})
  try {
    if (!over()) {
      void dropSpentTrusts()
      await work()
      await condition(() => over() || (allHandlersFinished() && announcer.isIdle()))
    }
    if (!over()) await goOnInNextRun()
  } catch (error) {
    if (!isCancellation(error)) throw error
    become({ state: 'cancelled', reason: 'cancelled in Temporal' })
  }
  await CancellationScope.nonCancellable(finish)
  return view

  /** What people read goes along: the next run may have to wait for a worker. */
  function goOnInNextRun(): Promise<never> {
    const { typedSearchAttributes } = workflowInfo()
    const next = makeContinueAsNewFunc<typeof recurringAction>({ memo: { view }, typedSearchAttributes })
    return next({ view, ...delegation, spentTrustIds, afterMs, minGapMs })
  }

  /** Waits for the occurrence this run is about, or for something to come between, and deals with it. */
  async function work(): Promise<void> {
    const pauseMs = waitMs()
    // the engine's shortest timer takes up to a second, in which the next command may come, and the one after that
    if (pauseMs > 1) await condition(() => stirred || over() || canStartQueued(), pauseMs)
    if (stirred || over()) return
    if (view.snoozedUntil !== undefined && Date.parse(view.snoozedUntil) <= Date.now()) wakeUp()
    const { queued, next } = view
    if (queued !== undefined) await forgetGone()
    if (queued !== undefined && canStartQueued()) {
      delete view.queued
      await start(queued, queued)
    } else if (next && goesOn() && Date.parse(next.startsAt) <= Date.now()) await deal(next)
    if (goesOn()) replan()
  }

  function waitMs(): number {
    const nowMs = Date.now()
    const until = [nowMs + replanEveryMs]
    if (goesOn() && view.next) until.push(Date.parse(view.next.startsAt))
    if (view.snoozedUntil !== undefined) until.push(Date.parse(view.snoozedUntil))
    if (view.queued !== undefined) until.push(nowMs + askAfterMs)
    return Math.max(1, Math.min(...until) - nowMs)
  }

  async function deal({ at, startsAt }: Occurrence): Promise<void> {
    await forgetGone()
    // somebody may have been quicker while the running ones were asked
    if (stirred || !goesOn()) return
    afterMs = Date.parse(at)
    view.counted++
    const { running, queued } = view
    const startsAtMs = Date.parse(startsAt)
    const due = { startsAtMs, nowMs: Date.now(), running, ...(queued !== undefined && { queued }) }
    const verdict = whenDue(view.recurrence, due)
    if (verdict.act === 'start') await start(at, startsAt)
    else if (verdict.act === 'skip') record(skip(at, verdict.reason))
    else {
      if (verdict.instead !== undefined) record(skip(verdict.instead, `${at} took its place`))
      become({ queued: at })
      if (verdict.cancelRunning) await Promise.all(running.map((other) => endOccurrence(view.id, other)))
    }
  }

  function replan(): void {
    const planned = planNext(view.recurrence, { id: view.id, afterMs, counted: view.counted, nowMs: Date.now() })
    afterMs = planned.afterMs
    view.counted += planned.missed.length
    view.past = remembered(view.past, ...planned.missed.map(({ at, reason }) => skip(at, reason)))
    const { next } = planned
    delete view.next
    if (!next && view.queued === undefined) become({ state: 'ended', reason: 'there is no further occurrence' })
    else if (!next) become({})
    else if (outlasts(Date.parse(next.startsAt))) become({ next })
    else lose(`the delegation ends ${view.delegated.until}, too soon for the occurrence of ${next.local}`)
  }

  /** Whether the delegation lasts for a call that is due then. */
  function outlasts(dueMs: number): boolean {
    return dueMs + view.maxLatenessSeconds * 1000 <= Date.parse(view.delegated.until)
  }

  function lose(reason: string): void {
    dropQueued(reason)
    delete view.next
    delete view.snoozedUntil
    become({ state: 'delegation-lost', reason })
    // one delegation is lost once
    announce('recurring-action.delegation-lost', view.delegated.since)
  }

  function dropQueued(reason: string): void {
    const { queued } = view
    delete view.queued
    if (queued !== undefined) record(skip(queued, reason))
  }

  function wakeUp(): void {
    delete view.snoozedUntil
    delete view.reason
    become({ state: 'active' })
  }

  async function start(at: string, runAt: string): Promise<void> {
    become({ running: [...view.running, at] })
    if (!(await startOccurrence(view, at, runAt, delegation))) settle(skip(at, 'it was begun before'))
  }

  function settle(outcome: PastOccurrence): void {
    become({ running: view.running.filter((at) => at !== outcome.at) })
    record(outcome)
  }

  async function forgetGone(): Promise<void> {
    for (const at of view.running) {
      const outcome = { at, outcome: 'outcome-unknown', detail: 'its workflow was ended from outside' } as const
      if (!(await occurrenceRuns(view.id, at)) && view.running.includes(at)) settle({ ...outcome, endedAt: nowIso() })
    }
  }

  /** Deletes trusts that were replaced, as soon as no call uses them. */
  async function dropSpentTrusts(): Promise<void> {
    if (dropping || view.running.length > 0) return
    dropping = true
    for (const spent of spentTrustIds)
      if (await deleteTrust(spent)) spentTrustIds = spentTrustIds.filter((id) => id !== spent)
    dropping = false
  }

  function announce(event: 'recurring-action.delegation-lost' | 'recurring-action.ended', sequence: string | number) {
    announcer.tell({ event, subject: `recurring-action/${view.id}`, sequence, view: { ...view } })
  }

  async function finish(): Promise<void> {
    dropQueued(`the recurring action is ${view.state}`)
    delete view.next
    delete view.snoozedUntil
    announce('recurring-action.ended', 1)
    while (!(await condition(() => view.running.length === 0, askAfterMs))) await forgetGone()
    const trustIds = [...trustsIn(delegation), ...spentTrustIds]
    const deleted = await Promise.all(trustIds.map(deleteTrust))
    become({ ...(trustIds.length > 0 && { trustDeleted: deleted.every(Boolean) }), endedAt: nowIso() })
    await condition(() => allHandlersFinished() && announcer.isIdle())
  }

  function listen(): void {
    setHandler(actionEnded, ({ occurrence: at = '', createdAt, state, startedAt, endedAt = nowIso(), reason }) => {
      if (!view.running.includes(at) || state === 'running' || isWaiting(state)) return
      const detail = reason && `${reason.code}: ${reason.detail}`
      settle({ at, outcome: state, endedAt, ...(startedAt && { startedAt }), ...(detail && { detail }) })
      // the trust of an older delegation is no news
      if (state === 'delegation-lost' && goesOn() && createdAt >= view.delegated.since) lose(detail ?? state)
      void dropSpentTrusts()
    })
    const open = () => {
      if (over()) throw failure('ACTION_CLOSED', `recurring action ${view.id} is ${view.state}`)
    }
    const delegated = () => {
      open()
      if (view.state === 'delegation-lost') throw failure('DELEGATION_LOST', view.reason ?? 'it needs a new delegation')
    }

    const goOn = (state: 'active' | 'snoozed', fromMs: number) => {
      delete view.snoozedUntil
      delete view.reason
      // never back behind what was dealt with: that lies in the past
      afterMs = fromMs
      view.state = state
      stirred = true
      replan()
      return view
    }
    setHandler(
      pauseRecurring,
      ({ by }) => {
        stirred = true
        dropQueued(`paused by ${by.name}`)
        delete view.next
        delete view.snoozedUntil
        return become({ state: 'paused', reason: `paused by ${by.name}` })
      },
      { validator: (_given) => delegated() },
    )
    setHandler(resumeRecurring, (_given) => goOn('active', Date.now()), { validator: (_given) => delegated() })
    setHandler(
      snoozeRecurring,
      ({ until }) => {
        dropQueued(`snoozed until ${until}`)
        goOn('snoozed', Date.parse(until) - 1)
        return view.state === 'snoozed' ? become({ snoozedUntil: until }) : view
      },
      {
        validator: ({ until }) => {
          delegated()
          const untilMs = Date.parse(until)
          if (!(untilMs > Date.now())) throw failure('TIME_PAST', `${until} is not in the future`)
          if (!nextOccurrence(view.recurrence, { afterMs: untilMs - 1, counted: view.counted }))
            throw failure('INPUT_INVALID', `there is no occurrence after ${until}`)
        },
      },
    )
    setHandler(changeRecurring, change, {
      validator: ({ recurrence }) => {
        open()
        const { refusal } = recurrence ? validate(recurrence, { nowMs: Date.now(), minGapMs }) : {}
        if (refusal !== undefined) throw failure('INPUT_INVALID', refusal)
      },
    })
    setHandler(
      runRecurringNow,
      async (_given) => {
        await start(nowIso(), nowIso())
        return view
      },
      {
        validator: (_given) => {
          delegated()
          if (!outlasts(Date.now())) throw failure('DELEGATION_LOST', `the delegation ends ${view.delegated.until}`)
          const { running, recurrence } = view
          if (running.length >= (recurrence.overlap === 'allow' ? mostRunning : 1))
            throw failure('RUN_IN_PROGRESS', `${running.join(', ')} still runs`)
        },
      },
    )
    setHandler(
      cancelRecurring,
      async ({ by }) => {
        become({ state: 'cancelled', reason: `cancelled by ${by.name}` })
        await condition(() => view.endedAt !== undefined || view.running.length > 0, '10s')
        return view
      },
      { validator: (_given) => open() },
    )

    function change({ name, work, recurrence, maxLatenessSeconds, delegated: given }: ChangeRecurring) {
      // a new name or other work changes nothing about what is being waited for
      if (recurrence || given || maxLatenessSeconds !== undefined) stirred = true
      if (work) putWork(view, work)
      Object.assign(view, {
        ...(name !== undefined && { name }),
        ...(recurrence && { recurrence, counted: 0 }),
        ...(maxLatenessSeconds !== undefined && { maxLatenessSeconds }),
      })
      const renewed = given !== undefined && replaces(given, delegation)
      if (renewed) {
        spentTrustIds = [...spentTrustIds, ...trustsIn(delegation)]
        delegation = delegationOf(given)
        const { roles, until, delegatedBy } = given
        Object.assign(view, { roles, delegated: { since: nowIso(), until }, ...(delegatedBy && { delegatedBy }) })
        holdTrust('trustId' in given ? given.delegationId : null)
      }
      const recovers = renewed && view.state === 'delegation-lost'
      if (recovers || (recurrence && goesOn())) return goOn('active', Date.now())
      if (stirred && goesOn()) replan()
      return become({})
    }
  }
}

function sentence({ state, reason, next, running, recurrence }: RecurringActionView): string {
  const parts = [reason === undefined ? state : `${state}: ${reason}`]
  if (next) parts.push(`next ${next.local} (${recurrence.timeZone})`)
  if (running.length > 0) parts.push(`running: ${running.join(', ')}`)
  return parts.join('; ')
}

const nowIso = () => new Date().toISOString()

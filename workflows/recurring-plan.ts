import {
  allHandlersFinished,
  CancellationScope,
  condition,
  defineUpdate,
  isCancellation,
  makeContinueAsNewFunc,
  setHandler,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow'
import { newPlan, type PlanView, type PlanWishes, planWorkflowId } from '../core/cloud-plan.ts'
import { failure, messageOf } from '../core/errors.ts'
import type { Occurrence } from '../core/recurrence.ts'
import type { PastPlan, RecurringPlan, RecurringPlanCommand, RecurringPlanView } from '../core/recurring-plan.ts'
import { driveOf } from '../policies/planner/energy.ts'
import { planNext } from '../policies/recurrence/plan.ts'
import { remembered, whenDue } from '../policies/recurrence/when-due.ts'
import { planEnded } from './plan/plan.ts'
import { publish } from './publish.ts'
import { quick } from './steps.ts'
import { stillRuns } from './still-runs.ts'

const command = (does: RecurringPlanCommand['does']) => defineUpdate<RecurringPlanView, [RecurringPlanCommand]>(does)

/** What people may do; each answers with the recurring plan as it is then. @throws PLAN_CLOSED */
export const recurringPlanCommands = {
  pause: command('pause'),
  resume: command('resume'),
  delete: command('delete'),
} satisfies Record<RecurringPlanCommand['does'], unknown>

/** Governments change clocks at short notice: what is next is worked out anew this often. */
const replanEveryMs = 24 * 3_600_000
/** A plan that ended without a word, because a person terminated it, is noticed this soon by one that has ended itself. */
const askAfterMs = 600_000
/** The longest that a plan may be approved. */
const longestValidMs = 24 * 3_600_000

/**
 * Has a plan made again and again, each a workflow of its own that outlives this one; none beside one that still runs.
 *
 * Each run waits for one time, which is in its input: what it was worked out from, the time zone database above all, may
 * have changed when another worker replays the run. How a plan ended comes back as a signal. Never fails: how it ended is in
 * its view.
 */
export async function recurringPlan(input: RecurringPlan): Promise<RecurringPlanView> {
  const view: RecurringPlanView = { ...input.view }
  let { afterMs } = input
  /** Something was changed that this run does not know how to go on with: the next one does. */
  let stirred = false

  const become = (change: Partial<RecurringPlanView>) => {
    Object.assign(view, change)
    publish(view, sentence(view))
    return view
  }
  const over = () => view.state === 'ended' || view.state === 'deleted'
  const record = (...plans: PastPlan[]) => become({ past: remembered(view.past, ...plans) })

  listen()
  if (view.next === undefined && view.state === 'active') {
    replan()
    stirred = true
  }
  become({})
  try {
    if (!over()) {
      await work()
      await condition(() => over() || allHandlersFinished())
    }
    if (!over()) await goOnInNextRun()
  } catch (error) {
    if (!isCancellation(error)) throw error
    become({ state: 'deleted', reason: 'cancelled in Temporal' })
  }
  return CancellationScope.nonCancellable(async () => {
    delete view.next
    become({})
    while (!(await condition(() => !view.running, askAfterMs))) await forgetGone()
    become({ endedAt: nowIso() })
    await condition(allHandlersFinished)
    return view
  })

  /** What people read goes along: the next run may have to wait for a worker. */
  function goOnInNextRun(): Promise<never> {
    const { typedSearchAttributes } = workflowInfo()
    const next = makeContinueAsNewFunc<typeof recurringPlan>({ memo: { view }, typedSearchAttributes })
    return next({ view, afterMs })
  }

  /** Waits for the time this run is about, or for something to come between, and deals with it. */
  async function work(): Promise<void> {
    const startsMs = view.next && view.state === 'active' ? Date.parse(view.next.startsAt) : Number.POSITIVE_INFINITY
    const pauseMs = Math.min(startsMs - Date.now(), replanEveryMs)
    if (pauseMs > 0) await condition(() => stirred || over(), pauseMs)
    if (stirred || over()) return
    if (view.next && Date.parse(view.next.startsAt) <= Date.now()) await deal(view.next)
    if (view.state === 'active') replan()
  }

  async function deal({ at, startsAt }: Occurrence): Promise<void> {
    await forgetGone()
    // somebody may have been quicker while the running one was asked
    if (stirred || view.state !== 'active') return
    afterMs = Date.parse(at)
    view.counted++
    const startsAtMs = Date.parse(startsAt)
    const running = view.running ? [`the plan of ${view.running.at}`] : []
    const verdict = whenDue(view.when, { startsAtMs, nowMs: Date.now(), running })
    if (verdict.act === 'start') await begin(at, startsAtMs)
    else record(skipped(at, 'reason' in verdict ? verdict.reason : 'the last one still runs'))
  }

  async function begin(at: string, startsAtMs: number): Promise<void> {
    const wish = await wishNow()
    // somebody may have been quicker while the signal was read
    if (view.state !== 'active') return
    if (!wish.goal) {
      record(skipped(at, wish.reason))
      return
    }
    const plan = planAt(at, startsAtMs, wish.goal, wish.options)
    become({ running: { at, planId: plan.id } })
    try {
      const { workflowId: reportTo } = workflowInfo()
      await quick(`Have a plan made to ${view.goal}`).beginPlan({ view: plan, reportTo })
    } catch (error) {
      if (isCancellation(error)) throw error
      if (view.running?.planId !== plan.id) return
      delete view.running
      record(skipped(at, `no plan could be begun: ${messageOf(error)}`))
    }
  }

  /** What it is asked for this time. A signal that cannot be read changes nothing. */
  async function wishNow(): Promise<{ goal?: PlanView['goal']; options: PlanWishes; reason: string }> {
    const { goal, signal } = view
    if (!signal) return { goal, options: {}, reason: '' }
    try {
      const { value } = await quick('Read the signal').readSignal({ query: signal.query })
      return driveOf(value, signal)
    } catch (error) {
      if (isCancellation(error)) throw error
      return { options: {}, reason: `the signal cannot be read: ${messageOf(error)}` }
    }
  }

  function planAt(at: string, startsAtMs: number, goal: PlanView['goal'], wish: PlanWishes): PlanView {
    const { id, by, userId, approve, name, why = name } = view
    const { powerOff, ...wishes } = view.options
    const own = { ...wishes, ...(goal === 'consolidate' && powerOff !== undefined && { powerOff }) }
    const windowMs = view.windowMinutes * 60_000
    const beginBy = new Date(startsAtMs + windowMs).toISOString()
    // as long as its waves may begin it may be approved: whether it still holds is looked at before each of them
    const options = { validForMs: Math.min(windowMs, longestValidMs), ...own, ...wish }
    const asked = { id: uuid4(), goal, options, by, userId, createdAt: nowIso(), recurs: { id, at }, approve, beginBy }
    return newPlan(asked, why)
  }

  function replan(): void {
    const planned = planNext(view.when, { id: view.id, afterMs, counted: view.counted, nowMs: Date.now() })
    afterMs = planned.afterMs
    view.counted += planned.missed.length
    view.past = remembered(view.past, ...planned.missed.map(({ at, reason }) => skipped(at, reason)))
    const { next } = planned
    delete view.next
    if (next) become({ next })
    else become({ state: 'ended', reason: 'there is no further time' })
  }

  /** One that was terminated could not say so itself. */
  async function forgetGone(): Promise<void> {
    const { running } = view
    if (!running || (await stillRuns(planWorkflowId(running.planId)))) return
    if (view.running !== running) return
    delete view.running
    record({ ...running, outcome: 'stopped', endedAt: nowIso(), detail: 'its workflow was ended in Temporal' })
  }

  function listen(): void {
    setHandler(planEnded, ({ id, state, ...ending }) => {
      const { running } = view
      if (running?.planId !== id) return
      delete view.running
      record({ ...running, outcome: state, ...ending })
    })
    const open = ({ does }: RecurringPlanCommand) => {
      if (over())
        throw failure('PLAN_CLOSED', `recurring plan ${view.id} is ${view.state}: it cannot be told to ${does}`)
    }
    setHandler(
      recurringPlanCommands.pause,
      ({ by }) => {
        stirred = true
        delete view.next
        return become({ state: 'paused', reason: `paused by ${by.name}` })
      },
      { validator: open },
    )
    setHandler(
      recurringPlanCommands.resume,
      () => {
        if (view.state === 'active') return view
        stirred = true
        delete view.reason
        // times that passed meanwhile are not made up for
        afterMs = Date.now()
        view.state = 'active'
        replan()
        return view
      },
      { validator: open },
    )
    setHandler(
      recurringPlanCommands.delete,
      ({ by }) => {
        delete view.next
        return become({ state: 'deleted', reason: `deleted by ${by.name}` })
      },
      { validator: open },
    )
  }
}

const skipped = (at: string, detail: string): PastPlan => ({ at, outcome: 'skipped', endedAt: nowIso(), detail })

function sentence({ state, reason, next, running, when }: RecurringPlanView): string {
  const parts = [reason === undefined ? state : `${state}: ${reason}`]
  if (next) parts.push(`next ${next.local} (${when.timeZone})`)
  if (running) parts.push(`plan ${running.planId} of ${running.at} is at work`)
  return parts.join('; ')
}

const nowIso = () => new Date().toISOString()

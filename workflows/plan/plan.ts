import {
  allHandlersFinished,
  CancellationScope,
  condition,
  defineSignal,
  getExternalWorkflowHandle,
  isCancellation,
  workflowInfo,
} from '@temporalio/workflow'
import type { OpenPlan, PlanView } from '../../core/cloud-plan.ts'
import { carryOut, groundsOf } from './carry-out.ts'
import { createPlanDesk } from './desk.ts'
import { enableAgain } from './hosts.ts'
import { createPlanJournal, nowIso, reasonOf } from './journal.ts'
import { takeParts } from './keep.ts'
import type { PlanEnd, PlanLife, PlanTimes } from './life.ts'
import { make } from './make.ts'
import { sleepHosts } from './sleep.ts'

/** How a plan has ended, for whatever has it made again and again. */
export interface EndedPlan extends Pick<PlanView, 'id' | 'state'> {
  readonly endedAt: string
  readonly detail?: string
}
export const planEnded = defineSignal<[EndedPlan]>('planEnded')

/**
 * The life of one plan: planning → proposed → approved → executing, wave by wave → done; or discarded, expired, stopped,
 * stale, failed. Nothing is moved before somebody has approved exactly this document, or lets such plans be carried out
 * without. Never fails: how it ended is in its view.
 */
export async function cloudPlan(open: OpenPlan, times: PlanTimes = {}): Promise<PlanView> {
  const journal = createPlanJournal(open.view)
  takeParts()
  const life: PlanLife = {
    ...{ open, journal, desk: createPlanDesk(journal, open), stay: [], hasBegun: false },
    workflowId: workflowInfo().workflowId,
    times: { lookAgainMs: 30_000, leaseWaitSeconds: 7_200, enableWithinMs: 86_400_000, ...times },
  }
  journal.show()
  let end: PlanEnd | 'discarded'
  try {
    end = await live(life)
  } catch (error) {
    end = isCancellation(error)
      ? { state: 'stopped', reason: { detail: 'cancelled by a person in Temporal' } }
      : { state: 'failed', reason: reasonOf(error) }
  }
  return CancellationScope.nonCancellable(async () => {
    if (end !== 'discarded') journal.end(end.state, end.reason)
    const { state, goal } = journal.view
    if (life.hasBegun && (state !== 'done' || goal === 'undo')) await enableAgain(life, groundsOf(life))
    // whoever is at the desk gets an answer, and what is not handed over yet would be lost
    await condition(() => allHandlersFinished() && journal.isIdle())
    if (open.reportTo !== undefined) await report(open.reportTo, journal.view)
    return journal.view
  })
}

async function live(life: PlanLife): Promise<PlanEnd | 'discarded'> {
  const { journal } = life
  for (;;) {
    const ended = await make(life)
    if (ended) return ended
    let carried: Awaited<ReturnType<typeof carryOut>> = 'ask'
    if (journal.view.state === 'approved') carried = await carryOut(life)
    if (carried === 'ask') {
      const unanswered = await untilApproved(life)
      if (unanswered) return unanswered
      carried = await carryOut(life)
    }
    if (typeof carried === 'object') {
      if (carried.state === 'done') await sleepHosts(life, groundsOf(life))
      return carried
    }
    journal.tell(`${life.stay.at(-1)?.reason}; plans anew around it`, 'planning')
  }
}

/** Undefined when as many persons as it needs have said yes. */
async function untilApproved(life: PlanLife): Promise<PlanEnd | 'discarded' | undefined> {
  const { journal, desk } = life
  const untilMs = Date.parse(journal.view.answerBy ?? '')
  const isDecided = () => desk.isDiscarded() || desk.approval() !== undefined
  await condition(isDecided, Math.max(1, untilMs - Date.now()))
  if (desk.isDiscarded()) return 'discarded'
  const approval = desk.approval()
  if (!approval) return { state: 'expired', reason: { detail: 'nobody approved it in time' } }
  life.approval = approval
  journal.tell(`approved by ${approval.by}`, 'approved')
  return undefined
}

/** Whoever has this plan made again and again is told; not when that has ended meanwhile. */
async function report(reportTo: string, { id, state, reason, endedAt = nowIso() }: PlanView): Promise<void> {
  try {
    const detail = reason && `${reason.code ? `${reason.code}: ` : ''}${reason.detail}`
    await getExternalWorkflowHandle(reportTo).signal(planEnded, { id, state, endedAt, ...(detail && { detail }) })
  } catch {
    // nobody waits for it any more
  }
}

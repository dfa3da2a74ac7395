import { allHandlersFinished, CancellationScope, condition, isCancellation } from '@temporalio/workflow'
import type { OpenPlan, PlanView } from '../../core/cloud-plan.ts'
import { patient } from '../steps.ts'
import { createPlanDesk, type PlanDesk } from './desk.ts'
import { createPlanJournal, type PlanJournal, reasonOf } from './journal.ts'
import { takeParts } from './keep.ts'

/** A picture may take two minutes, and a plan for thousands of hosts some more. */
const longestPlanningMs = 15 * 60_000

/**
 * The life of one plan: planning → proposed → discarded or expired. Nothing is moved by it. Never fails: how it ended is
 * in its view.
 */
export async function cloudPlan({ view: first, governor }: OpenPlan): Promise<PlanView> {
  const journal = createPlanJournal(first)
  const { view } = journal
  takeParts()
  const desk = createPlanDesk(journal)
  try {
    journal.show()
    if (await make(journal, desk)) {
      const untilMs = Math.min(
        Date.parse(view.digest?.expiresAt ?? view.createdAt),
        Date.now() + governor.approval.timeoutSeconds * 1000,
      )
      const isAnswered = await condition(() => desk.discarded() !== undefined, Math.max(1, untilMs - Date.now()))
      if (!isAnswered) journal.end('expired', { detail: 'nobody approved it in time' })
    }
  } catch (error) {
    if (!isCancellation(error)) throw error
    journal.end('stopped', { detail: 'cancelled by a person in Temporal' })
  }
  // whoever is at the desk gets an answer
  await CancellationScope.nonCancellable(() => condition(allHandlersFinished))
  return view
}

/** Has the plan made, unless it is discarded meanwhile. False when there is nothing to be approved. */
async function make(journal: PlanJournal, desk: PlanDesk): Promise<boolean> {
  const { view } = journal
  const { goal, options } = view
  const scope = new CancellationScope()
  const making = scope.run(() =>
    patient(`Look at the whole cloud, and plan to ${goal}`, longestPlanningMs).makePlan({ goal, options }),
  )
  try {
    const digest = await Promise.race([making, condition(() => desk.discarded() !== undefined).then(() => undefined)])
    if (!digest) {
      scope.cancel()
      await making.catch(() => undefined)
      return false
    }
    view.digest = digest
  } catch (error) {
    if (isCancellation(error)) throw error
    journal.end('failed', reasonOf(error))
    return false
  }
  const { moves, hosts, waves } = view.digest
  if (moves === 0) {
    journal.end('done', { detail: 'no useful move: there is nothing to carry out' })
    return false
  }
  journal.tell(`proposes ${moves} move(s) in ${waves.length} wave(s), between ${hosts} hosts`, 'proposed')
  return true
}

import { CancellationScope, condition, isCancellation } from '@temporalio/workflow'
import { ownReasonOf, type PlanDigest } from '../../core/cloud-plan.ts'
import { personsForHosts } from '../../policies/approval.ts'
import { patient } from '../steps.ts'
import { closesMs, reasonOf } from './journal.ts'
import type { PlanEnd, PlanLife } from './life.ts'

/** A picture may take two minutes, and a plan for thousands of hosts some more. */
const longestPlanningMs = 15 * 60_000

/** Has the plan made and proposes it. Returns how it ended, where there is nothing to be approved. */
export async function make(life: PlanLife): Promise<PlanEnd | 'discarded' | undefined> {
  const { open, journal, stay } = life
  const { view } = journal
  let digest: PlanDigest | undefined
  try {
    digest = await untilMade(life)
  } catch (error) {
    if (isCancellation(error)) throw error
    const { code, detail } = reasonOf(error)
    if (stay.length === 0) return { state: 'failed', reason: { code, detail } }
    return { state: 'failed', reason: { code, detail: `${lastFailure(life)}; around it: ${detail}` } }
  }
  if (!digest) return 'discarded'
  const { moves, hosts, waves, expiresAt, takenDown } = digest
  // what was carried out of the document before is kept beside the new one
  if (view.digest) view.earlier = [...view.earlier, { pack: view.digest.pack, waves: view.waves }]
  view.digest = digest
  view.waves = waves.map((wave) => ({ ...wave, state: 'waiting', moved: 0 }))
  if (moves === 0 && stay.length === 0)
    return { state: 'done', reason: { detail: 'no useful move: there is nothing to carry out' } }
  if (moves === 0)
    return {
      state: 'failed',
      reason: { code: 'MIGRATION_FAILED', detail: `${lastFailure(life)}; there is no other way` },
    }
  const { approval } = open.governor
  const needs = personsForHosts(hosts, approval)
  const untilMs = Math.min(Date.parse(expiresAt), Date.now() + approval.timeoutSeconds * 1000, closesMs(view))
  view.needs = needs
  view.answerBy = new Date(untilMs).toISOString()
  const down = takenDown === undefined ? '' : `; ${takenDown} server(s) that run are down meanwhile`
  const text = `proposes ${moves} move(s) in ${waves.length} wave(s), between ${hosts} hosts${down}`
  // what two persons have to look at, what has failed before, or what takes servers down is nobody's routine
  if (view.approve === 'auto' && needs === 1 && stay.length === 0 && view.options.cold !== 'all')
    journal.tell(`${text}, which ${view.by} lets be carried out without being asked`, 'approved')
  else journal.ask(text)
  return undefined
}

const lastFailure = ({ stay }: PlanLife) => stay.at(-1)?.reason ?? ''

/** Undefined when it was discarded meanwhile. */
async function untilMade({ journal, desk, stay }: PlanLife): Promise<PlanDigest | undefined> {
  const { view } = journal
  const { goal, options, undoes } = view
  const scope = new CancellationScope()
  const making = scope.run(() =>
    patient(`Look at the whole cloud, and plan to ${goal}`, longestPlanningMs).makePlan({
      ...{ goal, options, stay, ownReason: ownReasonOf(view) },
      ...(undoes !== undefined && { undoes }),
    }),
  )
  const made = await Promise.race([making, condition(desk.isDiscarded).then(() => undefined)])
  if (made) return made
  scope.cancel()
  await making.catch(() => undefined)
  return undefined
}

import {
  CancellationScope,
  condition,
  isCancellation,
  ParentClosePolicy,
  startChild,
  workflowInfo,
} from '@temporalio/workflow'
import type { ErrorCode } from '../../core/catalogue.ts'
import { ownReasonOf, type PlanView, planRunbook, type WaveView } from '../../core/cloud-plan.ts'
import type { LeaseGrounds } from '../../core/governor.ts'
import { attributes } from '../../core/search-attributes.ts'
import { runsQueueBeside } from '../../core/task-queues.ts'
import { comeToAnEnd } from '../lease.ts'
import { internal } from '../steps.ts'
import { closesMs, nowIso, reasonOf } from './journal.ts'
import type { PlanEnd, PlanLife } from './life.ts'
import { planWave, type WaveReport } from './wave.ts'

/** Ended by somebody's will, not by a failure: the governor's no, or the stop button. */
const refusals: ReadonlySet<string> = new Set([
  ...(['STOPPED', 'GAVE_WAY', 'OBSERVE_ONLY', 'APPROVAL_NEEDED', 'TARGET_BUSY', 'TARGET_PROTECTED'] as const),
  ...(['TARGET_COOLING_DOWN', 'TARGETS_MISSING', 'FUSE_BLOWN', 'SURVEY_STALE', 'BUDGET_EXHAUSTED'] as const),
  ...(['OVERLOADED', 'CANCELLED', 'WINDOW_CLOSED'] as const),
] satisfies (ErrorCode | 'CANCELLED')[])

const isClosed = (view: PlanView) => Date.now() >= closesMs(view)

/** Nova's no to one server, or one that is never at rest: the others may still be moved. */
const failedMoves: ReadonlySet<string> = new Set([
  ...(['MIGRATION_FAILED', 'CLOUD_REFUSED', 'CLOUD_BUSY'] as const),
] satisfies ErrorCode[])

/** How often the same wave gives way. */
const mostTries = 3
const usualMovesAtOnce = 8

/**
 * Carries the present document out, wave by wave. `plan anew` after the first move that failed: it is then planned around
 * its server, and asked about again. `ask` when the governor wants a person's yes, and nobody has given one yet.
 */
export async function carryOut(life: PlanLife): Promise<PlanEnd | 'plan anew' | 'ask'> {
  const { journal } = life
  const { view } = journal
  if (life.approval) life.approval = { ...life.approval, begunAt: nowIso() }
  const grounds = groundsOf(life)
  for (const wave of view.waves) {
    const report = await makeWave(life, wave, grounds)
    if (!report.ended) continue
    const { code, detail, serverId } = report.ended
    const stopping = life.desk.stopping()
    const told = `wave ${wave.wave} of ${view.waves.length}: ${detail}`
    if (stopping !== undefined) return { state: 'stopped', reason: { detail: stopping } }
    if (refusals.has(code) && isClosed(view))
      return {
        state: 'stopped',
        reason: { code: 'WINDOW_CLOSED', detail: `window closed at ${view.beginBy}: ${told}` },
      }
    if (code === 'APPROVAL_NEEDED' && !life.approval && wave.wave === 1 && wave.moved === 0) {
      wave.state = 'waiting'
      delete wave.startedAt
      delete wave.endedAt
      journal.ask(`the governor wants a person's yes: ${detail}`)
      return 'ask'
    }
    if (refusals.has(code)) return { state: 'stopped', reason: { code, detail: told } }
    if (code === 'PLAN_STALE') return { state: 'stale', reason: { code, detail: told } }
    if (!serverId || !failedMoves.has(code) || life.stay.length > 0)
      return { state: 'failed', reason: { code, detail: told } }
    life.stay.push({ serverId, reason: detail })
    return 'plan anew'
  }
  const moves = view.waves.reduce((sum, { moved }) => sum + moved, 0)
  return { state: 'done', reason: { detail: `${moves} move(s) in ${view.waves.length} wave(s) made, and seen` } }
}

/** On what grounds a plan asks for its leases. */
export function groundsOf({ journal, times, approval }: PlanLife): LeaseGrounds {
  const { id, goal, by, why, undoes } = journal.view
  return {
    requester: 'plan',
    by: `plan/${id}`,
    why: `${goal}, asked for by ${by}${why ? `: ${why}` : ''}`,
    // waves of one plan do not cool each other down, nor its way back
    incidentRunId: undoes ?? id,
    ...(approval && { approval }),
    waitSeconds: times.leaseWaitSeconds,
  }
}

/** One wave; again after a pause when it gave way to something more urgent. */
async function makeWave(life: PlanLife, wave: WaveView, grounds: LeaseGrounds): Promise<WaveReport> {
  const { journal, desk, times } = life
  for (let tries = 1, pauseMs = times.lookAgainMs; ; tries++, pauseMs *= 2) {
    if (isClosed(journal.view)) return notBegun
    const leftSeconds = Math.ceil((closesMs(journal.view) - Date.now()) / 1000)
    const waitSeconds = Math.min(grounds.waitSeconds, leftSeconds)
    const report = await runWave(life, wave, { ...grounds, waitSeconds })
    await note(life, wave, report)
    if (report.ended?.code !== 'GAVE_WAY' || desk.stopping() !== undefined || tries === mostTries) return report
    journal.tell(`wave ${wave.wave} gave way: ${report.ended.detail}`)
    await condition(() => desk.stopping() !== undefined, pauseMs)
  }
}

const notBegun: WaveReport = { states: [], disabled: [], ended: { code: 'WINDOW_CLOSED', detail: 'not begun' } }

/** A run holds the lease, so that a governor that lost its memory finds it. It is asked to end, and never cut off. */
async function runWave(life: PlanLife, wave: WaveView, grounds: LeaseGrounds): Promise<WaveReport> {
  const { journal, desk, times, workflowId } = life
  const { view } = journal
  life.hasBegun = true
  const { id, goal, options, digest, beginBy } = view
  const watching = new CancellationScope()
  wave.state = 'running'
  wave.startedAt ??= nowIso()
  journal.tell(`wave ${wave.wave} of ${view.waves.length}: ${wave.moves - wave.moved} move(s)`, 'executing')
  try {
    const run = await startChild(planWave, {
      workflowId: `run/plan/${id}`,
      taskQueue: runsQueueBeside(workflowInfo().taskQueue),
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      staticSummary: `wave ${wave.wave} of a plan to ${goal}`,
      typedSearchAttributes: [
        { key: attributes.kind, value: 'run' },
        { key: attributes.state, value: 'waiting' },
        { key: attributes.runbook, value: planRunbook },
      ],
      args: [
        {
          ...{ workflowId, pack: digest?.pack ?? '', wave: wave.wave, states: wave.states ?? [] },
          ...{ canary: wave.wave === 1 && wave.moved === 0, ownReason: ownReasonOf(view), grounds },
          movesAtOnce: options.movesAtOnce ?? usualMovesAtOnce,
          lookAgainMs: times.lookAgainMs,
          ...(beginBy !== undefined && { beginBy }),
        },
      ],
    })
    view.run = { workflowId: run.workflowId, runId: run.firstExecutionRunId }
    journal.show()
    const stopped = watching.run(async () => {
      await condition(() => desk.stopping() !== undefined)
      await run.signal(comeToAnEnd, { why: desk.stopping() ?? '' })
    })
    // a run that has ended cannot be asked to
    stopped.catch(() => undefined)
    return await run.result()
  } catch (error) {
    if (isCancellation(error)) throw error
    return { states: [], disabled: [], ended: reasonOf(error) }
  } finally {
    watching.cancel()
    delete view.run
  }
}

async function note({ journal }: PlanLife, wave: WaveView, { states, disabled, ended }: WaveReport): Promise<void> {
  const { view } = journal
  wave.moved = states.filter((state) => state === 'moved').length
  wave.state = ended ? 'ended' : 'done'
  wave.endedAt = nowIso()
  if (ended) wave.states = [...states]
  else delete wave.states
  view.disabled = [...new Set([...view.disabled, ...disabled])]
  if (ended) journal.show()
  else journal.tell(`wave ${wave.wave}: ${wave.moved} move(s) made, and seen`)
  if (!ended || ended.serverId !== undefined) await reportOutcome(!ended)
}

/** What does not help is looked at by people sooner. */
async function reportOutcome(helped: boolean): Promise<void> {
  try {
    await internal('Tell the governor how it went').reportOutcome({
      outcome: { runbook: planRunbook, at: nowIso(), helped },
    })
  } catch (error) {
    if (isCancellation(error)) throw error
    // the governor learns from the next one
  }
}

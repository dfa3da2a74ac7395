import { CancellationScope, CancelledFailure, isCancellation, sleep } from '@temporalio/workflow'
import type { CallOutcome } from '../core/activities.ts'
import type { ErrorCode } from '../core/catalogue.ts'
import type { Chain, ChainStep, StepRecord } from '../core/chain.ts'
import { codeOf, failure, messageOf } from '../core/errors.ts'
import type { StepView } from '../core/step.ts'
import type { Work } from '../core/work.ts'
import { nextOf, resolveStep, type UndoPlan } from '../policies/chain.ts'
import { backoffMs } from '../policies/repeat.ts'
import { chainOf } from '../policies/work.ts'
import { carryOut, type Doer, titleOfDeed } from './deed.ts'

export interface WorkDone {
  /** Answer to the last thing that was done. */
  readonly last: CallOutcome
  /** When the first call was begun. */
  readonly startedAt: string
  /** What failed without harm, where the work says that it may. */
  readonly inPart?: string
}

/** Refused, so that nothing happened: a step that asks for retries is tried again. */
const retriable: ReadonlySet<ErrorCode | undefined> = new Set(['CLOUD_REFUSED', 'EFFECT_FAILED'])

/**
 * Does work step by step: what earlier steps leave is put into later ones, a failure is followed by what its step asks for.
 * Cancelled, it ends between two steps. `tell` is given the steps as people read them, whenever one has changed.
 *
 * @param deadlineMs the latest moment for the first call; each later step may be as late as the doer allows
 * @throws the failure of the step that ended it, saying what was taken back and what was not
 */
export async function doWork(
  work: Work,
  doer: Doer,
  deadlineMs: number,
  tell: (steps: StepView[]) => void,
): Promise<WorkDone> {
  const chain = chainOf(work)
  const records: StepRecord[] = []
  const shown: StepView[] = []
  const errors = new Map<string, unknown>()
  let startedAt: string | undefined
  let last: CallOutcome | undefined

  for (;;) {
    const next = nextOf(chain, records)
    if (next.kind === 'end' && next.outcome !== 'failed') return { ...ends(), ...inPart(chain, records, errors) }
    if (next.kind === 'end') throw errors.get(next.because ?? '')
    if (next.kind === 'undo') throw await takenBack(next.because, next.plan)
    if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('cancelled between two steps')
    records.push(await run(next.step))
  }

  function ends() {
    if (!last || startedAt === undefined) throw failure('INTERNAL', 'the work has no step')
    return { last, startedAt }
  }

  async function run(step: ChainStep): Promise<StepRecord> {
    const view = begin(step.id, typeof step.action === 'string' ? step.action : titleOfDeed({ call: step.action }))
    try {
      const deed = resolveStep(chain, step, records)
      const outcome = await withRetries(step, () =>
        carryOut(deed, doer, records.length === 0 ? deadlineMs : Date.now() + doer.maxLatenessMs),
      )
      startedAt ??= outcome.startedAt
      last = outcome
      end(view, { ...answerOf(outcome), state: 'done' })
      const { before, body } = outcome
      return {
        ...{ id: step.id, state: 'done', input: 'call' in deed ? deed.call : deed.input },
        ...(before !== undefined && { before }),
        ...(body !== undefined && { result: body }),
      }
    } catch (error) {
      if (isCancellation(error)) throw error
      errors.set(step.id, error)
      const state = codeOf(error) === 'OUTCOME_UNKNOWN' ? 'unknown' : 'failed'
      end(view, { state, detail: saying(error) })
      return { id: step.id, state }
    }
  }

  async function withRetries(step: ChainStep, act: () => Promise<CallOutcome>): Promise<CallOutcome> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await act()
      } catch (error) {
        if (attempt > step.retries || !retriable.has(codeOf(error))) throw error
        await sleep(backoffMs(attempt, doer.maxLatenessMs))
      }
    }
  }

  /** Takes back what was done, the last of it first; says of each whether it is as it was. */
  async function takenBack(because: string, { undo, stays }: UndoPlan): Promise<unknown> {
    const left = stays.map(({ id, reason }) => `${id} (${reason})`)
    for (const { id, reference } of undo) {
      const view = begin(`undo ${id}`, titleOfDeed(reference))
      try {
        end(view, { ...answerOf(await carryOut(reference, doer, Date.now() + doer.maxLatenessMs)), state: 'done' })
      } catch (error) {
        left.unshift(`${id} (${saying(error)})`)
        end(view, { state: 'failed', detail: saying(error) })
      }
    }
    const error = errors.get(because)
    const back = undo.map(({ id }) => id).filter((id) => !left.some((one) => one.startsWith(`${id} (`)))
    const told = [
      back.length > 0 && `taken back: ${back.join(', ')}`,
      left.length > 0 && `not taken back: ${left.join(', ')}`,
    ]
    return failure(
      codeOf(error) ?? 'INTERNAL',
      [`step ${because}: ${messageOf(error)}`, ...told].filter(Boolean).join('; '),
    )
  }

  function begin(id: string, title: string): StepView {
    const view: StepView = { id, title, state: 'running', startedAt: nowIso() }
    shown.push(view)
    tell(shown)
    return view
  }

  function end(view: StepView, how: Partial<StepView>): void {
    Object.assign(view, how, { endedAt: nowIso() })
    tell(shown)
  }
}

const answerOf = ({ status, requestId, note }: CallOutcome): Partial<StepView> => ({
  status,
  ...(requestId && { requestId }),
  ...(note && { detail: note }),
})

function inPart({ steps }: Chain, records: readonly StepRecord[], errors: ReadonlyMap<string, unknown>) {
  const failed = steps.filter(({ id }) => records.some((record) => record.id === id && record.state !== 'done'))
  if (failed.length === 0) return {}
  return { inPart: failed.map(({ id }) => `${id}: ${saying(errors.get(id))}`).join('; ') }
}

const saying = (error: unknown) => `${codeOf(error) ?? 'INTERNAL'}: ${messageOf(error)}`
const nowIso = () => new Date().toISOString()

import {
  CancellationScope,
  isCancellation,
  setCurrentDetails,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import { codeOf, failure, messageOf } from '../../core/errors.ts'
import type { RunWord, Severity } from '../../core/notification.ts'
import type { Run, RunOrder, RunState, RunStep } from '../../core/runbook.ts'
import { attributes } from '../../core/search-attributes.ts'

/** What a run shows of itself besides what its workflow's memo adds. */
export type RunView = Omit<Run, 'id' | 'workflowId' | 'startedAt' | 'endedAt' | 'evidence'>

/** Steps and notes that are kept for people; older ones are in the history. */
const keptSteps = 60
const keptNotes = 50
const mostEvidence = 64 << 10
const mostDetail = 300
/** Of what a dry run tells; its end shows all that is kept. */
const shownEvery = 20

/** Keeps the record of a run, readable from outside at every moment: as memo, so that no worker is needed. */
export interface RunRecord {
  readonly view: RunView
  note(text: string): void
  to(state: RunState): void
  /** Changed what `view` says: shows it, with one sentence for the Temporal UI. */
  show(sentence: string): void
  /** Records one step from its beginning to its end. */
  step<T>(title: string, act: () => Promise<T>, inWords?: (result: T) => string | undefined): Promise<T>
  /** In a dry run: what would be done. */
  would(title: string): void
  evidence(name: string, document: unknown): void
}

/** For steps that belong to something with a view of its own: its notes are passed on, and nothing else is kept. */
export function createQuietRecord({ runbook, input, dryRun, by, why }: RunOrder, note: RunRecord['note']): RunRecord {
  const nothing = () => undefined
  return {
    view: { runbook, state: 'running', dryRun, by, why, input, targets: [], steps: [], notes: [] },
    ...{ note, to: nothing, show: nothing, would: nothing, evidence: nothing },
    step: (_title, act) => act(),
  }
}

export function createRecord({ runbook, input, dryRun, by, why }: RunOrder): RunRecord {
  const steps: RunStep[] = []
  const view: RunView = { runbook, state: 'waiting', dryRun, by, why, input, targets: [], steps, notes: [] }
  const documents: Record<string, unknown> = {}
  let told = 0

  function show(sentence: string): void {
    upsertMemo({ view })
    setCurrentDetails(sentence)
  }

  function add(step: RunStep): RunStep {
    steps.push(step)
    if (steps.length > keptSteps) steps.shift()
    return step
  }

  return {
    view,
    show,
    note(text) {
      view.notes = [...view.notes, { at: nowIso(), text }].slice(-keptNotes)
      show(text)
    },
    to(state) {
      if (view.state === state) return
      view.state = state
      upsertSearchAttributes([{ key: attributes.state, value: state }])
    },
    async step(title, act, inWords = () => undefined) {
      const step = add({ title, state: 'running', startedAt: nowIso() })
      show(title)
      try {
        const result = await act()
        end(step, 'done', inWords(result))
        return result
      } catch (error) {
        const why = isCancellation(error) ? 'cancelled' : `${codeOf(error) ?? 'INTERNAL'}: ${messageOf(error)}`
        end(step, 'failed', why)
        throw error
      } finally {
        if (!CancellationScope.current().consideredCancelled) show(title)
      }
    },
    would(title) {
      add({ title, state: 'would', startedAt: nowIso() })
      // hundreds of these come in one go; written down one by one they would be too much for one task of the engine
      if (told++ % shownEvery === 0) show(`would: ${title}`)
    },
    evidence(name, document) {
      const { length } = JSON.stringify(document)
      if (length > mostEvidence)
        throw failure('RUNBOOK_INVALID', `evidence "${name}" has ${length} characters; ${mostEvidence} are kept`, {
          runbook,
        })
      documents[name] = document
      upsertMemo({ evidence: documents })
    },
  }

  function end(step: RunStep, state: RunStep['state'], detail: string | undefined): void {
    Object.assign(step, { state, endedAt: nowIso(), ...(detail && { detail: detail.slice(0, mostDetail) }) })
  }
}

export const nowIso = (): string => new Date().toISOString()
/** Its id for people, which whoever started it has given; that of its execution where nobody has. */
export function runIdHere(): string {
  const { memo, runId } = workflowInfo()
  return typeof memo?.id === 'string' ? memo.id : runId
}

/** The run, as the subject of what is announced. */
export const subjectHere = (): string => `run/${runIdHere()}`

/** What a run says to people. */
export const wordOf = ({ runbook, by = '', why = '' }: RunView, text: string, severity: Severity): RunWord => ({
  ...{ id: runIdHere(), runbook, by, why, text, severity },
})

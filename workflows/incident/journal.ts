import { workflowInfo } from '@temporalio/workflow'
import type { Alert } from '../../core/alert.ts'
import type { IncidentState, IncidentView } from '../../core/incident.ts'
import { publish } from '../publish.ts'

const keptEntries = 50
const keptRuns = 50
const longestEntry = 2_000

/** What people read of an incident; every change is published at once. */
export interface Journal {
  readonly view: IncidentView
  /** One more entry of the time line, with a new state where one is given. */
  tell(text: string, state?: IncidentState): void
  /** Publishes what changed without an entry. */
  show(): void
}

/** `turned` is told of every change of state, when it is published. */
export function createJournal(view: IncidentView, turned: (before: IncidentState) => void): Journal {
  const show = () => {
    view.runs = view.runs.slice(-keptRuns)
    publish(view, view.timeline.at(-1)?.text ?? view.summary)
  }
  return {
    view,
    show,
    tell(text, state = view.state) {
      const before = view.state
      view.state = state
      const entry = text.length > longestEntry ? `${text.slice(0, longestEntry)}…` : text
      view.timeline = [...view.timeline, { at: nowIso(), text: entry }].slice(-keptEntries)
      show()
      if (before !== state) turned(before)
    },
  }
}

/** Opened when the engine took the alert in, however long it then took a worker to see it. */
export function openView({ policy, entity, summary, source }: Alert): IncidentView {
  const openedAt = workflowInfo().startTime.toISOString()
  return {
    ...{ policy, ...entity, state: 'confirming', summary, source, openedAt, signals: 0 },
    ...{ runs: [], rung: 0, answers: [], timeline: [] },
  }
}

export const nowIso = () => new Date().toISOString()

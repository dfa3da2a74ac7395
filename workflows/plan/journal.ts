import type { PlanState, PlanView } from '../../core/cloud-plan.ts'
import { codeOf, messageOf } from '../../core/errors.ts'
import { publish } from '../publish.ts'

const keptEntries = 50
const longestEntry = 1_000

/** What people read of a plan; every change is published at once. */
export interface PlanJournal {
  readonly view: PlanView
  tell(text: string, state?: PlanState): void
  /** Publishes what changed without an entry. */
  show(): void
  end(state: PlanState, reason: NonNullable<PlanView['reason']>): void
}

export function createPlanJournal(first: PlanView): PlanJournal {
  const view: PlanView = { ...first }
  const show = () => publish(view, view.timeline.at(-1)?.text ?? view.goal)
  const tell: PlanJournal['tell'] = (text, state = view.state) => {
    view.state = state
    const entry = text.length > longestEntry ? `${text.slice(0, longestEntry)}…` : text
    view.timeline = [...view.timeline, { at: nowIso(), text: entry }].slice(-keptEntries)
    show()
  }
  return {
    view,
    tell,
    show,
    end(state, reason) {
      view.reason = reason
      view.endedAt = nowIso()
      tell(reason.detail, state)
    },
  }
}

export const reasonOf = (error: unknown) => ({ code: codeOf(error) ?? 'INTERNAL', detail: messageOf(error) })
export const nowIso = () => new Date().toISOString()

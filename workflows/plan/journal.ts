import type { EndState, PlanState, PlanView } from '../../core/cloud-plan.ts'
import { codeOf, messageOf } from '../../core/errors.ts'
import type { PlanEvent } from '../../core/notification.ts'
import { createAnnouncer } from '../announce.ts'
import { publish } from '../publish.ts'

const keptEntries = 50
const longestEntry = 1_000

/** What people read of a plan; every change is published at once. */
export interface PlanJournal {
  readonly view: PlanView
  tell(text: string, state?: PlanState): void
  /** Publishes what changed without an entry. */
  show(): void
  /** Tells whoever wants to know that people are asked. */
  ask(text: string): void
  /** Tells them of the end as well, unless it came before anybody was asked, and well. */
  end(state: EndState, reason: NonNullable<PlanView['reason']>): void
  /** Whether all that is to be told is handed over. */
  isIdle(): boolean
}

/** One that ends so has nothing that people should know when none of them was asked to approve it. */
const needsNoWord: ReadonlySet<EndState> = new Set(['done', 'expired', 'discarded'])

export function createPlanJournal(first: PlanView): PlanJournal {
  const view: PlanView = { ...first }
  const announcer = createAnnouncer()
  let announced = 0
  const announce = (event: PlanEvent) =>
    announcer.tell({ event, subject: `plan/${view.id}`, sequence: ++announced, view: { ...view } })
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
    ask(text) {
      tell(text, 'proposed')
      announce('plan.proposed')
    },
    end(state, reason) {
      view.reason = reason
      view.endedAt = nowIso()
      tell(reason.detail, state)
      if (view.needs !== undefined || !needsNoWord.has(state)) announce(`plan.${state}`)
    },
    isIdle: announcer.isIdle,
  }
}

export const reasonOf = (error: unknown) => ({ code: codeOf(error) ?? 'INTERNAL', detail: messageOf(error) })
/** When the last wave may begin, epoch ms. */
export const closesMs = ({ beginBy }: PlanView) =>
  beginBy === undefined ? Number.POSITIVE_INFINITY : Date.parse(beginBy)
export const nowIso = () => new Date().toISOString()

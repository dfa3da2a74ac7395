import { isCancellation } from '@temporalio/workflow'
import { codeOf, messageOf } from '../../core/errors.ts'
import type { LeaseGrounds, LeaseNeed } from '../../core/governor.ts'
import { withLease } from '../lease.ts'
import { publish } from '../publish.ts'

export interface RunView {
  runbook: string
  state: 'waiting' | 'running' | 'succeeded' | 'failed' | 'stopped' | 'cancelled'
  /** What it has a lease on while it runs. */
  targets: readonly string[]
  summary?: string
  code?: string
  notes: { at: string; text: string }[]
}

/** What every runbook takes besides its own input. */
export interface Granted {
  /** On what grounds it asks for its lease; those of a person who started it by hand when left out. */
  grounds?: LeaseGrounds
}

/** Most notes kept in a view; older ones are in the history of the run. */
const keptNotes = 50

/** A run that was started without an incident behind it was started by somebody with access to Temporal. */
const byHand: LeaseGrounds = {
  requester: 'person',
  by: 'somebody in Temporal',
  why: 'started by hand',
  waitSeconds: 600,
}

/** Ended by somebody's will, not by a failure. */
const stops: ReadonlySet<string> = new Set(['STOPPED', 'GAVE_WAY'])

/**
 * What all runbooks share: a lease on what they change, held from the first act to the last, and a readable state while
 * they run and after they ended, whatever way they ended. `prepare` finds out what there is to do. `note` records what a person would want to know, at the time
 * it happened; `safePoint` is called wherever the run can be left without harm.
 */
export async function runbook<T extends { summary: string }, P extends { need: LeaseNeed }>(
  name: string,
  prepare: () => P | Promise<P>,
  grounds: LeaseGrounds | undefined,
  run: (note: (text: string) => void, safePoint: () => void, prepared: P) => Promise<T>,
): Promise<T> {
  const view: RunView = { runbook: name, state: 'waiting', targets: [], notes: [] }
  const show = (text: string) => {
    view.notes = [...view.notes, { at: new Date().toISOString(), text }].slice(-keptNotes)
    publish(view, text)
  }
  try {
    const prepared = await prepare()
    const { need } = prepared
    view.targets = need.targets
    const begin = (safePoint: () => void) => {
      view.state = 'running'
      return run(show, safePoint, prepared)
    }
    const isRead = need.risk === 'read'
    const result = isRead ? await begin(() => undefined) : await withLease(need, grounds ?? byHand, show, begin)
    view.state = 'succeeded'
    view.summary = result.summary
    show(result.summary)
    return result
  } catch (error) {
    const code = codeOf(error)
    view.state = isCancellation(error) ? 'cancelled' : stops.has(code ?? '') ? 'stopped' : 'failed'
    view.summary = messageOf(error)
    if (code) view.code = code
    show(view.summary)
    throw error
  }
}

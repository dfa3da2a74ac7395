import { isCancellation } from '@temporalio/workflow'
import { codeOf, messageOf } from '../../core/errors.ts'
import { publish } from '../publish.ts'

export interface RunView {
  runbook: string
  state: 'running' | 'succeeded' | 'failed' | 'cancelled'
  summary?: string
  code?: string
  notes: { at: string; text: string }[]
}

/** Most notes kept in a view; older ones are in the history of the run. */
const keptNotes = 50

/**
 * What all runbooks share: a readable state while they run and after they ended, whatever way they ended.
 * `note` records what a person would want to know, at the time it happened.
 */
export async function runbook<T extends { summary: string }>(
  name: string,
  run: (note: (text: string) => void) => Promise<T>,
): Promise<T> {
  const view: RunView = { runbook: name, state: 'running', notes: [] }
  const show = (text: string) => {
    view.notes = [...view.notes, { at: new Date().toISOString(), text }].slice(-keptNotes)
    publish(view, text)
  }
  try {
    const result = await run(show)
    view.state = 'succeeded'
    view.summary = result.summary
    show(result.summary)
    return result
  } catch (error) {
    view.state = isCancellation(error) ? 'cancelled' : 'failed'
    view.summary = messageOf(error)
    const code = codeOf(error)
    if (code) view.code = code
    show(view.summary)
    throw error
  }
}

import { parentPort, workerData } from 'node:worker_threads'
import { codeOf, detailsOf, messageOf } from '../core/errors.ts'
import { planDocument } from '../policies/planner/document.ts'
import { readModel } from '../policies/planner/model-file.ts'
import { wayBackDocument } from '../policies/planner/way-back.ts'
import type { PlanningOrder, PlanningResult } from './planning.ts'

/** Runs in a thread of its own: makes one plan, says what it came to, and ends. */
function plan({ file, goal, made = [], options, nowMs }: PlanningOrder): PlanningResult {
  try {
    const takenMs = Date.parse(file.taken_at ?? '')
    const picture = { model: readModel(file), takenMs, ...(file.notes && { notes: file.notes }) }
    if (goal === 'undo') return { document: wayBackDocument(picture, made, options, nowMs) }
    return { document: planDocument(picture, goal, options, nowMs) }
  } catch (error) {
    const code = codeOf(error)
    if (code === undefined) throw error
    return { refused: { code, message: messageOf(error), details: detailsOf(error) } }
  }
}

parentPort?.postMessage(plan(workerData as PlanningOrder))

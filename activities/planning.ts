import { Worker } from 'node:worker_threads'
import type { ErrorCode } from '../core/catalogue.ts'
import { failure } from '../core/errors.ts'
import type { PlanDocument } from '../core/plan-document.ts'
import type { DocumentOptions } from '../policies/planner/document.ts'
import type { Goal } from '../policies/planner/model.ts'
import type { ModelFile } from '../policies/planner/model-file.ts'
import type { MadeMove } from '../policies/planner/way-back.ts'

export interface PlanningOrder {
  readonly file: ModelFile
  readonly goal: Goal | 'undo'
  /** Goal `undo`: the moves that are taken back, in the order in which they were made. */
  readonly made?: readonly MadeMove[]
  readonly options: DocumentOptions
  readonly nowMs: number
}

/** What a thread says; only what can be copied between threads. */
export type PlanningResult =
  | { readonly document: PlanDocument }
  | { readonly refused: { code: ErrorCode; message: string; details: Record<string, unknown> } }

/** Plans beside the thread that heartbeats: a plan for 500 hosts may take 20 s of it. @throws what the planner throws */
export type Planning = (order: PlanningOrder, signal: AbortSignal) => Promise<PlanDocument>

/** Run from source, a thread needs the same loader as the process, and does not get it by itself. */
function startThread(workerData: PlanningOrder): Worker {
  if (!import.meta.url.endsWith('.ts'))
    return new Worker(new URL('planning-thread.js', import.meta.url), { workerData })
  const loader = import.meta.resolve('tsx/esm/api')
  const source = new URL('planning-thread.ts', import.meta.url).href
  const code = `import('${loader}').then(({ register }) => (register(), import('${source}')))`
  return new Worker(code, { eval: true, workerData })
}

export const planInThread: Planning = async (order, signal) => {
  const thread = startThread(order)
  const stop = () => void thread.terminate()
  signal.addEventListener('abort', stop)
  try {
    const result = await new Promise<PlanningResult>((resolve, reject) => {
      thread.once('message', resolve)
      thread.once('error', reject)
      thread.once('exit', () =>
        reject(signal.aborted ? signal.reason : failure('INTERNAL', 'the planner ended without a plan')),
      )
    })
    if ('document' in result) return result.document
    const { code, message, details } = result.refused
    throw failure(code, message, details)
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

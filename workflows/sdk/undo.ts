import { CancellationScope } from '@temporalio/workflow'
import { codeOf, messageOf } from '../../core/errors.ts'
import type { RunRecord } from './record.ts'

interface Undo {
  readonly title: string
  act(): Promise<unknown>
}

export interface UndoStack {
  push(undo: Undo): void
  /**
   * Takes back everything, the last thing first, also after a cancellation; one that fails does not keep the others.
   * Gives a sentence on what could not be taken back, if anything.
   */
  unwind(record: RunRecord): Promise<string | undefined>
}

export function createUndoStack(): UndoStack {
  const stack: Undo[] = []
  return {
    push: (undo) => void stack.push(undo),
    unwind: (record) =>
      CancellationScope.nonCancellable(async () => {
        const left: string[] = []
        if (stack.length > 0) record.to('taking-back')
        for (let undo = stack.pop(); undo; undo = stack.pop()) {
          const { title, act } = undo
          try {
            await record.step(`Take back: ${title}`, act)
          } catch (error) {
            left.push(`${title} (${codeOf(error) ?? 'INTERNAL'}: ${messageOf(error)})`)
          }
        }
        return left.length === 0 ? undefined : `not taken back: ${left.join('; ')}`
      }),
  }
}

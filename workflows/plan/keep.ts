import { defineSignal, setHandler } from '@temporalio/workflow'

/** Which part of which document; parts count from 0. */
export interface PartLabel {
  readonly pack: string
  readonly part: number
  readonly parts: number
}

/** A part of a document, to be kept: it stays in the history, where the API finds it without a worker. */
export const keepPart = defineSignal<[PartLabel, Uint8Array]>('keepPart')

/** Nothing is done with the parts here: a workflow would carry them along in its memory. */
export const takeParts = (): void => setHandler(keepPart, () => undefined)

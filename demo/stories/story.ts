import type { Stage } from '../stage/stage.ts'

export type Tell = (line: string) => void

/** A story ends as told, or throws a sentence that says what was different. */
export interface Story {
  readonly title: string
  play(stage: Stage, tell: Tell): Promise<StoryEnd>
}

export interface StoryEnd {
  /** The run to look at in the Temporal UI. */
  readonly workflowId: string
  readonly runId: string
  readonly outcome: string
}

export function expectThat(condition: unknown, otherwise: string): asserts condition {
  if (!condition) throw new Error(otherwise)
}

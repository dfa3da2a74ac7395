import type { WorkflowHandle } from '@temporalio/client'
import type { Activities } from '../../../core/activities.ts'

/** Writes down that the world was changed; the same words again mean that it was changed twice. */
export type Did = (what: string) => void

/** The outside world of one run. It outlives the workers, and remembers. */
export interface ScenarioWorld {
  /**
   * Answers like the real activities: what is done already is not done again. Governor and receivers are there anyway. The
   * second thing they are given is the number of the attempt.
   */
  readonly activities: Partial<Activities>
  /** What a run that did not succeed should have taken back and has not; empty for what cannot be taken back. */
  left(): string[]
}

/**
 * One run of a runbook, for the crash matrix. Ids are the same in every world, and one thing is done after the other, so
 * that the same moment can be found again.
 */
export interface Scenario {
  readonly input: object
  world(did: Did): ScenarioWorld
  /** What people do while it runs. */
  meanwhile?(handle: WorkflowHandle): Promise<void>
}

/** The same id in every world. */
export const idOf = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

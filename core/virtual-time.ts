/** What a run in virtual time and those who hold its clock say to each other. */

/** Goes with everything that such a run asks a worker for. */
export const virtualTimeHeader = 'steward-virtual-time'

/** By this signal a run hears that time has passed. */
export const timePassesName = 'timePasses'

/** Where the clock of a run begins: in its memo under this name, epoch ms. */
export const startsAtMemo = 'startsAtMs'

/** How one step is to be tried: the engine itself would wait in real time. */
export interface Trying {
  /** Which of the steps of the run it is. */
  readonly step: number
  readonly limitMs?: number | undefined
  /** Given up after so long, all attempts together. */
  readonly patienceMs?: number | undefined
  readonly mostAttempts: number
  readonly firstBackoffMs: number
  readonly longestBackoffMs: number
}

export interface TriedFailure {
  readonly type?: string | undefined
  readonly message: string
  readonly nonRetryable: boolean
  readonly details: readonly unknown[]
  /** It was too slow, or its worker was lost. */
  readonly timedOut?: boolean
}

/** How a step ended, and when. */
export type Tried =
  | { readonly atMs: number; readonly result: unknown }
  | { readonly atMs: number; readonly failed: TriedFailure }

/** A run has done all that it can do for now; what it says of itself then. */
export interface Standstill {
  readonly workflowId: string
  /** Steps it waits for. */
  readonly steps: readonly number[]
  readonly nextTimerAtMs?: number
  /** How often it was told that time has passed. */
  readonly told: number
  readonly cancelled: boolean
  readonly ended: boolean
}

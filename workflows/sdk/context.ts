import type { Activities, CallOutcome } from '../../core/activities.ts'
import type { Call } from '../../core/call.ts'
import type { Severity } from '../../core/notification.ts'
import type { Answer } from '../../core/runbook.ts'

/** What a read answered. A 404 is an answer, too. */
export interface CloudAnswer {
  readonly status: number
  readonly body?: unknown
}

export interface WaitOptions {
  /** Given up after so long, with RUN_TIMED_OUT. */
  readonly withinSeconds: number
  /** Between the first looks; later ones are up to a twentieth of the time waited apart. @default 2 */
  readonly everySeconds?: number
}

export interface FanOutOptions {
  /** How many are worked on at the same time. @default 1 */
  readonly atOnce?: number
  /** So many first, one by one; the others only if these went well. @default 1 */
  readonly canary?: number
  /** Further failures allowed before nothing more is begun. @default 0 */
  readonly mayFail?: number
}

/** How one of many went. */
export interface Fanned<T, R> {
  readonly item: T
  readonly outcome: 'done' | 'failed' | 'not begun'
  readonly result?: R
  readonly reason?: string
}

/**
 * The hands of a run. Whatever a runbook does outside goes through these, so that it survives crashes, is declared, stands
 * in its record and, in a dry run, is told instead of done.
 */
export interface RunContext {
  /** Id of the run, the same after every crash. */
  readonly id: string
  /** Nothing is changed: reads are made, changes and waits are told. */
  readonly dryRun: boolean

  /** One sentence in its record and in the Temporal UI. */
  note(text: string): void
  /** Keeps a document with the run: JSON up to 64 KiB; a later one of the same name takes its place. @throws RUNBOOK_INVALID larger */
  evidence(name: string, document: unknown): void
  /** Has those receivers of notifications told that want to hear what runs say; a dry run tells nobody. @throws ENGINE_UNREACHABLE */
  tell(text: string, severity?: Severity): Promise<void>
  /** Here the run can be left without harm. @throws GAVE_WAY somebody wants it to end */
  safePoint(): void

  /**
   * Reads the cloud with the standing delegation. `list` follows the pages of that list, up to 5,000 entries.
   * @throws CALL_NOT_DECLARED, DELEGATION_MISSING, CLOUD_REFUSED, CLOUD_UNREACHABLE, ANSWER_TOO_LARGE
   */
  read(
    call: Pick<Call, 'service' | 'path' | 'microversion'> & { readonly list?: string | undefined },
  ): Promise<CloudAnswer>
  /**
   * Does an action of the catalogue: looks whether it is done already, calls once, waits for its end. A lost answer is
   * resolved by looking. `limitSeconds`: how long its end is waited for, in place of what the catalogue says.
   * @throws CALL_NOT_DECLARED, INPUT_INVALID, EFFECT_FAILED, OUTCOME_UNKNOWN, CLOUD_REFUSED
   */
  action(
    name: string,
    input: Readonly<Record<string, unknown>>,
    options?: { readonly limitSeconds?: number | undefined },
  ): Promise<CallOutcome>
  /** Makes any declared call, once; what its end is, `waitFor` finds out. Throws like `action`. */
  call(call: Call): Promise<CallOutcome>
  /** Steward's own steps, typed. `quick` takes seconds and is repeated; `patient` up to `limitMs`; `once` is never repeated. */
  quick(title: string): Activities
  patient(title: string, limitMs: number): Activities
  once(title: string, limitMs?: number): Activities

  /**
   * Looks until there is an answer that is not undefined or false. In a dry run it looks once and gives what it saw.
   * @throws RUN_TIMED_OUT
   */
  waitFor<T>(what: string, look: () => Promise<T | undefined | false>, options: WaitOptions): Promise<T | undefined>
  /** Durable; in a dry run it only says so. */
  sleep(seconds: number, why: string): Promise<void>

  /** What takes back what was just done: all of these run, the last one first, if the run fails or is cancelled. */
  undo(title: string, act: () => Promise<unknown>): void
  /**
   * Asks a person and waits. A dry run is told yes.
   * @throws RUN_REFUSED somebody said no, or nobody answered within the time
   */
  ask(question: string, options?: { withinSeconds?: number }): Promise<Answer>
  /** Does the same to many, some at the same time, the canary first. Never throws for one of them: `assertAllDone` does. */
  forEach<T, R>(items: readonly T[], options: FanOutOptions, act: (item: T) => Promise<R>): Promise<Fanned<T, R>[]>
}

/** What the older runbooks do their work with, whether an incident runs them or a person. */
export type Hands = Pick<RunContext, 'note' | 'safePoint' | 'quick' | 'patient'>

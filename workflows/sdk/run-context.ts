import { CancellationScope, CancelledFailure, patched, sleep, uuid4 } from '@temporalio/workflow'
import type { Activities } from '../../core/activities.ts'
import { sideEffects } from '../../core/audit.ts'
import type { Deed } from '../../core/chain.ts'
import { callNotDeclared, isDeclared } from '../../core/declared.ts'
import { failure } from '../../core/errors.ts'
import type { Needs } from '../../core/runbook.ts'
import { actionNamed } from '../../policies/catalogue/index.ts'
import { callsAllowed } from '../../policies/declared.ts'
import { carryOut, type Doer, titleOfDeed } from '../deed.ts'
import { once, patient, quick } from '../steps.ts'
import type { RunContext } from './context.ts'
import { fanOut } from './fan-out.ts'
import { nowIso, type RunRecord, runIdHere, subjectHere, wordOf } from './record.ts'
import { assertSeconds } from './seconds.ts'
import type { UndoStack } from './undo.ts'

export interface RunParts {
  /** What the runbook has declared. */
  readonly needs: Needs
  readonly dryRun: boolean
  readonly record: RunRecord
  readonly undone: UndoStack
  readonly doer: Doer
  safePoint(): void
  /** Not before it has its lease, and never in a run that holds none. */
  readonly mayChange: boolean
  ask: RunContext['ask']
}

/** What was begun is seen through; this is where a cancelled run begins nothing more. */
export function endIfCancelled(): void {
  if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('cancelled between two steps')
}

const firstPauseSeconds = 2
/** Looks are at most this share of the time already waited apart, so that a long wait does not fill a history. */
const pauseShare = 1 / 20

type Through = (act: () => Promise<unknown>) => Promise<unknown>
/** What may not be repeated is not left half done by a cancellation either: its outcome must be told. */
const seenThrough: Through = (act) => CancellationScope.nonCancellable(act)

/** A lease must not be given back while a server is still on its way. Runs begun before go on as they were. */
const seenThroughSince: Through = (act) => (patched('patient-seen-through') ? seenThrough(act) : act())

/**
 * What the worker would refuse for real, a dry run is refused as well.
 * @throws CALL_NOT_DECLARED, INPUT_INVALID
 */
function assertWouldPass(needs: Needs, deed: Deed): void {
  const calls = callsAllowed(needs, 'performCall', deed)
  if (!('call' in deed)) actionNamed(deed.action).targets(deed.input)
  else if (calls && !isDeclared(calls, deed.call)) throw callNotDeclared(deed.call)
}

/** The hands of one run; see `RunContext` for what each does. */
export function createRunContext({
  needs,
  dryRun,
  record,
  undone,
  doer,
  safePoint,
  mayChange,
  ask,
}: RunParts): RunContext {
  /** @throws RUNBOOK_INVALID */
  function assertMayChange(title: string): void {
    if (mayChange) return
    const why = 'nothing is changed without a lease, neither while it prepares nor by one whose risk is `read`'
    throw failure('RUNBOOK_INVALID', `"${title}" changes something: ${why}`)
  }

  /** Steward's own steps, recorded; in a dry run those that change something are told instead. */
  const recorded = (title: string, steps: Activities, through: Through = (act) => act()): Activities =>
    new Proxy(steps, {
      get: (_, name) => (input: unknown) => {
        const key = name as keyof Activities
        endIfCancelled()
        const act = () => (steps[key] as (given: unknown) => Promise<unknown>)(input)
        if (sideEffects[key] === 'reads') return act()
        if (typeof sideEffects[key] === 'object') assertMayChange(title)
        if (!dryRun) return record.step(title, () => through(act))
        callsAllowed(needs, key, input)
        record.would(title)
        return Promise.resolve(undefined)
      },
    })

  async function made(deed: Deed, limitSeconds?: number) {
    endIfCancelled()
    const title = titleOfDeed(deed)
    assertMayChange(title)
    if (dryRun) {
      assertWouldPass(needs, deed)
      record.would(title)
      return { status: 0, startedAt: nowIso(), note: 'a dry run' }
    }
    return record.step(
      title,
      () => carryOut(deed, doer, Date.now() + doer.maxLatenessMs, limitSeconds),
      ({ note, status }) => note ?? `answered ${status}`,
    )
  }

  return {
    id: runIdHere(),
    dryRun,
    note: record.note,
    evidence: record.evidence,
    tell: (text, severity = 'info') => {
      const title = `Tell people: ${text}`
      return recorded(title, quick(title)).announce({
        ...{ event: 'run.notice', subject: subjectHere(), sequence: uuid4(), at: nowIso() },
        view: wordOf(record.view, text, severity),
      })
    },
    safePoint,
    ask,
    read: (call) => quick(`Read ${call.service}${call.path}`).readCloud(call),
    action: (action, input, { limitSeconds } = {}) => made({ action, input }, limitSeconds),
    call: (call) => made({ call }),
    quick: (title) => recorded(title, quick(title)),
    patient: (title, limitMs) => recorded(title, patient(title, limitMs), seenThroughSince),
    once: (title, limitMs) => recorded(title, once(title, limitMs), seenThrough),

    async waitFor(what, look, { withinSeconds, everySeconds = firstPauseSeconds }) {
      assertSeconds('withinSeconds of run.waitFor', withinSeconds)
      assertSeconds('everySeconds of run.waitFor', everySeconds)
      if (dryRun) {
        record.would(`wait until ${what}`)
        return (await look()) || undefined
      }
      return record.step(`Wait until ${what}`, async () => {
        const beganMs = Date.now()
        for (;;) {
          endIfCancelled()
          const found = await look()
          if (found !== undefined && found !== false) return found
          const waitedMs = Date.now() - beganMs
          if (waitedMs >= withinSeconds * 1000)
            throw failure('RUN_TIMED_OUT', `waited ${withinSeconds} s in vain until ${what}`, { what, withinSeconds })
          const pauseMs = Math.max(everySeconds * 1000, waitedMs * pauseShare)
          await sleep(Math.min(pauseMs, withinSeconds * 1000 - waitedMs))
        }
      })
    },

    async sleep(seconds, why) {
      assertSeconds('run.sleep', seconds)
      if (dryRun) return record.would(`wait ${seconds} s: ${why}`)
      await record.step(`Wait ${seconds} s: ${why}`, () => sleep(seconds * 1000))
    },

    undo: (title, act) => {
      if (!dryRun) undone.push({ title, act })
    },

    forEach: (items, options, act) => fanOut(items, options, act, safePoint),
  }
}

import {
  allHandlersFinished,
  CancellationScope,
  ContinueAsNew,
  condition,
  defineSignal,
  isCancellation,
  makeContinueAsNewFunc,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { Alert } from '../../core/alert.ts'
import type { IncidentView, OpenIncident } from '../../core/incident.ts'
import { attributes } from '../../core/search-attributes.ts'
import { firstStep, ladderOf } from '../../policies/ladder.ts'
import { createAnnouncer } from '../announce.ts'
import { confirmIt } from './confirm.ts'
import { because, createDesk, type Order } from './desk.ts'
import { createJournal, nowIso, openView } from './journal.ts'
import {
  type Announced,
  type Carried,
  close,
  escalate,
  type IncidentOptions,
  type Life,
  noTries,
  type Phase,
} from './life.ts'
import { propose } from './propose.ts'
import { act } from './run.ts'
import { verify } from './verify.ts'
import { wait } from './waiting.ts'
import { createWitness, firstMemory } from './witness.ts'

/** Every delivery about the same entity under the same policy goes to the one incident that is open. */
export const observe = defineSignal<[Alert]>('observe')

/**
 * The life of one alert on one entity: confirm → propose → ask the governor, and people where it says so → run → verify
 * that the signal cleared and stayed clear → closed; or the next attempt, the next rung of the ladder, and at last
 * people (`escalated`).
 *
 * Closes without acting when the alert resolves, or is not confirmed, before the runbook starts. While people have it,
 * it stays open: it takes in all further alerts and closes when the signal clears. What a person orders goes before
 * everything else, save that a run under way ends at a safe point. Never fails: how it ended is in its view. A history
 * that grows long while it waits begins anew with `carried`.
 */
export async function incident(
  open: OpenIncident,
  options: IncidentOptions = {},
  carried?: Carried,
): Promise<IncidentView> {
  const life = begin(open, options, carried)
  const { journal, desk, witness } = life
  setHandler(observe, (seen) => {
    journal.view.signals++
    const { isNew, turned } = witness.take(seen)
    if (isNew) upsertSearchAttributes([{ key: attributes.alertKeys, value: [...witness.keys] }])
    if (turned) tellTurn(life)
  })
  upsertSearchAttributes([{ key: attributes.incidentRunId, value: life.incidentRunId }])
  if (carried) journal.show()
  else {
    journal.tell(open.alert.summary)
    life.announce('opened')
  }

  let phase: Phase = carried?.phase ?? { is: 'confirm' }
  try {
    for (;;) {
      const order = desk.take()
      if (order) phase = obey(life, order)
      if (phase.is === 'close') {
        end(life, phase.why)
        // whoever is at the desk gets an answer, and whoever wants to know is told
        await condition(() => allHandlersFinished() && life.announcer.isIdle())
        if (!beganAnew(life, phase)) return journal.view
        phase = { is: 'confirm' }
      } else phase = await next(life, phase)
    }
  } catch (error) {
    if (!isCancellation(error)) throw error
    // a person may stop the run alone: then the incident is theirs, and it still ends by itself
    const all = CancellationScope.current().consideredCancelled
    const detail = `${all ? '' : 'its run was '}cancelled by a person in Temporal`
    end(life, { detail })
    await CancellationScope.nonCancellable(() => condition(life.announcer.isIdle))
    if (all) throw error
    return journal.view
  }
}

function begin(open: OpenIncident, options: IncidentOptions, carried?: Carried): Life {
  const { alert, policy, governor } = open
  const announcer = createAnnouncer()
  const { firstExecutionRunId: id, workflowId } = workflowInfo()
  let announced = carried?.announced ?? 0
  const announce = (what: Announced) => {
    const view = { ...journal.view, id, workflowId }
    announcer.tell({ event: `incident.${what}`, subject: `incident/${id}`, sequence: ++announced, view })
  }
  const journal = createJournal(carried?.view ?? openView(alert), (before) => {
    const { state } = journal.view
    if (before === 'closed') announce('opened')
    else if (state === 'asking' || state === 'escalated' || state === 'closed') announce(state)
  })
  const witness = createWitness(carried?.witness ?? firstMemory(alert, Date.now()))
  const life: Life = {
    ...{ alert, policy, governor, journal, witness },
    options: {
      outagePatienceMs: 600_000,
      lookAgainMs: 30_000,
      endsAfterMs: 30 * 86_400_000,
      mostEvents: 3000,
      ...options,
    },
    ladder: ladderOf(policy),
    incidentRunId: id,
    desk: createDesk(journal),
    announcer,
    announce,
    step: carried?.step ?? firstStep,
    tries: { ...(carried?.tries ?? noTries) },
    ...(carried?.handedBackMs !== undefined && { handedBackMs: carried.handedBackMs }),
    renew: (phase) => {
      const { step, tries, handedBackMs } = life
      const { typedSearchAttributes } = workflowInfo()
      // people read it also in the moment before the next run has taken its first step
      const renewed = makeContinueAsNewFunc<typeof incident>({ memo: { view: journal.view }, typedSearchAttributes })
      return renewed({ ...open, alert: { ...alert, lines: [] } }, options, {
        ...{ view: journal.view, witness: witness.memory(), phase, step, tries, announced },
        ...(handedBackMs !== undefined && { handedBackMs }),
      })
    },
  }
  return life
}

/** One phase, left at once when a person orders something else; only a run is not. */
async function next(life: Life, phase: Exclude<Phase, { is: 'close' }>): Promise<Phase> {
  try {
    if (phase.is === 'act') return await act(life, phase.job, phase.approval)
    return (await life.desk.interruptible(() => enter(life, phase))) ?? phase
  } catch (error) {
    if (error instanceof ContinueAsNew || isCancellation(error)) throw error
    return escalate(life, error)
  }
}

async function enter(life: Life, phase: Exclude<Phase, { is: 'close' | 'act' }>): Promise<Phase> {
  switch (phase.is) {
    case 'confirm':
      return confirmIt(life, phase)
    case 'propose':
      return propose(life, phase.approval)
    case 'verify':
      return verify(life, phase.run)
    default:
      return wait(life, phase)
  }
}

/** Where a person's order leads. */
function obey(life: Life, order: Order): Phase {
  const { journal, options } = life
  const { view } = journal
  const who = order.by.name
  const why = because(order.why)
  switch (order.does) {
    case 'close':
      return close(life, { detail: `closed by ${who}${why}` })
    case 'take-over':
      view.takenOverBy = who
      delete view.reason
      journal.tell(`${who} has taken it over${why}`, 'taken-over')
      return { is: 'taken-over', untilMs: Date.now() + options.endsAfterMs }
    case 'hand-back':
      delete view.takenOverBy
      delete view.reason
      life.step = firstStep
      life.tries = { ...noTries }
      life.handedBackMs = Date.now()
      journal.tell(`${who} has handed it back${why}`, 'confirming')
      return { is: 'confirm' }
  }
}

/** The alert may have begun anew while its incident was being closed: that start must not be swallowed. */
function beganAnew({ journal, witness }: Life, { heardStarts }: Extract<Phase, { is: 'close' }>): boolean {
  if (!witness.firing() || witness.startsMs().length <= heardStarts) return false
  const { view } = journal
  delete view.endedAt
  delete view.recoveredAt
  delete view.reason
  journal.tell('the alert fires again', 'confirming')
  return true
}

function end({ journal }: Life, why: NonNullable<IncidentView['reason']>): void {
  journal.view.reason = why
  journal.view.endedAt = nowIso()
  journal.tell(why.detail, 'closed')
}

/** A signal that clears or comes back is seen by people; who has taken the incident over is told. */
function tellTurn({ journal, witness }: Life): void {
  const clearMs = witness.clearSinceMs()
  if (clearMs === undefined) delete journal.view.clearSince
  else journal.view.clearSince = new Date(clearMs).toISOString()
  if (journal.view.state === 'taken-over') journal.tell(clearMs === undefined ? 'it fires again' : 'the signal cleared')
  else journal.show()
}

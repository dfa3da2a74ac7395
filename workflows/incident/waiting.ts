import { allHandlersFinished, condition, workflowInfo } from '@temporalio/workflow'
import { failure } from '../../core/errors.ts'
import { decision } from '../../policies/approval.ts'
import { consult } from '../lease.ts'
import { because } from './desk.ts'
import { close, escalate, groundsOf, type Life, type Phase, type Rest, settled, stableMs } from './life.ts'
import { personAtWork, record } from './weigh.ts'

type In<K extends Rest['is']> = Extract<Rest, { is: K }>

/** The phases an incident may rest in for long. */
export async function wait(life: Life, phase: Rest): Promise<Phase> {
  const { journal, witness, policy, governor } = life
  const { reason } = journal.view
  switch (phase.is) {
    case 'back-off':
      await rest(life, phase, () => !witness.firing(), phase.untilMs)
      return witness.firing() ? { is: 'propose' } : settled(life)
    case 'ask':
      return untilAnswered(life, phase)
    case 'suppressed':
      return untilFree(life, phase)
    case 'flapping': {
      const { withinSeconds } = governor.flap
      const isQuiet = await untilClear(life, phase, withinSeconds * 1000)
      return end(life, isQuiet ? `quiet for ${withinSeconds} s` : 'it went on and on')
    }
    case 'observe':
      return untilItMayAct(life, phase)
    case 'escalated':
      if (await untilClear(life, phase, stableMs(policy)))
        return close(life, { detail: `cleared after people were asked: ${reason?.detail}` })
      return end(life, 'nobody took it over')
    case 'taken-over':
      await rest(life, phase, () => false, phase.untilMs)
      return close(life, { detail: `${journal.view.takenOverBy} neither closed it nor handed it back` })
  }
}

/** Ends with the reason for which it has not been acted upon. */
function end(life: Life, how: string): Phase {
  const { reason } = life.journal.view
  return close(life, { ...reason, detail: `${reason?.detail}; ${how}` })
}

/** Waits until `isOver`, at most until `untilMs`. A history that has grown long begins anew here. */
async function rest(life: Life, phase: Rest, isOver: () => boolean, untilMs: number): Promise<void> {
  const isLong = () => workflowInfo().continueAsNewSuggested || workflowInfo().historyLength > life.options.mostEvents
  if (isOver()) return
  const waitMs = untilMs - Date.now()
  if (waitMs > 0) await condition(() => isOver() || isLong(), waitMs)
  if (isOver() || !isLong() || Date.now() >= untilMs) return
  // whoever is at the desk gets an answer first
  await condition(() => allHandlersFinished() && life.announcer.isIdle())
  await life.renew(phase)
}

/** Waits until the signal has been clear for `quietMs`; false when it is not by `endMs`. */
async function untilClear(life: Life, phase: Rest, quietMs: number, endMs = phase.untilMs): Promise<boolean> {
  const { witness, journal } = life
  for (;;) {
    const sinceMs = witness.clearSinceMs()
    if (sinceMs !== undefined && Date.now() - sinceMs >= quietMs) {
      journal.view.recoveredAt = new Date(sinceMs).toISOString()
      return true
    }
    if (Date.now() >= endMs) return false
    const untilMs = Math.min(endMs, sinceMs === undefined ? Number.POSITIVE_INFINITY : sinceMs + quietMs)
    await rest(life, phase, () => witness.clearSinceMs() !== sinceMs, untilMs)
  }
}

async function untilAnswered(life: Life, phase: In<'ask'>): Promise<Phase> {
  const { journal, witness, governor } = life
  const { proposal } = journal.view
  if (!proposal) throw failure('INTERNAL', 'nothing is being asked')
  const { planId, needs } = proposal
  const own = () => journal.view.answers.filter((answer) => answer.planId === planId)
  const decided = () => decision(proposal, own())
  await rest(life, phase, () => decided() !== undefined || !witness.firing(), phase.untilMs)
  if (!witness.firing()) return settled(life)
  if (decided() === 'rejected') {
    const no = own().find(({ says }) => says === 'rejected')
    return escalate(life, failure('APPROVAL_REJECTED', `${no?.by} said no to the plan${because(no?.why)}`))
  }
  const yes = own().map(({ by }) => by)
  if (decided() === 'approved') return approvedBy(yes.join(', '))
  const answered = yes.length === 0 ? 'nobody answered' : `only ${yes.length} of ${needs} said yes`
  const lapsed = `${answered} in ${inWords(governor.approval.timeoutSeconds)}`
  if (governor.approval.onTimeout === 'refuse') return escalate(life, failure('APPROVAL_REJECTED', lapsed))
  journal.tell(`${lapsed}: the plan counts as approved`)
  return approvedBy('time-out')

  function approvedBy(by: string): Phase {
    return { is: 'propose', approval: { by, at: new Date().toISOString(), planId } }
  }
}

const mostDoublings = 10

const longerPause = ({ options }: Life, pauseMs: number) => Math.min(pauseMs * 2, options.lookAgainMs * mostDoublings)

/** Watches the signal, and looks with growing pauses whether people have let it act by now. */
async function untilItMayAct(life: Life, phase: In<'observe'>): Promise<Phase> {
  const { journal, witness, policy } = life
  const { need, pauseMs, untilMs } = phase
  const nextMs = Math.min(untilMs, Date.now() + pauseMs)
  if (await untilClear(life, phase, stableMs(policy), nextMs)) return end(life, 'the signal cleared by itself')
  if (Date.now() >= untilMs) return end(life, 'it never cleared')
  const again = { ...phase, pauseMs: longerPause(life, pauseMs) }
  if (!witness.firing()) return again
  const verdict = await consult(need, groundsOf(life))
  if (verdict.says === 'observe' || verdict.says === 'refused') return again
  record(life, verdict)
  delete journal.view.reason
  journal.tell('it need not only watch any more', 'confirming')
  return { is: 'confirm' }
}

/** Looks again, with growing pauses, whether the target is free; then everything is looked at anew. */
async function untilFree(life: Life, { need, pauseMs, untilMs }: In<'suppressed'>): Promise<Phase> {
  const { journal, witness } = life
  const nextMs = Math.min(untilMs, Date.now() + pauseMs)
  const again: In<'suppressed'> = {
    ...{ is: 'suppressed', need, untilMs },
    pauseMs: longerPause(life, pauseMs),
  }
  await rest(life, { ...again, pauseMs }, () => !witness.firing(), nextMs)
  if (!witness.firing()) return settled(life)
  const verdict = await consult(need, groundsOf(life))
  record(life, verdict)
  const atWork = personAtWork(verdict)
  if (!atWork) {
    journal.tell('nobody is at work there any more', 'confirming')
    return { is: 'confirm' }
  }
  journal.show()
  return Date.now() < untilMs ? again : escalate(life, failure('TARGET_BUSY', atWork.reason))
}

const inWords = (seconds: number) => (seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`)

import { uuid4 } from '@temporalio/workflow'
import { failure } from '../../core/errors.ts'
import type { Ruling, Verdict } from '../../core/governor.ts'
import { type Proposed, personsFor } from '../../policies/approval.ts'
import { consult } from '../lease.ts'
import { nowIso } from './journal.ts'
import { escalate, groundsOf, type Job, type Life, type Phase, settled } from './life.ts'

/** Asks the governor, and does as it says: act, wait for people at work, only watch, ask a person, or leave it. */
export async function weigh(life: Life, job: Job): Promise<Phase> {
  const { journal, witness, options } = life
  const verdict = await consult(job.need, groundsOf(life))
  record(life, verdict)
  for (const { rule, says, reason } of verdict.rulings)
    if (says !== 'pass') journal.tell(`${rule} says ${says}: ${reason}`)
  if (!witness.firing()) return settled(life)
  const { says, reason, code } = verdict
  const atWork = personAtWork(verdict)
  if (atWork) {
    journal.tell(`somebody is at work there: ${atWork.reason}`, 'suppressed')
    return {
      ...{ is: 'suppressed', need: job.need, pauseMs: options.lookAgainMs },
      untilMs: Date.now() + options.endsAfterMs,
    }
  }
  switch (says) {
    case 'granted':
    case 'wait':
      // the run itself waits for its lease
      return { is: 'act', job }
    case 'observe': {
      const would = `would have: ${job.sentence}`
      journal.view.reason = { code: 'OBSERVE_ONLY', detail: would }
      journal.tell(would, 'observing')
      return {
        ...{ is: 'observe', need: job.need, pauseMs: options.lookAgainMs },
        untilMs: Date.now() + options.endsAfterMs,
      }
    }
    case 'ask':
      return askPeople(life, job, verdict.rulings)
    case 'refused':
      return escalate(life, failure(code ?? 'INTERNAL', reason))
  }
}

export function record({ journal }: Life, { rulings }: Verdict): void {
  journal.view.rulings = rulings.map((ruling) => ({ ...ruling }))
}

/** The ruling about a person who holds the target, where that is what stands in the way. */
export function personAtWork({ says, rulings }: Verdict): Ruling | undefined {
  if (says !== 'wait' && says !== 'ask') return undefined
  return rulings.find((it) => it.rule === 'lease' && it.says === 'wait' && it.figures?.requester === 'person')
}

export const proposedOf = ({ need: { runbook, targets }, plan }: Job): Proposed => ({
  ...{ runbook, targets: [...targets] },
  ...(plan && { plan }),
})

/** Lays exactly this plan before people. */
function askPeople({ journal, governor }: Life, job: Job, rulings: readonly Ruling[]): Phase {
  const { approval } = governor
  const proposed = proposedOf(job)
  const needs = personsFor(proposed, approval)
  const untilMs = Date.now() + approval.timeoutSeconds * 1000
  journal.view.proposal = {
    ...proposed,
    planId: uuid4(),
    sentence: job.sentence,
    askedAt: nowIso(),
    expiresAt: new Date(untilMs).toISOString(),
    needs,
    reasons: rulings.filter(({ says }) => says === 'ask').map(({ reason }) => reason),
  }
  journal.tell(`asks ${needs === 1 ? 'a person' : `${needs} persons`}: ${job.sentence}`, 'asking')
  return { is: 'ask', untilMs }
}

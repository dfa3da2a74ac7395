import { isCancellation } from '@temporalio/workflow'
import { failure } from '../../core/errors.ts'
import type { Approval } from '../../core/governor.ts'
import type { Plan } from '../../core/plan.ts'
import { isKnownRung } from '../../core/policy.ts'
import { isSamePlan } from '../../policies/approval.ts'
import { inWords, planRelief, reliefLease } from '../runbooks/relieve-host.ts'
import { restartLease } from '../runbooks/restart-service.ts'
import { missed } from './ladder.ts'
import { binaryOf, escalate, type Job, type Life, mostTries, type Phase, rungOf, settled } from './life.ts'
import { otherJob } from './other-runbook.ts'
import { proposedOf, weigh } from './weigh.ts'

/**
 * Says what the present rung of the ladder comes to, and whether it may be done. A yes of a person is to one plan: the
 * plan is made anew after it, and if it came out different somebody is asked again.
 */
export async function propose(life: Life, approval?: Approval): Promise<Phase> {
  const { journal, witness, step, ladder, tries } = life
  const { runbook, attempts } = rungOf(life)
  const rung = ladder.length > 1 ? `step ${step.rung + 1} of ${ladder.length}: ` : ''
  journal.view.rung = step.rung
  journal.tell(`${rung}runbook ${runbook}, attempt ${step.attempt} of ${attempts}`, 'planning')
  let job: Job
  try {
    job = await makeJob(life)
  } catch (error) {
    if (isCancellation(error)) throw error
    return missed(life, error)
  }
  // a plan takes long enough for the alert to end meanwhile
  if (!witness.firing()) return settled(life)
  journal.tell(job.sentence)
  if (job.need.risk === 'read') return { is: 'act', job }
  if (approval) {
    const { proposal } = journal.view
    if (proposal && isSamePlan(proposal, proposedOf(job))) return { is: 'act', job, approval }
    const stale = failure('APPROVAL_STALE', 'the plan has changed since somebody said yes to it')
    if (++tries.stalePlans > mostTries) return escalate(life, stale)
    journal.tell(`APPROVAL_STALE: ${stale.message}`)
  }
  return weigh(life, job)
}

/** The plan is the incident's: what is going to be done is known, and can be judged, before a run is begun. */
async function makeJob(life: Life): Promise<Job> {
  const rung = rungOf(life)
  if (!isKnownRung(rung)) return otherJob(life, rung)
  const { host } = life.alert.entity
  switch (rung.runbook) {
    case 'restart-service': {
      const binary = binaryOf(life) ?? rung.with.binary
      if (!binary) throw failure('CONFIG_INVALID', `neither the alert nor the ladder names a service to restart`)
      const need = restartLease({ ...rung.with, host, binary })
      return { rung, need, binary, sentence: `restart ${binary} on ${host}` }
    }
    case 'relieve-host': {
      const plan = await planRelief({ host, ...rung.with })
      return { rung, need: reliefLease({ host, plan }), plan, sentence: movesInWords(plan) }
    }
    case 'collect-evidence': {
      const need = { runbook: rung.runbook, targets: [], within: [], risk: 'read', expectedMs: 60_000 } as const
      return { rung, need, sentence: `collect the log lines and the states of the services around ${host}` }
    }
  }
}

const namedMoves = 10

/** The plan with its moves, so that people who only watch can judge it too. */
function movesInWords(plan: Plan): string {
  const moves = plan.moves.slice(0, namedMoves).map(({ serverName, to }) => `${serverName} → ${to}`)
  const more = plan.moves.length - moves.length
  if (more > 0) moves.push(`${more} more`)
  return moves.length === 0 ? inWords(plan) : `${inWords(plan)}: ${moves.join(', ')}`
}

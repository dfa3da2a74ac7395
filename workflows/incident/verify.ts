import { isCancellation } from '@temporalio/workflow'
import { failure } from '../../core/errors.ts'
import { quick } from '../steps.ts'
import { missed, report } from './ladder.ts'
import { close, type Life, type Phase, type Run, serviceOf } from './life.ts'

/** Success is not that the runbook ended but that the signal cleared and stayed clear. `run` gets the credit. */
export async function verify(life: Life, run?: Run): Promise<Phase> {
  const { journal, witness } = life
  if (journal.view.state !== 'verifying') journal.tell('looks whether it is over', 'verifying')
  let proof: string
  let heardStarts: number
  try {
    do {
      heardStarts = witness.startsMs().length
      proof = await prove(life)
      // it began anew while it was looked at
    } while (witness.startsMs().length > heardStarts && witness.firing())
  } catch (error) {
    if (isCancellation(error)) throw error
    return missed(life, error, run)
  }
  journal.view.recoveredAt = new Date(witness.clearSinceMs() ?? Date.now()).toISOString()
  if (run) await report(run, true)
  return close(life, { detail: proof }, heardStarts)
}

/** Returns the proof. @throws SERVICE_STILL_DOWN, SIGNAL_NOT_CLEARED, SIGNAL_SOURCE_SILENT */
async function prove(life: Life): Promise<string> {
  const { policy, alert, witness } = life
  const { host } = alert.entity
  switch (policy.kind) {
    case 'binary': {
      const { binary } = serviceOf(life)
      const seen = await quick(`Look a last time at ${binary} on ${host}`).lookAtService({ host, binary })
      if (seen.state === 'up') return `${binary} on ${host} is up and stayed up for ${policy.with.stableSeconds} s`
      throw failure('SERVICE_STILL_DOWN', `${binary} on ${host} is down again`, { host })
    }
    case 'gauge': {
      const { clearWithinSeconds, stableSeconds } = policy
      if (await witness.cleared(clearWithinSeconds * 1000, stableSeconds * 1000))
        return `the alert on ${host} resolved and stayed resolved for ${stableSeconds} s`
      throw failure('SIGNAL_NOT_CLEARED', `the alert on ${host} did not resolve within ${clearWithinSeconds} s`, {
        host,
      })
    }
    case 'tailable': {
      await witness.quiet(policy.silentAfterSeconds * 1000)
      return `the log of ${policy.when.component} on ${host} has been quiet for ${policy.quietSeconds} s`
    }
  }
}

import { isCancellation, sleep } from '@temporalio/workflow'
import { failure, messageOf } from '../../core/errors.ts'
import type { BinaryPolicy } from '../../core/policy.ts'
import { confirm, massOutage, type Observation } from '../../policies/confirm.ts'
import { countedSinceMs, flapping } from '../../policies/flap.ts'
import { onlyReads } from '../../policies/ladder.ts'
import { inWords, isRunning } from '../../policies/supervisors/process-status.ts'
import { internal, once, quick } from '../steps.ts'
import { nowIso } from './journal.ts'
import { close, type Life, type Phase, serviceOf, settled } from './life.ts'

/**
 * The second, independent look before anything is done. While too many services look down at once it looks again and
 * again: that passes, or people are needed. Services then reconnect one after the other, so one that is still down has
 * `afterOutageSeconds` before it counts as down by its own fault; `afterOutage` says that they looked down just now.
 *
 * @throws MASS_OUTAGE, NOT_CONFIRMED, DELEGATION_MISSING
 */
export async function confirmIt(life: Life, { afterOutage = false }): Promise<Phase> {
  const { policy, journal, witness } = life
  const doubt = policy.kind === 'binary' ? await doubts(life, policy, afterOutage) : undefined
  if (!witness.firing()) return settled(life)
  if (doubt) return close(life, { detail: doubt })
  journal.view.confirmedAt = nowIso()
  return (await watchFlapping(life)) ?? { is: 'propose' }
}

/** A sentence when the sources say that nothing is wrong, or that somebody is at work there. */
async function doubts(life: Life, policy: BinaryPolicy, afterOutage: boolean): Promise<string | undefined> {
  const { journal, witness, options } = life
  const { host, binary } = serviceOf(life)
  const afterOutageMs = policy.afterOutageSeconds * 1000
  const patienceEndsMs = Date.now() + options.outagePatienceMs
  let outageMs = afterOutage ? Date.now() : undefined
  let told = ''
  const waiting = (why: string) => {
    if (told !== why) journal.tell(`waiting: ${why}`)
    told = why
  }
  for (let waitMs = policy.confirmAfterSeconds * 1000; ; waitMs = Math.max(5_000, waitMs)) {
    // the engine's shortest timer takes up to a second
    if (waitMs > 0) await sleep(waitMs)
    if (!witness.firing()) return undefined
    const seen = await quick(`Look again at ${binary} on ${host}`).lookAtService({ host, binary })
    if (seen.state === 'down' && (seen.forcedDown || seen.status === 'disabled'))
      return `not confirmed: the service is ${seen.forcedDown ? 'forced down' : 'disabled'}, so somebody is at work on it`
    const outage = massOutage(seen)
    if (outage) {
      if (Date.now() > patienceEndsMs) throw failure('MASS_OUTAGE', outage, { host, ...seen.company })
      waiting(outage)
      outageMs = Date.now()
    } else if (seen.state === 'down' && outageMs !== undefined && Date.now() - outageMs < afterOutageMs)
      waiting(`too many looked down at once; it has ${policy.afterOutageSeconds} s from then to come back by itself`)
    else {
      const looks = [...new Set(policy.confirm.of)].map((source) =>
        source === 'nova' ? novaSays(seen.state) : lookAtProcess(host, binary),
      )
      const { outcome, sentence } = confirm(await Promise.all(looks), policy.confirm.need)
      if (outcome === 'unclear') throw failure('NOT_CONFIRMED', sentence, { host })
      if (outcome === 'refuted') return sentence
      journal.tell(sentence)
      return undefined
    }
  }
}

const novaSays = (state: 'up' | 'down'): Observation => ({
  source: 'nova',
  says: state === 'down' ? 'agrees' : 'disagrees',
  detail: `a second look found the service ${state}`,
})

/** One attempt: a host that does not answer now has no word. */
async function lookAtProcess(host: string, binary: string): Promise<Observation> {
  const source = 'process'
  try {
    const process = await once(`Look at the process of ${binary} on ${host}`).lookAtProcess({ host, binary })
    if (!process) return { source, says: 'agrees', detail: 'there is no process' }
    return { source, says: isRunning(process) ? 'disagrees' : 'agrees', detail: inWords(process) }
  } catch (error) {
    if (isCancellation(error)) throw error
    return { source, says: 'no word', detail: messageOf(error) }
  }
}

/** An alert that comes and goes is watched, not acted upon; evidence of it is collected all the same. */
async function watchFlapping(life: Life): Promise<Phase | undefined> {
  const { alert, governor, journal, witness, options, handedBackMs, ladder } = life
  if (ladder.every(onlyReads)) return undefined
  const nowMs = Date.now()
  const sinceMs = countedSinceMs(governor.flap, nowMs, handedBackMs)
  const { firings } = await internal('Count how often this alert has fired lately').recallFirings({
    policy: alert.policy,
    entity: alert.entity,
    withinSeconds: Math.ceil((nowMs - sinceMs) / 1000),
  })
  const sentence = flapping({ opened: firings, startsMs: witness.startsMs(), sinceMs }, governor.flap)
  if (!sentence) return undefined
  journal.view.reason = { code: 'FLAPPING', detail: sentence }
  journal.tell(sentence, 'flapping')
  return { is: 'flapping', untilMs: nowMs + options.endsAfterMs }
}

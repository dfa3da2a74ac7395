import { failure } from '../../../core/errors.ts'
import type { PowerReading } from '../../../core/power.ts'
import { fenceDefaults, proveOff } from '../../../policies/fence-proof.ts'
import type { Closer } from '../../../policies/host-maintenance.ts'
import type { RunContext } from '../../sdk/context.ts'
import { closeHost, forceDown, hostServiceNeeds } from './host-service.ts'
import { lookCalls } from './looks.ts'

/** What runbooks declare that fence hosts. */
export const fenceNeeds = {
  calls: [...lookCalls.services, ...hostServiceNeeds.calls],
  actions: [...hostServiceNeeds.actions],
  steps: ['lookAtPower', 'powerOff'],
} as const

const offWithinSeconds = 120
/** Further looks, for a BMC whose two readings were too close together to be proof. */
const mostLooks = 3
const betweenLooksSeconds = 12

/**
 * Makes certain that nothing runs on a host any more, and tells Nova: its power is cut and proved to be off, the service is
 * forced down, then disabled. In this order: Nova believes whatever it is told, and a host that is forced down without being
 * off goes on writing to the disks of its servers.
 *
 * @throws DEATH_UNPROVED the power cannot be proved to be off; what `powerOff` throws
 */
export async function fence(
  run: RunContext,
  { runbook, host, reason }: { readonly runbook: Closer; readonly host: string; readonly reason: string },
): Promise<string> {
  const proof = await cutPower(run, host)
  await forceDown(run, host, true)
  // nothing here is taken back: a dead host stays closed until somebody has looked at it
  await closeHost(run, { runbook, host, why: reason, forGood: true })
  return proof
}

async function cutPower(run: RunContext, host: string): Promise<string> {
  const title = `Cut the power of ${host}`
  const outcome = await run
    .patient(title, (offWithinSeconds + 60) * 1000)
    .powerOff({ host, how: 'hard', withinSeconds: offWithinSeconds })
  if (run.dryRun) return 'a dry run'
  const orderedAt = outcome.orderedAt ?? outcome.askedAt
  const readings: PowerReading[] = [...outcome.readings]
  for (let look = 1; ; look++) {
    const verdict = proveOff({ host, orderedAt, readings }, latestOf(readings), fenceDefaults)
    run.evidence('power', { ...outcome, readings, verdict: verdict.verdict, reason: verdict.reason })
    if (verdict.verdict === 'proved off') return verdict.reason
    if (look === mostLooks)
      throw failure('DEATH_UNPROVED', `${host} is not proved to be off: ${verdict.reason}`, { host })
    await run.sleep(betweenLooksSeconds, 'readings too close together prove nothing')
    readings.push(await run.quick(`Look at the power of ${host}`).lookAtPower({ host }))
  }
}

/** Now, by whichever clock is ahead: readings have the time of the worker. */
const latestOf = (readings: readonly PowerReading[]): string =>
  new Date(Math.max(Date.now(), ...readings.map(({ at }) => Date.parse(at)))).toISOString()

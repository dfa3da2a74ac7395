import type { ServiceTarget } from '../../core/activities.ts'
import { failure } from '../../core/errors.ts'
import type { LeaseNeed } from '../../core/governor.ts'
import type { BinaryPolicy } from '../../core/policy.ts'
import { massOutage } from '../../policies/confirm.ts'
import { patient, quick } from '../steps.ts'
import { type Granted, runbook } from './runbook.ts'

export type RestartService = ServiceTarget & BinaryPolicy['with'] & Granted

/** Longer than the longest time limit of a command, with the looks around it. */
const mostRestartMs = 720_000

/** The host, while its service restarts and is watched. */
export const restartLease = ({ host, withinSeconds, maxRestarts }: RestartService): LeaseNeed => ({
  runbook: 'restart-service',
  targets: [`host/${host}`],
  within: [],
  risk: 'service',
  expectedMs: (withinSeconds + 120) * (maxRestarts + 1) * 1000,
})

/**
 * Restarts one service over SSH and waits until Nova has seen it up for `stableSeconds`.
 *
 * A service that came up by itself is left alone. One that goes down again while it is watched is restarted again,
 * up to `maxRestarts` times in all; one that then still comes and goes, by itself or not, is given up.
 *
 * @throws MASS_OUTAGE before a restart, SERVICE_STILL_DOWN, SSH_HOST_KEY_MISMATCH, SSH_NOT_CONFIGURED, SSH_COMMAND_FAILED, DELEGATION_MISSING
 */
export async function restartService(input: RestartService) {
  const { host, binary, stableSeconds, withinSeconds, maxRestarts } = input
  return runbook(
    'restart-service',
    () => ({ need: restartLease(input) }),
    input.grounds,
    async (note, safePoint) => {
      const service = `${binary} on ${host}`
      let restarts = 0
      for (let falls = 0; falls <= maxRestarts; falls++) {
        const before = await quick(`Look at ${service}`).lookAtService({ host, binary })
        if (before.state === 'down') {
          safePoint()
          // it may have begun since the incident was confirmed and the lease was given
          const outage = massOutage(before)
          if (outage) throw failure('MASS_OUTAGE', outage, { host, ...before.company })
          if (restarts === maxRestarts) break
          const process = await quick(`Look at the process of ${service}`).lookAtProcess({ host, binary })
          const { outcome } = await patient(`Restart ${service} over SSH`, mostRestartMs).restartService({
            host,
            binary,
            before: process,
          })
          restarts++
          note(outcome === 'restarted' ? `restarted ${service}` : `${service} had been restarted already`)
        }
        const { outcome, upAfterMs } = await patient(
          `Wait until ${service} has been up for ${stableSeconds} s`,
          (withinSeconds + 60) * 1000,
        ).awaitServiceUp({ host, binary, stableSeconds, withinSeconds, reportedAfter: reportedBefore(before) })
        if (outcome === 'stable') {
          const upAfter = `up after ${(upAfterMs / 1000).toFixed(1)} s and for ${stableSeconds} s since`
          return { summary: `${service}: ${restarts} restart(s), ${upAfter}`, restarts }
        }
        note(`${service} came up and went down again`)
      }
      throw failure('SERVICE_STILL_DOWN', `${service} went down again after ${restarts} restart(s)`, { host })
    },
  )
}

/** A service that is up must report anew only if it was down: its last report then dates from before its death. */
const reportedBefore = (before: { state: 'up' | 'down'; updatedAt: string | null }) =>
  before.state === 'down' ? before.updatedAt : null

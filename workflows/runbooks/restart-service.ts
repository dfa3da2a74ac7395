import { patched } from '@temporalio/workflow'
import type { ProcessStatus, ServiceCare, ServiceTarget } from '../../core/activities.ts'
import { failure } from '../../core/errors.ts'
import type { LeaseNeed } from '../../core/governor.ts'
import type { BinaryPolicy } from '../../core/policy.ts'
import { massOutage } from '../../policies/confirm.ts'
import { isAnother, isRunning } from '../../policies/supervisors/process-status.ts'
import { patient, quick } from '../steps.ts'
import { type Granted, runbook } from './runbook.ts'

export type RestartService = ServiceTarget & BinaryPolicy['with'] & Granted

/** Longer than the longest time limit of a command, with the looks around it. */
const mostRestartMs = 720_000

/** The host, while its service restarts and is watched; of a cluster the whole, so that one member is worked on at a time. */
export const restartLease = (
  { host, withinSeconds, maxRestarts }: RestartService,
  { cluster }: Pick<ServiceCare, 'cluster'> = {},
): LeaseNeed => ({
  runbook: 'restart-service',
  targets: [`host/${host}`, ...(cluster === undefined ? [] : [`cluster/${cluster}`])],
  within: [],
  risk: 'service',
  expectedMs: (withinSeconds + 120) * (maxRestarts + 1) * 1000,
})

/**
 * Restarts one service over SSH and waits until it has been seen up for `stableSeconds`: by Nova, or by its supervisor where
 * Nova does not list it.
 *
 * A service that came up by itself is left alone. One that goes down again while it is watched, or that its supervisor has
 * had to start again, is restarted again, up to `maxRestarts` times in all; one that then still comes and goes, by itself
 * or not, is given up.
 *
 * @throws MASS_OUTAGE, EVACUATION_UNFINISHED and CLUSTER_DEGRADED before a restart, CLUSTER_DEGRADED also after it, SERVICE_STILL_DOWN, SERVICE_NOT_FOUND, DELEGATION_MISSING,
 *   SSH_HOST_KEY_MISMATCH, SSH_NOT_CONFIGURED, SSH_COMMAND_FAILED, SSH_OUTCOME_UNKNOWN, SSH_SUDO_REFUSED, HOST_DISK_READ_ONLY
 */
export async function restartService(input: RestartService) {
  const { host, binary, stableSeconds, withinSeconds, maxRestarts } = input
  const target = { host, binary }
  const service = `${binary} on ${host}`
  return runbook(
    'restart-service',
    async () => {
      const care = await careFor(target)
      return { need: restartLease(input, care), care }
    },
    input.grounds,
    async (note, safePoint, { care }) => {
      let restarts = 0
      for (let falls = 0; falls <= maxRestarts; falls++) {
        const before = await look(target, care)
        if (before.isDown) {
          safePoint()
          if (restarts === maxRestarts) break
          await checkEvacuations(target, care)
          if (care.cluster !== undefined)
            await quick(`See that the others of ${care.cluster} are well`).checkCluster(target)
          const process = before.process ?? (await quick(`Look at the process of ${service}`).lookAtProcess(target))
          const { outcome } = await patient(`Restart ${service} over SSH`, mostRestartMs).restartService({
            host,
            binary,
            before: process,
          })
          restarts++
          note(outcome === 'restarted' ? `restarted ${service}` : `${service} had been restarted already`)
        }
        const { outcome, upAfterMs } = await staysUp(before.reportedAfter)
        if (outcome === 'stable') {
          if (care.cluster !== undefined && restarts > 0)
            await patient(`Wait until ${care.cluster} is whole again`, (withinSeconds + 60) * 1000).awaitCluster({
              host,
              binary,
              withinSeconds,
            })
          const upAfter = `up after ${(upAfterMs / 1000).toFixed(1)} s and for ${stableSeconds} s since`
          return { summary: `${service}: ${restarts} restart(s), ${upAfter}`, restarts }
        }
        note(`${service} came up and went down again`)
      }
      throw failure('SERVICE_STILL_DOWN', `${service} went down again after ${restarts} restart(s)`, { host })

      /** Nova does not notice a service that its supervisor starts again at once; another instance shows it. */
      async function staysUp(reportedAfter: string | null) {
        const summary = `Wait until ${service} has been up for ${stableSeconds} s`
        const wait = patient(summary, (withinSeconds + 60) * 1000)
        if (care.seenBy === 'process') return wait.awaitProcessUp({ host, binary, stableSeconds, withinSeconds })
        const isWatched = care.isSupervised && restarts > 0
        const first = isWatched ? await quick(`Look at the process of ${service}`).lookAtProcess(target) : null
        const seen = await wait.awaitServiceUp({ host, binary, stableSeconds, withinSeconds, reportedAfter })
        if (!first || seen.outcome !== 'stable') return seen
        const last = await quick(`Look whether ${service} is still the same`).lookAtProcess(target)
        return isAnother(last, first) ? { ...seen, outcome: 'down again' as const } : seen
      }
    },
  )
}

/** Runs that were begun before supervisors were known go on as they were. */
const careFor = async (target: ServiceTarget): Promise<ServiceCare & { isKnown: boolean }> =>
  patched('service-care')
    ? {
        ...(await quick(`Read how ${target.binary} on ${target.host} is looked after`).describeService(target)),
        isKnown: true,
      }
    : { seenBy: 'nova', isSupervised: false, isKnown: false }

interface Before {
  readonly isDown: boolean
  readonly process?: ProcessStatus | null
  /** A service that is up must report anew only if it was down: its last report then dates from before its death. */
  readonly reportedAfter: string | null
}

async function look(target: ServiceTarget, { seenBy }: ServiceCare): Promise<Before> {
  const { host, binary } = target
  if (seenBy === 'process') {
    const process = await quick(`Look at the process of ${binary} on ${host}`).lookAtProcess(target)
    return { isDown: !process || !isRunning(process), process, reportedAfter: null }
  }
  const seen = await quick(`Look at ${binary} on ${host}`).lookAtService(target)
  if (seen.state !== 'down') return { isDown: false, reportedAfter: null }
  // it may have begun since the incident was confirmed and the lease was given
  const outage = massOutage(seen)
  if (outage) throw failure('MASS_OUTAGE', outage, { host, ...seen.company })
  return { isDown: true, reportedAfter: seen.updatedAt }
}

async function checkEvacuations({ host, binary }: ServiceTarget, { isKnown }: { isKnown: boolean }): Promise<void> {
  if (isKnown && binary === 'nova-compute')
    await quick(`See whether servers are being evacuated from ${host}`).checkEvacuations({ host })
}

import { Context } from '@temporalio/activity'
import type { Activities } from '../../core/activities.ts'
import { failure } from '../../core/errors.ts'
import { isSupervised, type SshConfig } from '../../core/ssh.ts'
import { isAnother, isRunning } from '../../policies/supervisors/process-status.ts'
import type { Pause } from '../pause.ts'
import type { FindService } from './services.ts'

/** Each look is a login. */
const defaultPollMs = 5_000

export interface WatchActivitiesOptions {
  ssh: SshConfig | undefined
  find: FindService
  pause: Pause
  /** Between two looks while waiting. @default 5000 */
  pollMs?: number
}

/** Looks at services through those who look after them. Changes nothing. */
export function createWatchActivities({
  ssh,
  find,
  pause,
  pollMs = defaultPollMs,
}: WatchActivitiesOptions): Pick<Activities, 'describeService' | 'lookAtProcess' | 'awaitProcessUp'> {
  return {
    /** What steward.yaml says of a service; one it does not have may still come up by itself. Asks nobody. */
    async describeService({ host, binary }) {
      const service = ssh?.hosts[host]?.services[binary]
      if (!service || !isSupervised(service)) return { seenBy: 'nova', isSupervised: false }
      const { seenBy, cluster } = service
      // Nova lists no member of a cluster
      if (cluster) return { seenBy: 'process', isSupervised: true, cluster: cluster.name }
      return { seenBy, isSupervised: true }
    },

    /**
     * Reads what is behind a service; null when the host has nothing that shows it.
     * @throws SSH_NOT_CONFIGURED, SERVICE_NOT_FOUND, SSH_HOST_KEY_MISMATCH, SSH_UNREACHABLE (retried), SSH_SUDO_REFUSED,
     *   SSH_COMMAND_FAILED
     */
    async lookAtProcess(target) {
      return find(target).supervision.look()
    },

    /**
     * Waits until a service has been up for `stableSeconds` without a break, as its supervisor sees it. One that was begun
     * anew meanwhile has crashed, also where every look finds it running.
     *
     * Safe to repeat: a new worker begins the stable time and the time limit anew.
     *
     * @returns `down again` as soon as it has been up and is not any more, or is another one
     * @throws SERVICE_STILL_DOWN when it is not up and stable `withinSeconds` after the start; as `lookAtProcess`
     */
    async awaitProcessUp({ host, binary, stableSeconds, withinSeconds }) {
      const { supervision } = find({ host, binary })
      const { scheduledTimestampMs: startMs, currentAttemptScheduledTimestampMs: attemptMs } = Context.current().info
      let up: { sinceMs: number; status: NonNullable<Awaited<ReturnType<typeof supervision.look>>> } | undefined
      for (;;) {
        const status = await supervision.look()
        const nowMs = Date.now()
        if (up && !(status && isRunning(status) && !isAnother(status, up.status)))
          return { outcome: 'down again', upAfterMs: up.sinceMs - startMs }
        if (status && isRunning(status)) up ??= { sinceMs: nowMs, status }
        if (up && nowMs - up.sinceMs >= stableSeconds * 1000)
          return { outcome: 'stable', upAfterMs: up.sinceMs - startMs }
        if (nowMs - attemptMs > withinSeconds * 1000)
          throw failure('SERVICE_STILL_DOWN', `${binary} on ${host} was not up and stable within ${withinSeconds} s`, {
            ...{ host, binary, state: status?.state ?? 'unknown' },
          })
        await pause(pollMs)
      }
    },
  }
}

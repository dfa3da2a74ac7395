import { Context } from '@temporalio/activity'
import type { Activities, ServiceTarget } from '../core/activities.ts'
import { failure } from '../core/errors.ts'
import { listServices } from './nova-services.ts'
import type { Pause } from './pause.ts'
import type { Sessions } from './sessions.ts'

export interface ServiceActivitiesOptions {
  sessions: Sessions
  pause: Pause
  /** Between two looks while waiting. @default 1000 */
  pollMs?: number
}

/** Looks at Nova's service list. Changes nothing. */
export function createServiceActivities({
  sessions,
  pause,
  pollMs = 1000,
}: ServiceActivitiesOptions): Pick<Activities, 'lookAtService' | 'awaitServiceUp'> {
  async function look({ host, binary }: ServiceTarget) {
    const services = await listServices(await sessions.forRemediation(), { binary })
    const service = services.find((s) => s.host === host)
    if (!service) throw failure('HOST_UNKNOWN', `Nova lists no ${binary} on ${host}`, { host, binary })
    const enabled = services.filter((s) => s.status === 'enabled' && !s.forcedDown)
    const up = enabled.filter((s) => s.state === 'up').length
    return { ...service, company: { up, down: enabled.length - up } }
  }

  return {
    /** @throws HOST_UNKNOWN, DELEGATION_MISSING, DELEGATION_LOST, CLOUD_UNREACHABLE (retried) */
    lookAtService: look,

    /**
     * Waits until a service has been up for `stableSeconds` without a break, having reported anew if it had been down.
     *
     * Safe to repeat: a new worker begins the stable time and the time limit anew.
     *
     * @returns `down again` as soon as it goes down after having been up
     * @throws SERVICE_STILL_DOWN when it is not up and stable `withinSeconds` after the start
     */
    async awaitServiceUp({ host, binary, stableSeconds, withinSeconds, reportedAfter }) {
      const { scheduledTimestampMs: startMs, currentAttemptScheduledTimestampMs: attemptMs } = Context.current().info
      let upSinceMs: number | undefined
      for (;;) {
        const { state, updatedAt } = await look({ host, binary })
        const nowMs = Date.now()
        const hasReported = reportedAfter === null || (updatedAt !== null && updatedAt > reportedAfter)
        if (state === 'up' && hasReported) {
          upSinceMs ??= nowMs
          if (nowMs - upSinceMs >= stableSeconds * 1000) return { outcome: 'stable', upAfterMs: upSinceMs - startMs }
        } else if (upSinceMs !== undefined) {
          return { outcome: 'down again', upAfterMs: upSinceMs - startMs }
        }
        if (nowMs - attemptMs > withinSeconds * 1000)
          throw failure('SERVICE_STILL_DOWN', `${binary} on ${host} was not up and stable within ${withinSeconds} s`, {
            host,
            binary,
            state,
          })
        await pause(pollMs)
      }
    },
  }
}

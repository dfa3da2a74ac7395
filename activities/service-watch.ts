import { Context } from '@temporalio/activity'
import type { Activities } from '../core/activities.ts'
import { codeOf, messageOf } from '../core/errors.ts'
import type { BinaryPolicy } from '../core/policy.ts'
import { type BinaryState, compareServices } from '../policies/binary.ts'
import type { Incidents } from '../temporal/incidents.ts'
import { listServices } from './nova-services.ts'
import type { Pause } from './pause.ts'
import type { Sessions } from './sessions.ts'

export interface ServiceWatchOptions {
  sessions: Sessions
  pause: Pause
  incidents: Incidents
  policies: readonly BinaryPolicy[]
  pollMs: number
  /** After this long it ends, so that its workflow begins a new history. @default 12 h */
  shiftMs?: number
}

/** Watches Nova's service list; Temporal keeps exactly one of it alive. */
export function createServiceWatch(options: ServiceWatchOptions): Pick<Activities, 'watchServices'> {
  const { sessions, pause, incidents, policies, pollMs, shiftMs = 12 * 3_600_000 } = options
  return {
    /**
     * Reports every service that goes down or comes back. What it saw last travels in its heartbeat, so that the next
     * worker goes on where this one was lost. A look that fails is no news: nothing is reported, and it looks again.
     */
    async watchServices() {
      const { info, log, cancellationSignal } = Context.current()
      let state: BinaryState = (info.heartbeatDetails as BinaryState | undefined) ?? {}
      let trouble: string | undefined
      const endMs = info.scheduledTimestampMs + shiftMs
      while (Date.now() < endMs) {
        try {
          const services = await listServices(await sessions.forRemediation())
          const seen = compareServices(state, services, policies, Date.now())
          for (const { subject, reason } of seen.suppressed) log.warn('no alert', { subject, reason })
          for (const alert of seen.alerts) await incidents.report(alert)
          state = seen.state
          if (trouble) log.info("Nova's services can be watched again")
          trouble = undefined
        } catch (error) {
          if (cancellationSignal.aborted) throw error
          if (codeOf(error) !== trouble) log.warn("Nova's services cannot be watched", { reason: messageOf(error) })
          trouble = codeOf(error)
        }
        await pause(pollMs, state)
      }
    },
  }
}

import { CancellationScope, patched } from '@temporalio/workflow'
import type { Announcement, Happening } from '../core/notification.ts'
import { internal } from './steps.ts'

export interface Announcer {
  /** Has whoever wants to know told of it. Holds nothing up, and never fails. */
  tell(happening: Happening & Pick<Announcement, 'subject' | 'sequence'>): void
  /** Whether all is handed over; what is not when a workflow ends would be lost. */
  isIdle(): boolean
}

/**
 * Hands what happened to a workflow of its own, which tells the receivers: that may take a day. Whether anybody wants to
 * know is asked on the way, of the configuration as it is then; when nobody does, nothing is begun.
 */
export function createAnnouncer(): Announcer {
  let underWay = 0
  return {
    tell(happening) {
      // histories that were begun before anybody could be told
      if (!patched('announcements')) return
      underWay++
      const at = new Date().toISOString()
      void CancellationScope.nonCancellable(async () => {
        try {
          await internal(`Announce ${happening.event}`).announce({ ...happening, at })
        } catch {
          // the view says it as well
        }
        underWay--
      })
    },
    isIdle: () => underWay === 0,
  }
}

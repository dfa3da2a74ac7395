import { Context } from '@temporalio/activity'
import type { Activities } from '../core/activities.ts'
import { codeOf, failure, messageOf } from '../core/errors.ts'
import { isWanted } from '../policies/notification.ts'
import type { Notifications } from '../temporal/notifications.ts'
import { cloudEventOf } from './cloud-event.ts'
import { type Receiver, send } from './receivers/receiver.ts'

export interface NotificationActivitiesOptions {
  receivers: readonly Receiver[]
  notifications: Notifications
  /** Where people reach the API. */
  publicUrl: string | undefined
}

/** Tells people. Neither mode nor stop button keeps it from that. */
export const createNotificationActivities = ({
  receivers,
  notifications,
  publicUrl,
}: NotificationActivitiesOptions): Pick<Activities, 'announce' | 'deliver'> => ({
  /** Repeatable: one event is told once. @throws ENGINE_UNREACHABLE (retried) */
  async announce(announcement) {
    const wanting = receivers.filter((receiver) => isWanted(receiver, announcement)).map(({ name }) => name)
    if (wanting.length === 0) return
    await notifications.start({ event: cloudEventOf(announcement, publicUrl), receivers: wanting })
  },

  /**
   * A lost answer cannot be told from a lost event, so that it is sent again: the id tells receivers.
   * @throws RECEIVER_UNKNOWN, RECEIVER_REFUSED; RECEIVER_UNREACHABLE (retried)
   */
  async deliver({ receiver: name, event }) {
    const { log, info } = Context.current()
    const receiver = receivers.find((known) => known.name === name)
    if (!receiver) throw failure('RECEIVER_UNKNOWN', `there is no receiver ${name} any more`)
    try {
      const { status } = await send(receiver, event)
      return { status, attempts: info.attempt }
    } catch (error) {
      const { id, type } = event
      log.warn('a receiver has not taken an event', {
        receiver: name,
        id,
        type,
        code: codeOf(error),
        reason: messageOf(error),
      })
      throw error
    }
  },
})

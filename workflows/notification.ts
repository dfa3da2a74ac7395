import { isCancellation } from '@temporalio/workflow'
import { codeOf, messageOf } from '../core/errors.ts'
import type { Delivery, Notification, NotificationView } from '../core/notification.ts'
import { publish } from './publish.ts'
import { eventually } from './steps.ts'

/** A receiver that is away is tried again for so long. */
const givesUpAfterMs = 24 * 3_600_000

/**
 * Tells the receivers of one event, each for itself: one that is away keeps nobody waiting, and one that refuses is not
 * asked again. Never fails: what became of it is in its view.
 */
export async function notification({ event, receivers }: Notification): Promise<NotificationView> {
  const { id, type, subject, time, summary } = event
  const deliveries: Delivery[] = receivers.map((receiver) => ({ receiver, state: 'sending' }))
  const view: NotificationView = { state: 'sending', id, type, subject, time, summary, deliveries }
  const show = () => {
    const [isOver, isWell] = [deliveries.every(hasEnded), deliveries.every(({ state }) => state === 'delivered')]
    view.state = isOver ? (isWell ? 'delivered' : 'undelivered') : 'sending'
    publish(view, deliveries.map(inWords).join('; '))
  }
  show()
  await Promise.all(
    deliveries.map(async (delivery) => {
      try {
        const told = eventually(`Tell ${delivery.receiver}`, givesUpAfterMs).deliver({
          receiver: delivery.receiver,
          event,
        })
        Object.assign(delivery, { state: 'delivered', ...(await told) })
      } catch (error) {
        Object.assign(delivery, { state: endOf(error), detail: messageOf(error) })
      }
      show()
    }),
  )
  return view
}

function endOf(error: unknown): Delivery['state'] {
  if (isCancellation(error)) return 'cancelled'
  return codeOf(error) === 'RECEIVER_UNREACHABLE' ? 'given-up' : 'refused'
}

const hasEnded = ({ state }: Delivery) => state !== 'sending'
const inWords = ({ receiver, state, detail }: Delivery) =>
  `${receiver}: ${state}${detail === undefined ? '' : `: ${detail}`}`

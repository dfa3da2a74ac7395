import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client'
import { type Notification, NotificationView } from '../core/notification.ts'
import { attributes } from '../core/search-attributes.ts'
import { taskQueues } from '../core/task-queues.ts'
import { notification } from '../workflows/notification.ts'
import { throughEngine } from './reach.ts'

/** Events on their way to receivers. */
export interface Notifications {
  /**
   * Has receivers told; when it resolves, the engine has it.
   * @returns false when they are being told of this event already, or were
   * @throws ENGINE_UNREACHABLE
   */
  start(given: Notification): Promise<boolean>
  /** The newest ones in this state (all when left out), at most `limit`. */
  list(limit: number, state?: NotificationView['state']): Promise<NotificationView[]>
}

export const notificationId = (eventId: string) => `notification/${eventId}`

export function createNotifications(client: Client, taskQueue: string = taskQueues.remediation): Notifications {
  async function list(limit: number, state?: NotificationView['state']): Promise<NotificationView[]> {
    const query = `StewardKind = 'notification'${state === undefined ? '' : ` AND StewardState = '${state}'`}`
    const found: NotificationView[] = []
    for await (const { memo } of client.workflow.list({ query, pageSize: limit })) {
      const view = NotificationView.parse(memo?.view)
      // the index may be a moment behind
      if (state === undefined || view.state === state) found.push(view)
      if (found.length >= limit) break
    }
    return found
  }

  return {
    list: (limit, state) => throughEngine(client, () => list(limit, state)),
    start: (given) =>
      throughEngine(client, async () => {
        const { id, type, subject, time, summary } = given.event
        const deliveries = given.receivers.map((receiver) => ({ receiver, state: 'sending' as const }))
        const view: NotificationView = { state: 'sending', id, type, subject, time, summary, deliveries }
        try {
          await client.workflow.start(notification, {
            workflowId: notificationId(id),
            taskQueue,
            // one event is told once, also when that is over
            workflowIdReusePolicy: 'REJECT_DUPLICATE',
            args: [given],
            memo: { view },
            staticSummary: `${type} of ${subject}`,
            typedSearchAttributes: [
              { key: attributes.kind, value: 'notification' },
              { key: attributes.state, value: view.state },
            ],
          })
          return true
        } catch (error) {
          if (error instanceof WorkflowExecutionAlreadyStartedError) return false
          throw error
        }
      }),
  }
}

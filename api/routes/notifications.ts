import { randomUUID } from 'node:crypto'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { eventOf } from '../../activities/cloud-event.ts'
import { type Receiver, send } from '../../activities/receivers/receiver.ts'
import { detailsOf, failure, messageOf } from '../../core/errors.ts'
import { NotificationTest, NotificationView, testEvent } from '../../core/notification.ts'
import type { Notifications } from '../../temporal/notifications.ts'
import { callerOf } from '../access.ts'
import { Problem } from '../problem.ts'

export interface NotificationRoutesOptions {
  receivers: readonly Receiver[]
  notifications: Pick<Notifications, 'list'>
  publicUrl: string | undefined
  now?: () => number
}

const problems = { 400: Problem, 401: Problem, 403: Problem, 404: Problem, 503: Problem }
const Body = z.strictObject({ receiver: z.string().min(1).max(63).optional().describe('all when left out') }).nullish()

/** Whom events have reached, and whether those who are told can be reached now. */
export const notificationRoutes: FastifyPluginAsyncZod<NotificationRoutesOptions> = async (app, options) => {
  const { receivers, notifications, publicUrl, now = Date.now } = options
  app.get(
    '/notifications',
    {
      config: { access: 'notifications:read' },
      schema: {
        tags: ['notifications'],
        summary: 'List the events that somebody was told of, newest first, and whom they have reached',
        querystring: z.strictObject({
          limit: z.coerce.number().int().min(1).max(1000).default(100),
          state: NotificationView.shape.state.optional(),
        }),
        response: { 200: z.object({ notifications: z.array(NotificationView) }), ...problems },
      },
    },
    async ({ query: { limit, state } }) => ({ notifications: await notifications.list(limit, state) }),
  )

  app.post(
    '/notifications/test',
    {
      config: { access: 'notifications:test' },
      schema: {
        tags: ['notifications'],
        summary: 'Send a test event, once, and say what the receivers answered',
        description: 'It is sent from the API with its configuration; workers send the real ones with theirs.',
        body: Body,
        response: { 200: NotificationTest, ...problems },
      },
    },
    async (request) => {
      const { receiver: name } = request.body ?? {}
      const meant = receivers.filter((receiver) => name === undefined || receiver.name === name)
      if (meant.length === 0)
        throw failure(
          'RECEIVER_UNKNOWN',
          name === undefined ? 'no receiver is configured' : `there is no receiver ${name}`,
        )
      const { userName, userId } = callerOf(request)
      const event = eventOf({
        id: `test/${randomUUID()}`,
        type: `io.steward.${testEvent}`,
        subject: 'notification',
        time: new Date(now()).toISOString(),
        summary: `a test, sent by ${userName}`,
        publicUrl,
        data: { by: userName, userId },
      })
      const results = await Promise.all(
        meant.map((receiver) => tried(receiver, () => send(receiver, event, { nowMs: now() }))),
      )
      request.log.info({ id: event.id, results }, 'a test event was sent')
      return { id: event.id, results }
    },
  )
}

async function tried({ name: receiver, kind }: Receiver, sends: () => Promise<{ status: number }>) {
  try {
    return { receiver, kind, delivered: true, ...(await sends()) }
  } catch (error) {
    const { status } = detailsOf(error)
    return { receiver, kind, delivered: false, ...(typeof status === 'number' && { status }), detail: messageOf(error) }
  }
}

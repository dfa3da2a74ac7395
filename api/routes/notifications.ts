import { randomUUID } from 'node:crypto'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { eventOf } from '../../activities/cloud-event.ts'
import { type Receiver, send } from '../../activities/receivers/receiver.ts'
import { detailsOf, failure, messageOf } from '../../core/errors.ts'
import { NotificationTest, testEvent } from '../../core/notification.ts'
import { callerOf } from '../access.ts'
import { Problem } from '../problem.ts'

export interface NotificationRoutesOptions {
  receivers: readonly Receiver[]
  publicUrl: string | undefined
  now?: () => number
}

const problems = { 400: Problem, 401: Problem, 403: Problem, 404: Problem, 503: Problem }
const Body = z.strictObject({ receiver: z.string().min(1).max(63).optional().describe('all when left out') }).nullish()

/** Whether those who are told can be reached. */
export const notificationRoutes: FastifyPluginAsyncZod<NotificationRoutesOptions> = async (app, options) => {
  const { receivers, publicUrl, now = Date.now } = options
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

import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { ActionView } from '../../core/action.ts'
import {
  ChangeOfRecurring,
  CreateRecurring,
  Preview,
  PreviewRecurring,
  RecurringActionView,
  type RecurringCommand,
} from '../../core/recurrence.ts'
import { callerOf, personOfCaller } from '../access.ts'
import { refuseDeepBody } from '../body.ts'
import { nextOf, nextPage, pageQuery } from '../paging.ts'
import { Problem } from '../problem.ts'
import { changeRepeating, ownOf, preview, type RepeatOptions, repeatAction } from '../repeat.ts'
import { hideSecretsOfWork } from '../shown-work.ts'

const Id = z.object({ id: z.uuid() })
const problems = { 400: Problem, 401: Problem, 403: Problem, 503: Problem }
const answers = { 200: RecurringActionView, ...problems, 404: Problem, 409: Problem }
const write = { access: 'actions:write' } as const
const tags = ['recurring actions']

/** The same OpenStack call again and again, each time as an action, with the rights of the caller. Own project only. */
export const recurringActionRoutes: FastifyPluginAsyncZod<RepeatOptions> = async (app, options) => {
  const { recurring, now = Date.now } = options

  hideSecretsOfWork(app)
  app.post(
    '/recurring-actions/preview',
    {
      config: { access: 'actions:read' },
      schema: {
        tags,
        summary: 'See when it would happen, in local time and UTC, before anything is saved',
        body: PreviewRecurring,
        response: { 200: Preview, ...problems },
      },
    },
    async ({ body: { recurrence, count } }) => preview(recurrence, count, now()),
  )

  app.post(
    '/recurring-actions',
    {
      config: write,
      preValidation: refuseDeepBody,
      schema: {
        tags,
        summary: 'Make an OpenStack call again and again',
        description:
          'One trust with the fewest roles is made at once with your token, unless you give an application credential; ' +
          'each call is made as you.',
        body: CreateRecurring,
        response: { 201: RecurringActionView, ...problems, 502: Problem },
      },
    },
    async (request, reply) => {
      const view = await repeatAction(request.body, callerOf(request), options, request)
      return reply.code(201).header('location', `/v1/recurring-actions/${view.id}`).send(view)
    },
  )

  app.get(
    '/recurring-actions',
    {
      config: { access: 'actions:read' },
      schema: {
        tags,
        summary: 'List the recurring actions of your project: those that are active first, newest first',
        querystring: z.strictObject(pageQuery),
        response: { 200: z.object({ recurringActions: z.array(RecurringActionView), ...nextPage }), ...problems },
      },
    },
    async (request) => {
      const found = await recurring.list(callerOf(request).projectId, request.query)
      return { recurringActions: found.items, ...nextOf(found) }
    },
  )

  app.get(
    '/recurring-actions/:id',
    {
      config: { access: 'actions:read' },
      schema: { tags, summary: 'Show one, with its last and next occurrences', params: Id, response: answers },
    },
    (request) => recurring.show(request.params.id, callerOf(request).projectId),
  )

  app.get(
    '/recurring-actions/:id/occurrences/:at',
    {
      config: { access: 'actions:read' },
      schema: {
        tags,
        summary: 'Show one occurrence and its outcome',
        params: Id.extend({ at: z.iso.datetime() }),
        response: { 200: ActionView, ...problems, 404: Problem },
      },
    },
    (request) => recurring.occurrence(request.params.id, request.params.at, callerOf(request).projectId),
  )

  app.patch(
    '/recurring-actions/:id',
    {
      config: write,
      preValidation: refuseDeepBody,
      schema: {
        tags,
        summary: 'Change what is called or when, or delegate anew; yours only',
        params: Id,
        body: ChangeOfRecurring,
        response: { ...answers, 502: Problem },
      },
    },
    (request) => changeRepeating(request.params.id, request.body, callerOf(request), options, request),
  )

  const Nothing = z.strictObject({}).nullish()
  const command = <B extends z.ZodType>(summary: string, body: B) =>
    ({ config: write, schema: { tags, summary, params: Id, body, response: answers } }) as const
  const tell = (request: Parameters<typeof callerOf>[0] & { params: { id: string } }, given: RecurringCommand) =>
    recurring.command(request.params.id, callerOf(request).projectId, { ...given, by: personOfCaller(request) })

  app.post('/recurring-actions/:id/pause', command('No occurrence until it is resumed', Nothing), (request) =>
    tell(request, { does: 'pause' }),
  )
  app.post(
    '/recurring-actions/:id/resume',
    command('Go on with the first occurrence from now; also ends a snooze', Nothing),
    (request) => tell(request, { does: 'resume' }),
  )
  app.post(
    '/recurring-actions/:id/snooze',
    command('No occurrence before a moment', z.strictObject({ until: z.iso.datetime({ offset: true }) })),
    (request) => tell(request, { does: 'snooze', until: request.body.until }),
  )
  app.post(
    '/recurring-actions/:id/run-now',
    command('One more occurrence, now, which does not count; yours only', Nothing),
    async (request) => {
      await ownOf(request.params.id, callerOf(request), recurring)
      return tell(request, { does: 'runNow' })
    },
  )
  app.delete(
    '/recurring-actions/:id',
    {
      config: write,
      schema: { tags, summary: 'End it; its trust is deleted', params: Id, response: answers },
    },
    (request) => tell(request, { does: 'cancel' }),
  )
}

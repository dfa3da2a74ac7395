import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { ActionView, CreateAction } from '../../core/action.ts'
import type { Actions } from '../../temporal/actions.ts'
import { callerOf, personOfCaller } from '../access.ts'
import { refuseDeepBody } from '../body.ts'
import { type DeferOptions, deferAction } from '../defer.ts'
import { Problem } from '../problem.ts'

const Id = z.object({ id: z.uuid() })
const problems = { 400: Problem, 401: Problem, 403: Problem, 503: Problem }

/** Deferred actions: one OpenStack call at a future time, with the rights of the caller. Own project only. */
export const actionRoutes: FastifyPluginAsyncZod<{ actions: Actions; defer: DeferOptions }> = async (
  app,
  { actions, defer },
) => {
  app.post(
    '/actions',
    {
      config: { access: 'actions:write' },
      preValidation: refuseDeepBody,
      schema: {
        tags: ['actions'],
        summary: 'Defer an OpenStack call',
        description: 'A trust with the fewest roles is made at once with your token; the call is made as you.',
        body: CreateAction,
        response: { 201: ActionView, ...problems, 502: Problem },
      },
    },
    async (request, reply) => {
      const view = await deferAction(request.body, callerOf(request), defer, request)
      return reply.code(201).header('location', `/v1/actions/${view.id}`).send(view)
    },
  )

  app.get(
    '/actions',
    {
      config: { access: 'actions:read' },
      schema: {
        tags: ['actions'],
        summary: 'List the actions of your project, newest first',
        querystring: z.strictObject({ limit: z.coerce.number().int().min(1).max(1000).default(100) }),
        response: { 200: z.object({ actions: z.array(ActionView) }), ...problems },
      },
    },
    async (request) => ({ actions: await actions.list(callerOf(request).projectId, request.query.limit) }),
  )

  app.get(
    '/actions/:id',
    {
      config: { access: 'actions:read' },
      schema: {
        tags: ['actions'],
        summary: 'Show an action and its outcome',
        params: Id,
        response: { 200: ActionView, ...problems, 404: Problem },
      },
    },
    (request) => actions.show(request.params.id, callerOf(request).projectId),
  )

  app.delete(
    '/actions/:id',
    {
      config: { access: 'actions:write' },
      schema: {
        tags: ['actions'],
        summary: 'Cancel an action before its due time; its trust is deleted',
        params: Id,
        response: { 200: ActionView, ...problems, 404: Problem, 409: Problem },
      },
    },
    (request) => actions.cancel(request.params.id, callerOf(request).projectId, personOfCaller(request)),
  )
}

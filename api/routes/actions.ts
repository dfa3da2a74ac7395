import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { ActionState, ActionView, ChangeOfAction, CloneAction, CreateAction } from '../../core/action.ts'
import { FoundTargets, ServerSelector } from '../../core/group.ts'
import type { Actions } from '../../temporal/actions.ts'
import { callerOf, personOfCaller } from '../access.ts'
import { refuseDeepBody } from '../body.ts'
import { changeAction, cloneAction, type DeferOptions, deferAction, findTargets, ownOf } from '../defer.ts'
import { IdempotencyKey } from '../idempotency.ts'
import { nextOf, nextPage, pageQuery } from '../paging.ts'
import { Problem } from '../problem.ts'
import { hideSecretsOfWork } from '../shown-work.ts'

const Id = z.object({ id: z.uuid() })
const problems = { 400: Problem, 401: Problem, 403: Problem, 503: Problem }
const found = { ...problems, 404: Problem, 409: Problem }
/** One state, or several as repeated parameters. */
const States = z.union([ActionState, z.array(ActionState).min(1).max(ActionState.options.length)])
/** Deferred actions: OpenStack calls at a future time, with the rights of the caller. Own project only. */
export const actionRoutes: FastifyPluginAsyncZod<{ actions: Actions; defer: DeferOptions }> = async (
  app,
  { actions, defer },
) => {
  hideSecretsOfWork(app)
  app.post(
    '/actions',
    {
      config: { access: 'actions:write' },
      preValidation: refuseDeepBody,
      schema: {
        tags: ['actions'],
        summary: 'Defer a call, an action of the catalogue, or a chain of them',
        description:
          'A trust with the fewest roles is made at once with your token, unless you give an application credential; what ' +
          'is done is done as you.',
        headers: IdempotencyKey,
        body: CreateAction,
        response: { 201: ActionView, ...problems, 409: Problem, 502: Problem },
      },
    },
    async (request, reply) => {
      const key = request.headers['idempotency-key']
      const idempotency = key === undefined ? undefined : { key }
      const view = await deferAction(request.body, callerOf(request), defer, request, { idempotency })
      return reply.code(201).header('location', `/v1/actions/${view.id}`).send(view)
    },
  )

  app.post(
    '/actions/targets',
    {
      config: { access: 'actions:read' },
      schema: {
        tags: ['actions'],
        summary: 'Show which servers a selector means now; changes nothing',
        description: 'What is meant is found anew when the action is due.',
        body: z.strictObject({ select: ServerSelector }),
        response: { 200: FoundTargets, ...problems, 502: Problem },
      },
    },
    (request) => findTargets(request.body.select, callerOf(request), defer, request),
  )

  app.get(
    '/actions',
    {
      config: { access: 'actions:read' },
      schema: {
        tags: ['actions'],
        summary: 'List the actions of your project: those that wait or run first, newest first',
        querystring: z.strictObject({
          ...pageQuery,
          state: States.optional().describe('only those in this state; may be given more than once'),
        }),
        response: { 200: z.object({ actions: z.array(ActionView), ...nextPage }), ...problems },
      },
    },
    async (request) => {
      const { state, ...wish } = request.query
      const states = state === undefined ? {} : { states: [state].flat() }
      const found = await actions.list(callerOf(request).projectId, { ...wish, ...states })
      return { actions: found.items, ...nextOf(found) }
    },
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

  app.patch(
    '/actions/:id',
    {
      config: { access: 'actions:write' },
      preValidation: refuseDeepBody,
      schema: {
        tags: ['actions'],
        summary: 'Change what an action does, or when, before it is due',
        description:
          'Only whose rights it uses may do that. Other times or other work get another trust, or another credential.',
        params: Id,
        body: ChangeOfAction,
        response: { 200: ActionView, ...found, 502: Problem },
      },
    },
    (request) => changeAction(request.params.id, request.body, callerOf(request), defer, request),
  )

  app.delete(
    '/actions/:id',
    {
      config: { access: 'actions:write' },
      schema: {
        tags: ['actions'],
        summary: 'Cancel an action before its due time; its trust is deleted',
        params: Id,
        response: { 200: ActionView, ...found },
      },
    },
    (request) =>
      actions.command(request.params.id, callerOf(request).projectId, { does: 'cancel', by: personOfCaller(request) }),
  )

  const commands = [
    ['pause', 'pause', 'Have an action wait for `resume`; it is skipped when nobody says that in time'],
    ['resume', 'resume', 'Let a paused action go on'],
    ['run-now', 'runNow', 'Do it now instead of at its time; only whose rights it uses may say so'],
  ] as const
  for (const [path, does, summary] of commands)
    app.post(
      `/actions/:id/${path}`,
      {
        config: { access: 'actions:write' },
        schema: { tags: ['actions'], summary, params: Id, response: { 200: ActionView, ...found } },
      },
      async (request) => {
        const caller = callerOf(request)
        const { id } = request.params
        if (does === 'runNow') await ownOf(id, caller, actions)
        return actions.command(id, caller.projectId, { does, by: personOfCaller(request) })
      },
    )

  app.post(
    '/actions/:id/clone',
    {
      config: { access: 'actions:write' },
      preValidation: refuseDeepBody,
      schema: {
        tags: ['actions'],
        summary: 'Do the same once more, at another time, with your own rights',
        description: 'Also a replay of one that failed: `{"runIn": "PT0S"}` is now.',
        params: Id,
        body: CloneAction,
        response: { 201: ActionView, ...found, 502: Problem },
      },
    },
    async (request, reply) => {
      const view = await cloneAction(request.params.id, request.body, callerOf(request), defer, request)
      return reply.code(201).header('location', `/v1/actions/${view.id}`).send(view)
    },
  )
}

import { randomUUID } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Permission } from '../../core/access.ts'
import { CreateRecurringPlan, RecurringPlanShown, RecurringPlanView } from '../../core/recurring-plan.ts'
import { occurrences } from '../../policies/recurrence/occurrences.ts'
import type { RecurringPlans } from '../../temporal/recurring-plans.ts'
import { callerOf, personOfCaller } from '../access.ts'
import type { Caller } from '../callers.ts'
import { nextOf, nextPage, pageQuery } from '../paging.ts'
import { Problem } from '../problem.ts'
import { preview } from '../repeat.ts'

export interface RecurringPlanRoutesOptions {
  recurring: RecurringPlans
  /** @throws ROLE_MISSING, PERSON_NEEDED */
  assertMay: (caller: Caller, permission: Permission) => void
  now?: () => number
}

const Id = z.object({ id: z.uuid() })
const problems = { 400: Problem, 401: Problem, 403: Problem, 503: Problem }
const found = { ...problems, 404: Problem, 409: Problem }
const Nothing = z.strictObject({}).nullish()
const tags = ['plans']
const shownTimes = 10

/** Plans that are made again and again. */
export const recurringPlanRoutes: FastifyPluginAsyncZod<RecurringPlanRoutesOptions> = async (app, options) => {
  const { recurring, assertMay, now = Date.now } = options

  app.post(
    '/recurring-plans',
    {
      config: { access: 'plans:write' },
      schema: {
        tags,
        summary: 'Have a plan made again and again; persons say yes to each, or it is carried out by itself',
        description:
          '`approve: auto` takes `plans:execute`, too. What would happen when is shown by POST /v1/recurring-actions/preview.',
        body: CreateRecurringPlan,
        response: { 201: RecurringPlanShown, ...problems },
      },
    },
    async (request, reply) => {
      const { userName: by, userId } = callerOf(request)
      const { goal, options: wishes, when, windowMinutes, approve, name, why, signal } = request.body
      if (approve === 'auto') assertMay(callerOf(request), 'plans:execute')
      const nowMs = now()
      preview(when, 1, nowMs)
      const view: RecurringPlanView = {
        ...{ id: randomUUID(), state: 'active', by, userId, goal, options: wishes, when, windowMinutes, approve },
        ...{ createdAt: new Date(nowMs).toISOString(), counted: 0, past: [] },
        ...(name !== undefined && { name }),
        ...(why !== undefined && { why }),
        ...(signal && { signal }),
      }
      await recurring.start({ view, afterMs: nowMs })
      request.log.info({ recurringPlanId: view.id, goal, approve, by, userId }, 'recurring plan asked for')
      return reply.code(201).header('location', `/v1/recurring-plans/${view.id}`).send(shown(view, nowMs))
    },
  )

  app.get(
    '/recurring-plans',
    {
      config: { access: 'plans:read' },
      schema: {
        tags,
        summary: 'List recurring plans: those that are not at their end first, newest first',
        querystring: z.strictObject(pageQuery),
        response: { 200: z.object({ recurringPlans: z.array(RecurringPlanView), ...nextPage }), ...problems },
      },
    },
    async ({ query }) => {
      const page = await recurring.list(query)
      return { recurringPlans: page.items, ...nextOf(page) }
    },
  )

  app.get(
    '/recurring-plans/:id',
    {
      config: { access: 'plans:read' },
      schema: {
        tags,
        summary: 'Show one, with the plans that were made and the times to come',
        params: Id,
        response: { 200: RecurringPlanShown, ...found },
      },
    },
    async ({ params: { id } }) => shown(await recurring.show(id), now()),
  )

  const command = (summary: string) =>
    ({
      config: { access: 'plans:write' },
      schema: { tags, summary, params: Id, body: Nothing, response: { 200: RecurringPlanView, ...found } },
    }) as const
  const tell = (request: FastifyRequest & { params: { id: string } }, does: 'pause' | 'resume' | 'delete') => {
    const by = personOfCaller(request)
    const { id } = request.params
    request.log.info({ recurringPlanId: id, does, by: by.name, userId: by.userId }, 'recurring plan commanded')
    return recurring.command(id, { does, by })
  }

  app.post(
    '/recurring-plans/:id/pause',
    command('No plan until it is resumed; one that is at work goes on'),
    (request) => tell(request, 'pause'),
  )
  app.post(
    '/recurring-plans/:id/resume',
    command('Go on with the first time from now; with `approve: auto` it takes `plans:execute`, too'),
    async (request) => {
      const { approve } = await recurring.show(request.params.id)
      if (approve === 'auto') assertMay(callerOf(request), 'plans:execute')
      return tell(request, 'resume')
    },
  )
  app.delete('/recurring-plans/:id', command('End it; a plan that is at work goes on'), (request) =>
    tell(request, 'delete'),
  )
}

function shown(view: RecurringPlanView, nowMs: number): RecurringPlanShown {
  const { id, when, counted, state } = view
  const next = state === 'active' ? occurrences(when, { afterMs: nowMs, count: shownTimes, counted, id }) : []
  return { ...view, upcoming: next.map(({ startsAt: _jittered, ...occurrence }) => occurrence) }
}

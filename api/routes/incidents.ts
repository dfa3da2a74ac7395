import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { Incident, type IncidentCommand, IncidentState } from '../../core/incident.ts'
import type { IncidentDesk } from '../../temporal/incident-desk.ts'
import type { IncidentList } from '../../temporal/incident-list.ts'
import { personOfCaller } from '../access.ts'
import { Problem } from '../problem.ts'

export interface IncidentRoutesOptions {
  incidents: IncidentList
  desk: IncidentDesk
}

const Id = z.object({ id: z.uuid() })
const problems = { 400: Problem, 401: Problem, 403: Problem, 503: Problem }
const Sentence = z.string().trim().min(1).max(500)
const Name = z.string().min(1).max(255)

/** Incidents: what happened, what was done about it, how it ended, and what people do with open ones. */
export const incidentRoutes: FastifyPluginAsyncZod<IncidentRoutesOptions> = async (app, { incidents, desk }) => {
  app.get(
    '/incidents',
    {
      config: { access: 'incidents:read' },
      schema: {
        tags: ['incidents'],
        summary: 'List incidents, newest first',
        querystring: z.strictObject({
          limit: z.coerce.number().int().min(1).max(1000).default(100),
          state: IncidentState.optional(),
          host: Name.optional(),
          policy: Name.optional(),
        }),
        response: { 200: z.object({ incidents: z.array(Incident) }), ...problems },
      },
    },
    async ({ query: { limit, state, host, policy } }) => ({
      incidents: await incidents.list(limit, {
        ...(state && { state }),
        ...(host && { host }),
        ...(policy && { policy }),
      }),
    }),
  )

  app.get(
    '/incidents/:id',
    {
      config: { access: 'incidents:read' },
      schema: {
        tags: ['incidents'],
        summary: 'Show an incident with its time line and runs',
        params: Id,
        response: { 200: Incident, ...problems, 404: Problem },
      },
    },
    ({ params: { id } }) => incidents.show(id),
  )

  await app.register(commandRoutes, { incidents, desk })
}

/** Each is taken by the incident itself, one after the other, and stands in its time line with who and why. */
const commandRoutes: FastifyPluginAsyncZod<IncidentRoutesOptions> = async (app, { desk }) => {
  const command = <B extends z.ZodType>(does: IncidentCommand['does'], summary: string, body: B) =>
    ({
      config: { access: does === 'answer' ? ('approvals:answer' as const) : ('incidents:act' as const) },
      schema: {
        tags: ['incidents'],
        summary,
        params: Id,
        body,
        response: { 200: Incident, ...problems, 404: Problem, 409: Problem },
      },
    }) as const

  app.post(
    '/incidents/:id/acknowledge',
    command('acknowledge', 'Say that you have seen it', z.strictObject({}).nullish()),
    (request) => desk.command(request.params.id, { does: 'acknowledge', by: personOfCaller(request) }),
  )

  app.post(
    '/incidents/:id/comment',
    command('comment', 'Write into its time line', z.strictObject({ text: Sentence })),
    (request) => desk.command(request.params.id, { does: 'comment', by: personOfCaller(request), ...request.body }),
  )

  app.post(
    '/incidents/:id/take-over',
    command('take-over', 'Take it over: its run ends at the next safe point, and nothing more is begun', Why),
    (request) =>
      desk.command(request.params.id, { does: 'take-over', by: personOfCaller(request), ...reasonOf(request.body) }),
  )

  app.post(
    '/incidents/:id/hand-back',
    command('hand-back', 'Hand it back: Steward looks again, and plans anew', Why),
    (request) =>
      desk.command(request.params.id, { does: 'hand-back', by: personOfCaller(request), ...reasonOf(request.body) }),
  )

  app.post(
    '/incidents/:id/close',
    command('close', 'Close it, whatever its signal says', z.strictObject({ why: Sentence })),
    (request) => desk.command(request.params.id, { does: 'close', by: personOfCaller(request), ...request.body }),
  )

  app.post('/incidents/:id/answer', command('answer', 'Say yes or no to exactly this plan', AnswerPlan), (request) => {
    const { planId, says } = request.body
    const by = personOfCaller(request)
    return desk.command(request.params.id, { does: 'answer', by, planId, says, ...reasonOf(request.body) })
  })
}

const Why = z.strictObject({ why: Sentence.optional() }).nullish()
const AnswerPlan = z.strictObject({
  planId: z.uuid().describe('the plan you have read; an answer to another one is refused'),
  says: z.enum(['approved', 'rejected']),
  why: Sentence.optional(),
})

const reasonOf = (body: { why?: string | undefined } | null | undefined) =>
  body?.why === undefined ? {} : { why: body.why }

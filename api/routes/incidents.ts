import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { Incident } from '../../core/incident.ts'
import type { IncidentList } from '../../temporal/incident-list.ts'
import { Problem } from '../problem.ts'

const problems = { 400: Problem, 401: Problem, 403: Problem, 503: Problem }

/** Incidents, for operators: what happened, what was done about it, and how it ended. */
export const incidentRoutes: FastifyPluginAsyncZod<{ incidents: IncidentList }> = async (app, { incidents }) => {
  const config = { access: 'operator' } as const
  app.get(
    '/incidents',
    {
      config,
      schema: {
        tags: ['incidents'],
        summary: 'List incidents, newest first',
        querystring: z.strictObject({ limit: z.coerce.number().int().min(1).max(1000).default(100) }),
        response: { 200: z.object({ incidents: z.array(Incident) }), ...problems },
      },
    },
    async (request) => ({ incidents: await incidents.list(request.query.limit) }),
  )

  app.get(
    '/incidents/:id',
    {
      config,
      schema: {
        tags: ['incidents'],
        summary: 'Show an incident with its time line and runs',
        params: z.object({ id: z.uuid() }),
        response: { 200: Incident, ...problems, 404: Problem },
      },
    },
    (request) => incidents.show(request.params.id),
  )
}

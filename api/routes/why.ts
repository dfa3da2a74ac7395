import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { failure } from '../../core/errors.ts'
import { About, Why } from '../../core/why.ts'
import type { WhyDesk } from '../../temporal/why.ts'
import { callerOf } from '../access.ts'
import type { Caller } from '../callers.ts'
import { Problem } from '../problem.ts'

const problems = { 400: Problem, 401: Problem, 403: Problem, 404: Problem, 503: Problem }

export interface WhyRoutesOptions {
  desk: WhyDesk
  /** Who may ask about more than the actions of the own project. */
  seesCloud: (caller: Caller) => boolean
}

/** Why Steward did something, or did not. */
export const whyRoutes: FastifyPluginAsyncZod<WhyRoutesOptions> = async (app, { desk, seesCloud }) => {
  app.get(
    '/why',
    {
      config: { access: 'why:read' },
      schema: {
        tags: ['why'],
        summary: 'Why did it act, or not?',
        description: 'The weightiest reason first. `about` is host/NAME, alert/KEY, incident/ID, run/ID or action/ID.',
        querystring: z.strictObject({ about: About }),
        response: { 200: Why, ...problems },
      },
    },
    async (request) => {
      const { about } = request.query
      const caller = callerOf(request)
      if (seesCloud(caller)) return desk.ask(about)
      if (about.startsWith('action/')) return desk.ask(about, caller.projectId)
      throw failure('ROLE_MISSING', 'only actions of your own project can be asked about with your roles')
    },
  )
}

import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Permission } from '../../core/access.ts'
import { GivenDelegation } from '../../core/delegation.ts'
import { callerOf, personOfCaller } from '../access.ts'
import type { Caller } from '../callers.ts'
import type { GivenDelegations, Whose } from '../given-delegations.ts'
import { nextOf, nextPage, pageQuery } from '../paging.ts'
import { Problem } from '../problem.ts'

export interface GivenDelegationRoutesOptions {
  given: GivenDelegations
  /** Whether a caller may do it with everybody's. */
  may: (caller: Caller, permission: Permission) => boolean
}

const Id = z.object({ id: z.string().regex(/^[\w-]{16}$/, 'a delegation id of the list') })
const problems = { 400: Problem, 401: Problem, 403: Problem, 503: Problem }
const tags = ['delegations']

/** All trusts that were given to Steward: everybody's own, and for operators those of everybody. */
export const givenDelegationRoutes: FastifyPluginAsyncZod<GivenDelegationRoutesOptions> = async (app, options) => {
  const { given, may } = options
  const whose = (request: FastifyRequest, permission: Permission): Whose => {
    const caller = callerOf(request)
    const requestId = request.globalRequestId
    return may(caller, permission) ? { requestId } : { requestId, userId: caller.userId }
  }

  app.get(
    '/delegations',
    {
      config: { access: 'actions:read' },
      schema: {
        tags,
        summary: 'List the delegations you gave to Steward, those that end first come first; operators see all',
        // each of them is read
        querystring: z.strictObject({ ...pageQuery, limit: pageQuery.limit.pipe(z.int().max(200)) }),
        response: { 200: z.object({ delegations: z.array(GivenDelegation), ...nextPage }), ...problems },
      },
    },
    async (request) => {
      const found = await given.list(whose(request, 'delegations:read'), request.query)
      return { delegations: found.items, ...nextOf(found) }
    },
  )

  app.get(
    '/delegations/:id',
    {
      config: { access: 'actions:read' },
      schema: {
        tags,
        summary: 'Show a delegation and what acts with it',
        params: Id,
        response: { 200: GivenDelegation, ...problems, 404: Problem },
      },
    },
    (request) => given.show(request.params.id, whose(request, 'delegations:read')),
  )

  app.delete(
    '/delegations/:id',
    {
      config: { access: 'delegations:revoke' },
      schema: {
        tags,
        summary: 'Take a delegation back; what acts with it is cancelled, its trust is deleted',
        description: 'Answers with the delegation as it was. Your own; operators may take back any.',
        params: Id,
        response: { 200: GivenDelegation, ...problems, 404: Problem, 409: Problem },
      },
    },
    async (request) => {
      const { id } = request.params
      const meant = whose(request, 'delegations:write')
      const by = personOfCaller(request)
      const before = await given.revoke(id, meant, by)
      const { kind, for: of, userId, projectId } = before
      request.log.info({ id, kind, for: of, userId, projectId, by: by.userId }, 'delegation taken back')
      return before
    },
  )
}

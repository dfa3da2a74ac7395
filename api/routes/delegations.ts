import { randomInt } from 'node:crypto'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { CreateDelegation, DelegationView } from '../../core/delegation.ts'
import { durationMs } from '../../core/duration.ts'
import { failure, messageOf } from '../../core/errors.ts'
import type { Keystone } from '../../openstack/keystone.ts'
import type { Delegations } from '../../temporal/delegations.ts'
import { callerOf, personOfCaller } from '../access.ts'
import { Problem } from '../problem.ts'

export interface DelegationRoutesOptions {
  delegations: Delegations
  keystone: Pick<Keystone, 'createTrust' | 'deleteTrust'>
  trusteeUserId: () => Promise<string>
  maxDays: number
}

const problems = { 401: Problem, 403: Problem, 503: Problem }

/** The standing delegation that remediation acts with: an operator's trust to Steward. */
export const delegationRoutes: FastifyPluginAsyncZod<DelegationRoutesOptions> = async (app, options) => {
  const { delegations, keystone, trusteeUserId, maxDays } = options
  app.put(
    '/delegations/remediation',
    {
      config: { access: 'delegations:write' },
      schema: {
        tags: ['delegations'],
        summary: 'Delegate your rights in this project to remediation; a former delegation is taken back',
        body: CreateDelegation,
        response: { 200: DelegationView, 400: Problem, ...problems },
      },
    },
    async (request) => {
      const caller = callerOf(request)
      const { roles, expiresIn } = request.body
      const lastsMs = durationMs(expiresIn)
      if (!lastsMs) throw failure('INPUT_INVALID', `expiresIn: ${expiresIn} is not a duration of weeks, days or hours`)
      if (lastsMs > maxDays * 86_400_000) throw failure('TIME_TOO_FAR', `a delegation lasts at most ${maxDays} days`)
      const missing = roles.find((role) => !caller.roles.includes(role))
      if (missing) throw failure('ROLE_MISSING', `you do not have the role ${missing} here`, { needed: missing })
      if (caller.isApplicationCredential)
        throw failure('DELEGATION_REFUSED', 'tokens of application credentials cannot make trusts')

      const expiresAt = new Date(Date.now() + lastsMs + randomInt(300) * 1000)
      const { globalRequestId: requestId, log } = request
      const wish = { trusteeUserId: await trusteeUserId(), roles, expiresAt }
      const trust = await keystone.createTrust(caller, wish, { requestId })
      try {
        return await delegations.put({
          state: 'active',
          trustId: trust.id,
          trustorUserId: caller.userId,
          trustorName: caller.userName,
          projectId: caller.projectId,
          roles,
          createdAt: new Date().toISOString(),
          expiresAt: expiresAt.toISOString(),
        })
      } catch (error) {
        await keystone.deleteTrust(caller, trust.id, { requestId }).catch((reason: unknown) => {
          log.warn({ trustId: trust.id, reason: messageOf(reason) }, 'an unused trust is left to expire')
        })
        throw error
      }
    },
  )

  app.get(
    '/delegations/remediation',
    {
      config: { access: 'delegations:read' },
      schema: {
        tags: ['delegations'],
        summary: 'Show the standing delegation',
        response: { 200: DelegationView, ...problems, 404: Problem },
      },
    },
    () => delegations.show(),
  )

  app.delete(
    '/delegations/remediation',
    {
      config: { access: 'delegations:write' },
      schema: {
        tags: ['delegations'],
        summary: 'Take the standing delegation back; its trust is deleted',
        response: { 200: DelegationView, ...problems, 404: Problem },
      },
    },
    (request) => delegations.revoke(personOfCaller(request)),
  )
}

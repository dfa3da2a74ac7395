import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { ErrorCode } from '../../core/catalogue.ts'
import { CreatePlan, newPlan, type PlanCommand, PlanShown, PlanState, PlanView } from '../../core/cloud-plan.ts'
import { failure } from '../../core/errors.ts'
import type { GovernorConfig } from '../../core/governor.ts'
import { PlanDocument } from '../../core/plan-document.ts'
import type { Plans } from '../../temporal/plans.ts'
import { callerOf, personOfCaller } from '../access.ts'
import { nextOf, nextPage, pageQuery } from '../paging.ts'
import { Problem } from '../problem.ts'

export interface PlanRoutesOptions {
  plans: Plans
  config: Pick<GovernorConfig, 'approval'>
  /** How long a caller is kept waiting for a plan. @default 8_000 */
  waitMs?: number
  now?: () => number
}

const Id = z.object({ id: z.uuid() })
const problems = { 400: Problem, 401: Problem, 403: Problem, 503: Problem }
const found = { ...problems, 404: Problem, 409: Problem }
const Sentence = z.string().trim().min(1).max(500)
const Why = z.strictObject({ why: Sentence.exactOptional() }).nullish()
const tags = ['plans']
const pollMs = 200

export const PlanAnswer = z.object({
  plan: PlanView,
  document: PlanDocument.optional().describe('missing while the plan is being made'),
})

export type PlanAnswer = z.infer<typeof PlanAnswer>

/** Plans that move servers between hosts. Making one moves nothing. */
export const planRoutes: FastifyPluginAsyncZod<PlanRoutesOptions> = async (app, options) => {
  const { plans, config, waitMs = 8_000, now = Date.now } = options

  /** Waits for the plan, for as long as a caller is kept waiting. */
  async function made(id: string): Promise<PlanView> {
    for (const deadline = Date.now() + waitMs; ; await sleep(pollMs)) {
      const view = await plans.show(id)
      if (view.state !== 'planning' || Date.now() >= deadline) return view
    }
  }

  async function begin(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: Pick<PlanView, 'goal' | 'options' | 'undoes'>,
    why: string | undefined,
  ) {
    const { userName: by, userId } = callerOf(request)
    const id = randomUUID()
    const createdAt = new Date(now()).toISOString()
    await plans.start({
      view: newPlan({ ...asked, id, by, userId, createdAt }, why),
      governor: { approval: config.approval },
    })
    request.log.info({ planId: id, ...asked, by, userId }, 'plan asked for')
    const plan = await made(id)
    if (plan.state === 'failed') throw refusalOf(plan)
    reply.header('location', `/v1/plans/${id}`).code(plan.digest ? 201 : 202)
    return { plan, ...(plan.digest && { document: await plans.document(id) }) }
  }

  app.post(
    '/plans',
    {
      config: { access: 'plans:write' },
      schema: {
        tags,
        summary: 'Look at the whole cloud and plan; nothing is moved',
        description: 'Answers 202 when it takes longer than some seconds: read the plan again until it is proposed.',
        body: CreatePlan,
        response: { 201: PlanAnswer, 202: PlanAnswer, ...problems, 404: Problem, 409: Problem, 502: Problem },
      },
    },
    async (request, reply) => {
      const { goal, options: wishes, why } = request.body
      return begin(request, reply, { goal, options: wishes }, why)
    },
  )

  app.get(
    '/plans',
    {
      config: { access: 'plans:read' },
      schema: {
        tags,
        summary: 'List plans: those that are not at their end first, newest first',
        querystring: z.strictObject({ ...pageQuery, state: PlanState.optional() }),
        response: { 200: z.object({ plans: z.array(PlanView), ...nextPage }), ...problems },
      },
    },
    async ({ query: { state, ...wish } }) => {
      const found = await plans.list(wish, state)
      return { plans: found.items, ...nextOf(found) }
    },
  )

  app.get(
    '/plans/:id',
    {
      config: { access: 'plans:read' },
      schema: {
        tags,
        summary: 'Show a plan: state, figures, waves, and what has become of each move',
        params: Id,
        response: { 200: PlanShown, ...found },
      },
    },
    ({ params: { id } }) => plans.detail(id),
  )

  app.get(
    '/plans/:id/document',
    {
      config: { access: 'plans:read' },
      schema: {
        tags,
        summary: 'Show all of a plan: every move with its reason, costs, the way back',
        params: Id,
        response: { 200: PlanDocument, ...found },
      },
    },
    ({ params: { id } }) => plans.document(id),
  )

  app.post(
    '/plans/:id/undo',
    {
      config: { access: 'plans:write' },
      schema: {
        tags,
        summary: 'Plan the way back from the moves that a plan has made; nothing is moved',
        description: 'It is a plan of its own, which has to be approved. Answers 202 as the making of any plan does.',
        params: Id,
        body: Why,
        response: { 201: PlanAnswer, 202: PlanAnswer, ...found, 502: Problem },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const { endedAt, state, options: wishes } = await plans.show(id)
      if (endedAt === undefined) throw failure('PLAN_CLOSED', `the plan ${id} is ${state}: stop it first`)
      if ((await plans.made(id)).length === 0) throw failure('PLAN_CLOSED', `the plan ${id} has moved nothing`)
      return begin(request, reply, { goal: 'undo', options: alike(wishes), undoes: id }, request.body?.why)
    },
  )

  const command = <B extends z.ZodType>(access: 'plans:write' | 'plans:execute', summary: string, body: B) =>
    ({
      config: { access },
      schema: { tags, summary, params: Id, body, response: { 200: PlanView, ...found } },
    }) as const
  const tell = (request: Parameters<typeof personOfCaller>[0] & { params: { id: string } }, given: Given) => {
    const by = personOfCaller(request)
    request.log.info({ planId: request.params.id, does: given.does, by: by.name, userId: by.userId }, 'plan commanded')
    return plans.command(request.params.id, { ...given, by })
  }

  app.post(
    '/plans/:id/approve',
    command(
      'plans:execute',
      'Say yes to exactly this document: it is carried out once as many persons as it needs have said so',
      z.strictObject({ documentId: PlanDocument.shape.id, why: Sentence.exactOptional() }),
    ),
    (request) => {
      const { documentId: planId, ...why } = request.body
      return tell(request, { does: 'approve', planId, ...why })
    },
  )
  app.post(
    '/plans/:id/stop',
    command('plans:write', 'Begin no further move; those under way are finished', Why),
    (request) => tell(request, { does: 'stop', ...request.body }),
  )
  app.delete('/plans/:id', command('plans:write', 'Discard a plan that is not carried out', Why), (request) =>
    tell(request, { does: 'discard', ...request.body }),
  )
}

/** A command without whoever gives it. */
type Given = PlanCommand extends infer C ? (C extends PlanCommand ? Omit<C, 'by'> : never) : never

/** The way back is gone at the same pace, and cold where the way there was. */
const alike = ({ outgoingPerHost, movesAtOnce, maxCpuPercent, validForMs, cold }: PlanView['options']) => ({
  ...(outgoingPerHost !== undefined && { outgoingPerHost }),
  ...(movesAtOnce !== undefined && { movesAtOnce }),
  ...(maxCpuPercent !== undefined && { maxCpuPercent }),
  ...(validForMs !== undefined && { validForMs }),
  ...(cold !== undefined && { cold }),
})

/** A plan that could not be made is kept as well, so that its id is said. */
const refusalOf = ({ id, reason }: PlanView) =>
  failure((reason?.code ?? 'INTERNAL') as ErrorCode, `${reason?.detail} (plan ${id})`)

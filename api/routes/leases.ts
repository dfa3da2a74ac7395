import { randomUUID } from 'node:crypto'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { failure } from '../../core/errors.ts'
import { type Lease, type LeaseRequest, requesters, Target } from '../../core/governor.ts'
import type { Governor } from '../../temporal/governor.ts'
import { callerOf, personOfCaller } from '../access.ts'
import { Problem } from '../problem.ts'

export interface LeaseRoutesOptions {
  governor: Governor
  now?: () => number
}

const problems = { 400: Problem, 401: Problem, 403: Problem, 503: Problem }
const Id = z.object({ id: z.string().min(1).max(100) })
const forSeconds = z.int().min(60).max(604_800).describe('it ends by itself after this')
/** Whoever waits keeps a connection open, and one of the few places at which the governor answers people. */
const mostWaitSeconds = 50

export const LeaseView = z.object({
  id: z.string(),
  state: z.enum(['held', 'waiting']),
  targets: z.array(z.string()),
  by: z.string(),
  requester: z.enum(requesters),
  runbook: z.string(),
  why: z.string(),
  since: z.string().describe('held, or waiting, since'),
  until: z.string().optional().describe("of a person's: it ends then; of a run's: it is asked to come to an end then"),
  workflowId: z.string().optional().describe('of the run that holds it or waits; it ends with the run'),
})
export type LeaseView = z.infer<typeof LeaseView>

/** Who may act on what; a person's own hold on a host keeps every runbook away from it. */
export const leaseRoutes: FastifyPluginAsyncZod<LeaseRoutesOptions> = async (app, { governor, now = Date.now }) => {
  app.get(
    '/leases',
    {
      config: { access: 'leases:read' },
      schema: {
        tags: ['leases'],
        summary: 'List leases, then who waits for one, the next one first',
        response: { 200: z.object({ leases: z.array(LeaseView) }), ...problems },
      },
    },
    async () => {
      const { leases, queue } = await governor.state()
      return { leases: [...leases.map(heldView), ...queue.map(waitingView)] }
    },
  )

  app.post(
    '/leases',
    {
      config: { access: 'leases:write' },
      schema: {
        tags: ['leases'],
        summary: 'Hold hosts or servers for your own work; no runbook touches them until it ends',
        body: z.strictObject({
          targets: z.array(Target).min(1).max(100),
          forSeconds,
          why: z.string().trim().min(1).max(500),
          waitSeconds: z
            .int()
            .min(0)
            .max(mostWaitSeconds)
            .default(0)
            .describe('in line; whoever holds a target for something less urgent is asked to come to an end'),
        }),
        response: { 201: LeaseView, ...problems, 409: Problem },
      },
    },
    async (request, reply) => {
      const { targets, forSeconds, why, waitSeconds } = request.body
      const { userName: by, userId } = callerOf(request)
      const asked: LeaseRequest = {
        id: randomUUID(),
        holder: {},
        requester: 'person',
        by,
        why,
        runbook: 'hold',
        targets: [...new Set(targets)],
        within: [],
        risk: 'move',
        requestedAt: new Date(now()).toISOString(),
        waitUntil: new Date(now() + waitSeconds * 1000).toISOString(),
        expectedMs: forSeconds * 1000,
      }
      const verdict = await governor.hold(asked)
      request.log.info({ leaseId: asked.id, targets, by, userId, why, says: verdict.says }, 'lease asked for')
      if (verdict.says !== 'granted') throw failure(verdict.code ?? 'TARGET_BUSY', verdict.reason)
      return reply.code(201).send(heldView({ request: asked, grantedAt: verdict.at }))
    },
  )

  app.put(
    '/leases/:id',
    {
      config: { access: 'leases:write' },
      schema: {
        tags: ['leases'],
        summary: "Let a person's lease end so many seconds from now",
        params: Id,
        body: z.strictObject({ forSeconds }),
        response: { 200: LeaseView, ...problems, 404: Problem, 409: Problem },
      },
    },
    async (request) => {
      const { id } = request.params
      await personsLease(governor, id)
      await governor.extend(id, request.body.forSeconds * 1000, personOfCaller(request))
      const { userName: by, userId } = callerOf(request)
      request.log.info({ leaseId: id, by, userId, forSeconds: request.body.forSeconds }, 'lease extended')
      return personsLease(governor, id)
    },
  )

  app.delete(
    '/leases/:id',
    {
      config: { access: 'leases:write' },
      schema: {
        tags: ['leases'],
        summary: "End a person's lease, or take its request out of the line",
        params: Id,
        response: { 200: LeaseView, ...problems, 404: Problem, 409: Problem },
      },
    },
    async (request) => {
      const { id } = request.params
      const ended = await personsLease(governor, id)
      await governor.release(id, personOfCaller(request))
      const { userName: by, userId } = callerOf(request)
      request.log.info({ leaseId: id, by, userId, of: ended.by }, 'lease ended')
      return ended
    },
  )
}

/** @throws LEASE_NOT_FOUND, LEASE_OF_RUN: what a run at work holds is never taken from it */
async function personsLease(governor: Governor, id: string): Promise<LeaseView> {
  const { leases, queue } = await governor.state()
  const lease = leases.find(({ request }) => request.id === id)
  const request = queue.find((waiting) => waiting.id === id)
  const found = lease ? heldView(lease) : request && waitingView(request)
  if (!found) throw failure('LEASE_NOT_FOUND', `there is no lease ${id}`)
  if (found.workflowId !== undefined)
    throw failure(
      'LEASE_OF_RUN',
      `${found.targets.join(', ')} is held by ${found.by} for ${found.runbook}: ${found.why}`,
    )
  return found
}

function heldView({ request, grantedAt }: Lease): LeaseView {
  const until = new Date(Date.parse(grantedAt) + request.expectedMs).toISOString()
  return { ...viewOf(request), state: 'held', since: grantedAt, until }
}

const waitingView = (request: LeaseRequest): LeaseView => ({
  ...viewOf(request),
  state: 'waiting',
  since: request.requestedAt,
})

function viewOf({ id, targets, by, requester, runbook, why, holder: { workflowId } }: LeaseRequest) {
  return { id, targets: [...targets], by, requester, runbook, why, ...(workflowId !== undefined && { workflowId }) }
}

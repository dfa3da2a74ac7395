import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { catalogue } from '../../core/catalogue.ts'
import { codeOf, failure, messageOf } from '../../core/errors.ts'
import type { Incident, Proposal } from '../../core/incident.ts'
import type { IncidentDesk } from '../../temporal/incident-desk.ts'
import type { IncidentList } from '../../temporal/incident-list.ts'
import type { Keys } from '../../temporal/keys.ts'
import { personOfCaller } from '../access.ts'
import {
  type ApprovalLink,
  type ApprovalLinks,
  createApprovalLinks,
  personOf,
  refuseOwnLink,
} from '../approval-links.ts'
import { approvalPage, noSuchLink, pagePolicy, sentencePage } from '../approval-page.ts'
import { Problem } from '../problem.ts'

export interface ApprovalRoutesOptions {
  incidents: IncidentList
  desk: IncidentDesk
  keys: Keys
  /** The address a link was asked for at when left out. */
  publicUrl?: string | undefined
  now?: () => number
}

const problems = { 400: Problem, 401: Problem, 403: Problem, 404: Problem, 409: Problem, 503: Problem }
/** What a link carries of a name is for people to read; it must fit into an address. */
const mostNameLength = 64

/** Makes links for people who have no login here, or not at hand. */
export const approvalLinkRoutes: FastifyPluginAsyncZod<ApprovalRoutesOptions> = async (app, options) => {
  const { incidents, keys, publicUrl, now = Date.now } = options
  const links = createApprovalLinks(keys)
  app.post(
    '/incidents/:id/approval-links',
    {
      config: { access: 'approvals:answer' },
      schema: {
        tags: ['incidents'],
        summary: 'Make a link with which somebody else can answer the present plan',
        description:
          'Whoever has the link can answer in the name it was made for: send it to that person only. It dies with the question.',
        params: z.object({ id: z.uuid() }),
        body: z.strictObject({
          for: z.string().trim().min(1).max(mostNameLength).describe('who shall answer, as people know them'),
          expiresInSeconds: z.int().min(60).max(604_800).default(3600),
        }),
        response: { 201: z.object({ url: z.string(), expiresAt: z.string() }), ...problems },
      },
    },
    async (request, reply) => {
      const caller = personOfCaller(request)
      const issuer = { userId: caller.userId, name: caller.name.slice(0, mostNameLength) }
      const { for: name, expiresInSeconds } = request.body
      refuseOwnLink(name, caller)
      const { id, proposal } = await incidents.show(request.params.id)
      const endsMs = proposal ? Date.parse(proposal.expiresAt) : 0
      if (!proposal || endsMs <= now()) throw failure('APPROVAL_STALE', `nobody is asked about the incident ${id}`)
      const expiresAt = new Date(Math.min(now() + expiresInSeconds * 1000, endsMs)).toISOString()
      const token = links.sign({ incidentId: id, planId: proposal.planId, name, issuer, expiresAt })
      request.log.info({ incidentId: id, planId: proposal.planId, for: name, by: issuer }, 'approval link made')
      const base = publicUrl?.replace(/\/+$/, '') ?? `${request.protocol}://${request.host}`
      return reply.code(201).send({ url: `${base}/approve/${token}`, expiresAt })
    },
  )
}

const Html = z.string().describe('a page')

/** The page behind such a link. Its address is the credential; whoever only opens it decides nothing. */
export const approvalPageRoutes: FastifyPluginAsyncZod<ApprovalRoutesOptions> = async (app, options) => {
  const { incidents, desk, keys, now = Date.now } = options
  const links = createApprovalLinks(keys)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: 16 << 10 },
    (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  )
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({
      'content-security-policy': pagePolicy,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-robots-tag': 'noindex, nofollow',
    })
  })
  app.setErrorHandler(sendErrorPage)

  const config = { access: 'open' } as const
  const params = z.object({ token: z.string().describe('the credential') })
  app.get(
    '/approve/:token',
    {
      config,
      schema: {
        tags: ['incidents'],
        summary: 'Show the plan a link is for, with a form; decides nothing',
        produces: ['text/html'],
        params,
        response: { 200: Html, 404: Html },
      },
    },
    async (request, reply) => {
      const { link, incident } = await linked(request, links, incidents, now())
      const proposal = asked(incident, link)
      if (proposal) return html(reply, 200, approvalPage(incident, proposal, link))
      const sentence = 'The plan has changed, was answered, or its time is over. There is nothing for you to do.'
      return html(reply, 200, sentencePage('This is not asked any more', sentence))
    },
  )

  app.post(
    '/approve/:token',
    {
      config,
      schema: {
        tags: ['incidents'],
        summary: 'Answer the plan a link is for',
        consumes: ['application/x-www-form-urlencoded'],
        produces: ['text/html'],
        params,
        body: z.strictObject({ says: z.enum(['approved', 'rejected']), why: z.string().trim().max(500).default('') }),
        response: { 200: Html, 404: Html },
      },
    },
    async (request, reply) => {
      const { link } = await linked(request, links, incidents, now())
      const { says, why } = request.body
      const by = personOf(link)
      const answer = { by, planId: link.planId, says, ...(why !== '' && { why }) }
      const incident = await desk.command(link.incidentId, { does: 'answer', ...answer })
      request.log.info({ incidentId: link.incidentId, planId: link.planId, by, says }, 'answered by link')
      const needs = asked(incident, link)?.needs
      const sentence =
        says === 'rejected'
          ? 'The plan will not be carried out.'
          : needs === undefined
            ? 'Steward goes on with exactly this plan, or asks again if it has to change.'
            : `Steward still waits: ${needs} persons must say yes.`
      return html(reply, 200, sentencePage(says === 'approved' ? 'You said yes' : 'You said no', sentence))
    },
  )
}

const html = (reply: FastifyReply, status: 200 | 404, page: string) =>
  reply.code(status).type('text/html; charset=utf-8').send(page)

/** The same error for all that does not lead to an incident: who guesses learns nothing. */
async function linked(
  { params }: { params: { token: string } },
  links: ApprovalLinks,
  incidents: IncidentList,
  nowMs: number,
): Promise<{ link: ApprovalLink; incident: Incident }> {
  const link = links.read(params.token, nowMs)
  if (!link) throw failure('INCIDENT_NOT_FOUND', 'a link that is wrong or has expired')
  return { link, incident: await incidents.show(link.incidentId) }
}

const asked = ({ proposal, state }: Incident, { planId }: ApprovalLink): Proposal | undefined =>
  state === 'asking' && proposal?.planId === planId ? proposal : undefined

/** People with a browser read a sentence, not problem details. */
function sendErrorPage(error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
  const code = codeOf(error)
  const status = code ? catalogue[code].status : (error.statusCode ?? 500)
  if (status >= 500) request.log.error({ err: error, code }, 'request failed')
  else request.log.info({ code, status }, 'request refused')
  const page = reply.code(status).type('text/html; charset=utf-8')
  if (code === 'INCIDENT_NOT_FOUND') return page.send(noSuchLink())
  if (code && status < 500) return page.send(sentencePage('Your answer was not taken', `${messageOf(error)}.`))
  if (status < 500)
    return page.send(sentencePage('That was not an answer', 'Go back and press one of the two buttons.'))
  const sentence = 'Nothing was decided. Try again in a moment; if it stays like this, tell the operators.'
  return page.send(sentencePage('Steward cannot take your answer now', sentence))
}

import { Readable } from 'node:stream'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { AuditEvent } from '../../core/audit.ts'
import { failure } from '../../core/errors.ts'
import type { Audit } from '../../temporal/audit.ts'
import { callerOf } from '../access.ts'
import type { Caller } from '../callers.ts'
import { Problem } from '../problem.ts'

const problems = { 400: Problem, 401: Problem, 403: Problem, 503: Problem }
const instant = z.iso.datetime({ offset: true })
const cursor = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ([0-9a-f-]{36} \d{8,} [01]|~)$/, '`next` of an earlier answer')
const usualPeriodMs = 86_400_000

export interface AuditRoutesOptions {
  audit: Audit
  /** Who may read of more than the own project. */
  seesCloud: (caller: Caller) => boolean
  now?: () => number
}

/** What was done, by whom, with whose rights, and how it ended. */
export const auditRoutes: FastifyPluginAsyncZod<AuditRoutesOptions> = async (
  app,
  { audit, seesCloud, now = Date.now },
) => {
  app.get(
    '/audit',
    {
      config: { access: 'audit:read' },
      schema: {
        tags: ['audit'],
        summary: 'Audit events (CADF), oldest first, one JSON document a line',
        description:
          'Two events with the same `id` for each act: the intent, then its outcome. When there are more than ' +
          '`limit`, the last line is `{"next": …}`: ask again with it as `after`. The last 24 hours when no time is ' +
          'given. Projects read of their own actions only.',
        querystring: z.strictObject({
          since: instant.optional(),
          until: instant.optional(),
          after: cursor.optional(),
          host: z.string().min(1).max(255).optional(),
          project: z.string().min(1).max(64).optional(),
          limit: z.coerce.number().int().min(1).max(50_000).default(10_000),
        }),
        response: {
          200: { description: 'audit events', content: { 'application/x-ndjson': { schema: AuditEvent } } },
          ...problems,
        },
      },
    },
    async (request, reply) => {
      const { since, until, after, host, project, limit } = request.query
      const untilMs = until === undefined ? now() : Date.parse(until)
      const sinceMs = since === undefined ? untilMs - usualPeriodMs : Date.parse(since)
      if (sinceMs > untilMs) throw failure('INPUT_INVALID', 'since: the period ends before it begins')
      const projectId = scopeOf(callerOf(request), { host, project })
      const events = audit.events({
        ...{ sinceMs, untilMs, limit },
        ...(after !== undefined && { after }),
        ...(host !== undefined && { host }),
        ...(projectId !== undefined && { projectId }),
      })
      // what fails before the first event is a problem; later only the connection can say so
      const first = await events.next()
      return reply
        .type('application/x-ndjson')
        .send(Readable.from(lines(first, events), { objectMode: false }) as never)
    },
  )

  /** The project is that of the token. Asking for another one, or for hosts, is for those who see the cloud. */
  function scopeOf(caller: Caller, asked: { host: string | undefined; project: string | undefined }) {
    if (seesCloud(caller)) return asked.project
    if (asked.host !== undefined || (asked.project !== undefined && asked.project !== caller.projectId))
      throw failure('ROLE_MISSING', 'only the actions of your own project can be read with your roles')
    return caller.projectId
  }
}

type Events = ReturnType<Audit['events']>

async function* lines(first: Awaited<ReturnType<Events['next']>>, events: Events): AsyncGenerator<string, void> {
  try {
    if (first.done) return
    yield `${JSON.stringify(first.value)}\n`
    for await (const event of events) yield `${JSON.stringify(event)}\n`
  } finally {
    // a reader who leaves ends the reading of histories
    await events.return()
  }
}

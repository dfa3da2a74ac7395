import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Policy } from '../../core/policy.ts'
import { AlertmanagerWebhook, toAlerts } from '../ingest/alertmanager.ts'
import type { Intake } from '../ingest/intake.ts'
import { parseNdjson } from '../ingest/log-lines.ts'
import type { LogWatch } from '../ingest/log-watch.ts'
import { Problem } from '../problem.ts'

export interface SignalRoutesOptions {
  policies: readonly Policy[]
  intake: Intake
  logWatch: LogWatch
  now?: () => number
}

/** Alertmanager sends a whole group in one request, 10,000 alerts in a storm, and drops what we refuse. */
const webhookLimitBytes = 32 << 20
const logsLimitBytes = 8 << 20

const problems = { 400: Problem, 401: Problem, 413: Problem, 415: Problem, 503: Problem }

/** Where signals come in. 2xx means that they are durable; 503 that nothing is lost if they are sent again. */
export const signalRoutes: FastifyPluginAsyncZod<SignalRoutesOptions> = async (app, options) => {
  const { policies, intake, now = Date.now } = options
  const gauges = policies.filter((policy) => policy.kind === 'gauge')

  app.post(
    '/signals/alertmanager',
    {
      config: { access: 'alertmanager' },
      bodyLimit: webhookLimitBytes,
      schema: {
        tags: ['signals'],
        summary: 'Webhook of Alertmanager, format 4',
        description: 'Bearer token of a configured source. An alert that no policy wants is named under `ignored`.',
        body: AlertmanagerWebhook,
        response: {
          200: z.object({
            opened: z.int().describe('incidents opened'),
            joined: z.int().describe('alerts that joined an open incident'),
            known: z.int().describe('duplicates, and ends of what was not open'),
            ignored: z.array(z.object({ fingerprint: z.string(), reason: z.string() })),
          }),
          ...problems,
        },
      },
    },
    async (request) => {
      const { alerts, ignored } = toAlerts(request.body, gauges, request.source ?? '', now())
      if (ignored.length > 0) request.log.info({ ignored: ignored.slice(0, 20), of: ignored.length }, 'alerts ignored')
      const counts = await intake.take(alerts)
      return {
        opened: counts.opened ?? 0,
        joined: counts.joined ?? 0,
        known: (counts.duplicate ?? 0) + (counts['nothing open'] ?? 0),
        ignored,
      }
    },
  )

  await app.register(logRoutes, options)
}

/** Takes nothing but NDJSON, and is the only one that takes it. */
const logRoutes: FastifyPluginAsyncZod<SignalRoutesOptions> = async (app, { logWatch }) => {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-ndjson',
    { parseAs: 'string', bodyLimit: logsLimitBytes },
    (_req, body, done) => done(null, body),
  )
  app.post(
    '/signals/logs',
    {
      config: { access: 'logs' },
      bodyLimit: logsLimitBytes,
      schema: {
        tags: ['signals'],
        summary: 'Lines of service logs, one JSON object per line',
        description:
          'NDJSON of `{"host", "component", "line", "at"?}`; `{"host", "component", "heartbeat": true}` says that the log has nothing new. A bad line is rejected by number and does not lose the others.',
        consumes: ['application/x-ndjson'],
        body: z.string().describe('newline-delimited JSON'),
        response: {
          200: z.object({
            taken: z.int(),
            rejected: z.array(z.object({ line: z.int(), reason: z.string() })).describe('at most 100 are named'),
          }),
          ...problems,
        },
      },
    },
    async (request) => {
      const { lines, rejected } = parseNdjson(request.body)
      await logWatch.take(lines, request.source ?? '')
      return { taken: lines.length, rejected: rejected.slice(0, 100) }
    },
  )
}

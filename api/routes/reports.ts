import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Config } from '../../core/config.ts'
import { failure } from '../../core/errors.ts'
import { RunbookReport } from '../../core/report.ts'
import { reportOn } from '../../policies/report.ts'
import type { Governor } from '../../temporal/governor.ts'
import type { IncidentHistory } from '../../temporal/report.ts'
import { Problem } from '../problem.ts'

const problems = { 400: Problem, 401: Problem, 403: Problem, 503: Problem }
const instant = z.iso.datetime({ offset: true })
const usualPeriodMs = 30 * 86_400_000

export interface ReportRoutesOptions {
  history: IncidentHistory
  governor: Pick<Governor, 'state'>
  config: Pick<Config, 'policies' | 'governor'>
  now?: () => number
}

/** How well runbooks and policies do. */
export const reportRoutes: FastifyPluginAsyncZod<ReportRoutesOptions> = async (
  app,
  { history, governor, config, now = Date.now },
) => {
  app.get(
    '/reports/runbooks',
    {
      config: { access: 'reports:read' },
      schema: {
        tags: ['reports'],
        summary: 'Success, recurrence and false-fire rates of runbooks and policies',
        description: 'Of the incidents opened within the period, at most 10,000; the last 30 days when it is left out.',
        querystring: z.strictObject({ since: instant.optional(), until: instant.optional() }),
        response: { 200: RunbookReport, ...problems },
      },
    },
    async ({ query: { since, until } }) => {
      const nowMs = now()
      const untilMs = until === undefined ? nowMs : Date.parse(until)
      const sinceMs = since === undefined ? untilMs - usualPeriodMs : Date.parse(since)
      if (sinceMs > untilMs) throw failure('INPUT_INVALID', 'since: the period ends before it begins')
      const [found, outcomes] = await Promise.all([history.opened(sinceMs, untilMs), governor.state()])
      return reportOn({ ...config, ...found, outcomes, sinceMs, untilMs, nowMs })
    },
  )
}

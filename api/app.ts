import { randomUUID } from 'node:crypto'
import helmet from '@fastify/helmet'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { jsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import { may } from '../core/access.ts'
import { type AccessOptions, assertMay, guardRoutes, isPermission } from './access.ts'
import { guardBodies } from './body.ts'
import type { Caller } from './callers.ts'
import { createMetrics, measureDelegation, measureRequests } from './metrics.ts'
import { Problem, sendProblem } from './problem.ts'
import { takeGlobalRequestId } from './request-id.ts'
import { actionRoutes } from './routes/actions.ts'
import { type ApprovalRoutesOptions, approvalLinkRoutes, approvalPageRoutes } from './routes/approvals.ts'
import { type AuditRoutesOptions, auditRoutes } from './routes/audit.ts'
import { delegationRoutes } from './routes/delegations.ts'
import { type GivenDelegationRoutesOptions, givenDelegationRoutes } from './routes/given-delegations.ts'
import { governorRoutes } from './routes/governor.ts'
import { type Dependency, healthRoutes } from './routes/health.ts'
import { incidentRoutes } from './routes/incidents.ts'
import { leaseRoutes } from './routes/leases.ts'
import { notificationRoutes } from './routes/notifications.ts'
import { type PlanRoutesOptions, planRoutes } from './routes/plans.ts'
import { recurringActionRoutes } from './routes/recurring-actions.ts'
import { type RecurringPlanRoutesOptions, recurringPlanRoutes } from './routes/recurring-plans.ts'
import { reportRoutes } from './routes/reports.ts'
import { runbookRoutes } from './routes/runbooks.ts'
import { type SignalRoutesOptions, signalRoutes } from './routes/signals.ts'
import { stopRoutes } from './routes/stop.ts'
import { type WhyRoutesOptions, whyRoutes } from './routes/why.ts'

export interface AppOptions {
  access: AccessOptions
  actions: Parameters<typeof actionRoutes>[1]
  recurring: Parameters<typeof recurringActionRoutes>[1]
  delegations: Parameters<typeof delegationRoutes>[1]
  given: GivenDelegationRoutesOptions['given']
  incidents: Parameters<typeof incidentRoutes>[1]
  approvals: Pick<ApprovalRoutesOptions, 'keys' | 'publicUrl' | 'now'>
  governor: Parameters<typeof governorRoutes>[1]
  plans: PlanRoutesOptions
  recurringPlans: Omit<RecurringPlanRoutesOptions, 'assertMay'>
  audit: Omit<AuditRoutesOptions, 'seesCloud'>
  reports: Parameters<typeof reportRoutes>[1]
  why: Omit<WhyRoutesOptions, 'seesCloud'>
  runbooks: Parameters<typeof runbookRoutes>[1]
  notifications: Parameters<typeof notificationRoutes>[1]
  signals: SignalRoutesOptions
  dependencies: readonly Dependency[]
  now?: () => number
  logger?: FastifyBaseLogger
  version: string
}

const bodyLimitBytes = 256 << 10

/** Builds the REST API without listening. */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const app = Fastify({
    ...(options.logger ? { loggerInstance: options.logger } : { logger: false }),
    bodyLimit: bodyLimitBytes,
    connectionTimeout: 60_000,
    requestTimeout: 30_000,
    // node's own minute for headers would prolong requestTimeout; it looks for late senders every half a minute
    http: { headersTimeout: 15_000, connectionsCheckingInterval: 5_000 },
    // an id that a client sends is never taken for ours
    requestIdHeader: false,
    genReqId: () => `req-${randomUUID()}`,
    // a link that somebody answers by is one parameter
    routerOptions: { maxParamLength: 1500 },
    logController: new LogController({ disableRequestLogging: true }),
    // a URL that no router can read
    frameworkErrors: sendProblem,
  })
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.setErrorHandler(sendProblem)
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      Object.assign(new Error(`${request.method} ${request.url.split('?', 1)[0]?.slice(0, 200)}`), {
        code: 'NOT_FOUND',
        statusCode: 404,
      }),
      request,
      reply,
    ),
  )
  app.addHook('onSend', async (request, reply) => {
    reply.header('x-openstack-request-id', request.id)
  })
  const metrics = createMetrics()
  measureRequests(app, metrics, options.signals.intake)
  measureDelegation(metrics, options.delegations.delegations, options.now)
  // the pages of the documentation are served over plain HTTP on loopback
  await app.register(helmet, { global: true, contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } } })
  takeGlobalRequestId(app)
  guardRoutes(app, options.access)
  guardBodies(app)

  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Steward',
        version: options.version,
        description: 'Looks after an OpenStack cloud with rights that somebody delegated.',
      },
      components: {
        securitySchemes: {
          keystone: { type: 'apiKey', in: 'header', name: 'X-Auth-Token' },
          source: { type: 'http', scheme: 'bearer' },
        },
      },
    },
    transform: describeRoute,
  })
  await app.register(documentation)
  const seesCloud = (caller: Caller) => may(options.access.policy, caller, 'cloud:read')
  const approvals = { ...options.incidents, ...options.approvals }
  await app.register(approvalPageRoutes, approvals)
  await app.register(healthRoutes, { dependencies: options.dependencies, metrics })
  await app.register(
    async (v1) => {
      await v1.register(actionRoutes, options.actions)
      await v1.register(recurringActionRoutes, options.recurring)
      await v1.register(delegationRoutes, options.delegations)
      await v1.register(givenDelegationRoutes, {
        given: options.given,
        may: (caller, permission) => may(options.access.policy, caller, permission),
      })
      await v1.register(incidentRoutes, options.incidents)
      await v1.register(approvalLinkRoutes, approvals)
      await v1.register(governorRoutes, options.governor)
      await v1.register(stopRoutes, options.governor)
      await v1.register(leaseRoutes, options.governor)
      await v1.register(planRoutes, options.plans)
      await v1.register(recurringPlanRoutes, {
        ...options.recurringPlans,
        assertMay: (caller, permission) => assertMay(options.access.policy, caller, permission),
      })
      await v1.register(auditRoutes, { ...options.audit, seesCloud })
      await v1.register(reportRoutes, options.reports)
      await v1.register(whyRoutes, { ...options.why, seesCloud })
      await v1.register(runbookRoutes, options.runbooks)
      await v1.register(notificationRoutes, options.notifications)
      await v1.register(signalRoutes, options.signals)
    },
    { prefix: '/v1' },
  )
  return app
}

/** The document and its page. The page's own files are the only routes outside the document. */
async function documentation(app: FastifyInstance) {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, access: 'open' }
  })
  app.get('/openapi.json', { config: { access: 'open' }, schema: { summary: 'This document', tags: ['health'] } }, () =>
    app.swagger(),
  )
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true })
}

/** Says in the document what a route's access means for its callers, and which media type its problems have. */
const describeRoute: typeof jsonSchemaTransform = (input) => {
  const { schema, url } = jsonSchemaTransform(input)
  const answers = (schema.response ?? {}) as Record<string, unknown>
  for (const [status, given] of Object.entries((input.schema.response ?? {}) as Record<string, unknown>))
    if (given === Problem)
      answers[status] = {
        description: 'problem details, RFC 9457',
        content: { 'application/problem+json': { schema: answers[status] } },
      }
  const access = input.route.config?.access
  if (isPermission(access)) Object.assign(schema, { security: [{ keystone: [] }] })
  if (access === 'alertmanager' || access === 'logs') Object.assign(schema, { security: [{ source: [] }] })
  return { schema, url }
}

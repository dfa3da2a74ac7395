import type { FastifyInstance } from 'fastify'
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Intake } from './ingest/intake.ts'

/** Metrics of this process in a registry of its own, so that several apps can live in one process (tests). */
export function createMetrics(): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'steward_' })
  return registry
}

/** Times every request by route, method and status; the route's pattern, never the path, so labels stay few. */
export function measureRequests(app: FastifyInstance, registry: Registry, intake: Intake): void {
  const seconds = new Histogram({
    name: 'steward_http_request_seconds',
    help: 'Time to answer a request',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30],
    registers: [registry],
  })
  new Gauge({
    name: 'steward_intake_alerts_in_flight',
    help: 'Alerts being taken in',
    registers: [registry],
    collect() {
      this.set(intake.inFlight)
    },
  })
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown'
    seconds.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000)
  })
}

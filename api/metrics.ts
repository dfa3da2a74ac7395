import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Delegations } from '../temporal/delegations.ts'
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

/** A look is believed so long, whoever asks how often. */
const lookKeptMs = 15_000
const longestWaitMs = 1_000

/**
 * How long the standing delegation lasts: 0 when it was lost or has expired, nothing when there is none, when it was taken
 * back, or when Temporal does not say.
 */
export function measureDelegation(
  registry: Registry,
  { show }: Pick<Delegations, 'show'>,
  now: () => number = Date.now,
): void {
  let seen: { atMs: number; endsMs: Promise<number | undefined> } | undefined
  const look = () =>
    show().then(
      ({ state, expiresAt }) => (state === 'revoked' ? undefined : state === 'active' ? Date.parse(expiresAt) : 0),
      () => undefined,
    )
  new Gauge({
    name: 'steward_delegation_seconds_left',
    help: 'Time until the standing delegation of remediation ends; 0 when it is lost',
    registers: [registry],
    async collect() {
      if (!seen || now() - seen.atMs >= lookKeptMs) seen = { atMs: now(), endsMs: look() }
      // who scrapes does not wait for Temporal
      const endsMs = await Promise.race([seen.endsMs, sleep(longestWaitMs, undefined, { ref: false })])
      if (endsMs === undefined) this.remove()
      else this.set(Math.max(0, (endsMs - now()) / 1000))
    },
  })
}

import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import type { Registry } from 'prom-client'
import { z } from 'zod'
import { messageOf } from '../../core/errors.ts'

/** One thing Steward needs. `check` throws, with a sentence, when it is not there. */
export interface Dependency {
  readonly name: string
  check(): Promise<unknown>
}

const Readiness = z.object({
  ready: z.boolean(),
  dependencies: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string().optional() })),
})

/** A probe must answer even when a dependency hangs. */
const checkTimeoutMs = 4000

export const healthRoutes: FastifyPluginAsyncZod<{ dependencies: readonly Dependency[]; metrics: Registry }> = async (
  app,
  { dependencies, metrics },
) => {
  const config = { access: 'open' } as const
  app.get(
    '/healthz',
    {
      config,
      schema: {
        tags: ['health'],
        summary: 'Is the process alive?',
        response: { 200: z.object({ alive: z.literal(true) }) },
      },
    },
    async () => ({ alive: true as const }),
  )

  app.get(
    '/readyz',
    {
      config,
      schema: {
        tags: ['health'],
        summary: 'Can it do its work? Names the dependency that is missing',
        response: { 200: Readiness, 503: Readiness },
      },
    },
    async (_request, reply) => {
      const results = await Promise.all(dependencies.map(probe))
      const ready = results.every(({ ok }) => ok)
      return reply.code(ready ? 200 : 503).send({ ready, dependencies: results })
    },
  )

  app.get(
    '/metrics',
    {
      config,
      schema: {
        tags: ['health'],
        summary: 'Metrics for Prometheus',
        produces: ['text/plain'],
        response: { 200: z.string() },
      },
    },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()),
  )
}

async function probe({ name, check }: Dependency) {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${checkTimeoutMs / 1000} s`)), checkTimeoutMs)
  })
  try {
    await Promise.race([check(), late])
    return { name, ok: true }
  } catch (error) {
    return { name, ok: false, detail: messageOf(error) }
  } finally {
    clearTimeout(timer)
  }
}

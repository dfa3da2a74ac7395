import type { FastifyInstance, FastifyRequest } from 'fastify'
import { failure } from '../core/errors.ts'

/** Only JSON, and what a route adds for itself; never compressed, since a small body could become a giant. */
export function guardBodies(app: FastifyInstance): void {
  // fastify would take plain text on every route
  app.removeContentTypeParser('text/plain')
  app.addHook('onRequest', async (request, reply) => {
    const encoding = request.headers['content-encoding']
    if (encoding === undefined || encoding.toLowerCase() === 'identity') return
    reply.header('accept-encoding', 'identity')
    throw failure('MEDIA_TYPE_UNSUPPORTED', `a body with content encoding ${encoding.slice(0, 40)} is not taken`)
  })
}

/** Bodies of OpenStack have some ten levels; readers that call themselves run out of stack at some thousands. */
const deepest = 100

/** For routes whose schema takes any JSON. @throws INPUT_INVALID */
export async function refuseDeepBody({ body }: FastifyRequest): Promise<void> {
  let level: unknown[] = [body]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepest) throw failure('INPUT_INVALID', `the body has more than ${deepest} levels`)
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []))
  }
}

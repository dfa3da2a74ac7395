import proto from '@temporalio/proto'
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify'
import { codeOf, failure, messageOf } from '../core/errors.ts'
import { createCodec, isEncrypted } from '../temporal/codec.ts'
import type { Keys } from '../temporal/keys.ts'

const { Payload } = proto.temporal.api.common.v1
const bodyLimitBytes = 16 << 20

/**
 * Decrypts payloads for Temporal's Web UI. A listener of its own, on loopback unless configured otherwise: whoever
 * reaches it reads every history. Only pages of the listed origins are answered.
 *
 * @see https://docs.temporal.io/production-deployment/data-encryption#codec-server-setup
 */
export function buildCodecServer(keys: Keys, origins: readonly string[]): FastifyInstance {
  const codec = createCodec(keys)
  const allowed = new Set(origins)
  const app = Fastify({ logger: false, bodyLimit: bodyLimitBytes, requestTimeout: 30_000 })
  app.addHook('onRequest', async (request, reply) => {
    const { origin } = request.headers
    if (!origin || !allowed.has(origin)) return reply.code(403).send({ error: 'this origin may not decode' })
    reply.headers({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'content-type,x-namespace,authorization',
      'access-control-allow-credentials': 'true',
      vary: 'origin',
    })
    if (request.method === 'OPTIONS') return reply.code(204).send()
  })
  app.setErrorHandler(async (error: FastifyError, _request, reply) =>
    reply.code(error.statusCode ?? 400).send({ error: codeOf(error) ? messageOf(error) : 'this cannot be decoded' }),
  )
  app.options('/decode', async (_request, reply) => reply.code(204).send())
  app.post<{ Body: { payloads?: object[] } | null }>('/decode', async (request) => {
    const given = request.body?.payloads
    if (!Array.isArray(given)) throw failure('INPUT_INVALID', 'the body has no list of payloads')
    const payloads = await Promise.all(
      given.map(async (one) => {
        const payload = Payload.fromObject(one)
        const [open = payload] = isEncrypted(payload) ? await codec.decode([payload]) : []
        return Payload.toObject(Payload.create(open), { bytes: String })
      }),
    )
    return { payloads }
  })
  return app
}

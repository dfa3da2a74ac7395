import Fastify, { type FastifyInstance, type FastifyPluginAsync } from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import { onTestFinished } from 'vitest'
import { guardRoutes } from '../../api/access.ts'
import { sendProblem } from '../../api/problem.ts'
import { takeGlobalRequestId } from '../../api/request-id.ts'
import { accessPolicy } from '../../core/access.ts'
import { failure } from '../../core/errors.ts'
import { people } from './app.ts'

/** Some routes alone, guarded as all are, with the people of the other tests. */
export async function alone<T extends object>(routes: FastifyPluginAsync<T>, options: T): Promise<FastifyInstance> {
  const app = Fastify({ logger: false, genReqId: () => 'req-test' })
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.setErrorHandler(sendProblem)
  app.addHook('onSend', async (request, reply) => {
    reply.header('x-openstack-request-id', request.id)
  })
  takeGlobalRequestId(app)
  guardRoutes(app, {
    async checkToken(token) {
      if (Object.hasOwn(people, token)) return people[token as keyof typeof people]
      throw failure('TOKEN_INVALID', 'Keystone does not accept the token (404)')
    },
    sources: [],
    policy: accessPolicy('admin'),
  })
  await app.register(routes as never, { ...options, prefix: '/v1' } as never)
  onTestFinished(() => app.close())
  return app
}

/** Who reads of the whole cloud. */
export const seesCloud = ({ roles }: { readonly roles: readonly string[] }): boolean => roles.includes('admin')

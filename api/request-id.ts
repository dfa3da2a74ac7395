import type { FastifyInstance } from 'fastify'

declare module 'fastify' {
  interface FastifyRequest {
    /** Joins this request to what its sender did before: goes to Keystone and into the log. */
    globalRequestId: string
  }
}

const form = /^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * Takes the id of `X-Openstack-Request-Id` over as the global one, as OpenStack's services do; ours when there is none
 * of the right form. The answer carries our own id in any case.
 *
 * @see https://specs.openstack.org/openstack/oslo-specs/specs/pike/global-req-id.html
 */
export function takeGlobalRequestId(app: FastifyInstance): void {
  app.decorateRequest('globalRequestId', '')
  app.addHook('onRequest', async (request) => {
    const given = request.headers['x-openstack-request-id']
    request.globalRequestId = typeof given === 'string' && form.test(given) ? given : request.id
    request.log = request.log.child({ globalRequestId: request.globalRequestId })
  })
}

import type { Answer, Request } from './listener.ts'
import { authenticated, isCaller } from './rights.ts'
import type { World } from './world.ts'

/** Neutron, as far as servers have ports: one each, bound where the server is. */
export const createNeutron =
  (world: World) =>
  (request: Request): Answer => {
    const caller = authenticated(world, request)
    if (!isCaller(caller)) return caller
    if (request.path !== '/v2.0/ports') return { status: 404, body: { NeutronError: { message: 'not found' } } }
    const of = request.query.get('device_id')
    const ports = world.servers
      .filter(({ id }) => of === null || id === of)
      .map(({ id, host, portHost }) => ({
        id: `${id.slice(0, -4)}aaaa`,
        device_id: id,
        status: 'ACTIVE',
        'binding:host_id': portHost ?? host,
      }))
    return { status: 200, body: { ports } }
  }

import { z } from 'zod'
import type { ServiceStatus } from '../core/activities.ts'
import type { Session } from '../openstack/session.ts'
import { runRequestId } from './sessions.ts'

const NovaService = z.object({
  id: z.string(),
  binary: z.string(),
  host: z.string(),
  zone: z.string(),
  status: z.enum(['enabled', 'disabled']),
  state: z.enum(['up', 'down']),
  forced_down: z.boolean(),
  updated_at: z.string().nullable(),
})

export interface ListedService extends ServiceStatus {
  readonly id: string
  readonly zone: string
}

/** From this one on services have UUIDs. */
const microversion = '2.53'

/** Reads Nova's service list, of one host or of all. */
export async function listServices(
  session: Session,
  query: { host?: string; binary?: string } = {},
): Promise<ListedService[]> {
  const nova = session.service('compute', { microversion })
  const services: ListedService[] = []
  for await (const s of nova.pages('/os-services', 'services', NovaService, { query, requestId: runRequestId() })) {
    const { id, binary, host, zone, status, state } = s
    services.push({ id, binary, host, zone, status, state, forcedDown: s.forced_down, updatedAt: s.updated_at })
  }
  return services
}

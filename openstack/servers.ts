import { z } from 'zod'
import type { CallOptions } from './keystone.ts'
import type { ServiceClient } from './service.ts'
import type { Session } from './session.ts'

/** Tags are shown with the servers from 2.26 on. */
const microversion = '2.26'

const Server = z.object({
  id: z.string(),
  name: z.string(),
  status: z.string(),
  tags: z.array(z.string()).default([]),
  metadata: z.record(z.string(), z.string()).default({}),
})
export type OwnServer = z.infer<typeof Server>

/** Reads the servers of the project a session is for, page by page. @throws what `ServiceClient.pages` throws */
export function ownServers(session: Session, requestId: string): AsyncGenerator<OwnServer, void, undefined> {
  return session.service('compute', { microversion }).pages('/servers/detail', 'servers', Server, { requestId })
}

/** Two of Nova's largest pages. */
const mostShown = 2_000

/**
 * The servers of the project a client is for, each as a look at it alone would show it. Of a large project the first ones.
 *
 * @throws what `ServiceClient.pages` throws
 */
export async function shownServers(compute: ServiceClient, options: CallOptions): Promise<Map<string, object>> {
  const shown = new Map<string, object>()
  for await (const server of compute.pages('/servers/detail', 'servers', Shown, options)) {
    shown.set(server.id, server)
    if (shown.size >= mostShown) break
  }
  return shown
}

const Shown = z.looseObject({ id: z.string() })

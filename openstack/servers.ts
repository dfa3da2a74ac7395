import { z } from 'zod'
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

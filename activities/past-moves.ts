import { z } from 'zod'
import type { Session } from '../openstack/session.ts'
import type { PastMove } from '../policies/planner/rest.ts'

/** 2.59 knows when migrations changed, and gives lists in pages; from 2.80 on they say who asked for them. */
const nova = { min: '2.59', max: '2.80' }

const Migration = z.object({
  instance_uuid: z.string(),
  status: z.string(),
  source_compute: z.string().nullish(),
  dest_compute: z.string().nullish(),
  created_at: z.string(),
  updated_at: z.string().nullish(),
})

/** Of live migrations, of evacuations, and of cold ones and resizes before and after somebody has confirmed them. */
const arrived = new Set(['completed', 'done', 'finished', 'confirmed'])

/**
 * Every move of a server from host to host that has ended well since then, as Nova keeps them: whoever asked for it, by a
 * plan, a runbook or by hand. Takes the rights of an administrator who may read.
 *
 * @throws what the client throws
 */
export async function readPastMoves(
  session: Session,
  { sinceMs, requestId }: { readonly sinceMs: number; readonly requestId: string },
): Promise<PastMove[]> {
  const compute = await session.service('compute').negotiate(nova, { requestId })
  const query = { 'changes-since': new Date(sinceMs).toISOString() }
  const found: PastMove[] = []
  for await (const migration of compute.pages('/os-migrations', 'migrations', Migration, { query, requestId })) {
    const { instance_uuid: serverId, status, source_compute: from, dest_compute: to } = migration
    if (!arrived.has(status) || !from || !to || from === to) continue
    // Nova's times are without a zone
    found.push({ serverId, from, to, atMs: Date.parse(`${migration.updated_at ?? migration.created_at}Z`) })
  }
  return found
}

import { z } from 'zod'
import type { Activities } from '../core/activities.ts'
import { failure } from '../core/errors.ts'
import { runRequestId, type Sessions } from './sessions.ts'

/** 2.59 gives migrations a UUID. */
const nova = { min: '2.59', max: '2.96' }

const Evacuation = z.object({
  status: z.string(),
  migration_type: z.string(),
  instance_uuid: z.string(),
  source_compute: z.string().nullable(),
})

/** What nova-compute does not touch when it starts; Nova knows more states than it promises. */
const over = new Set(['completed', 'failed', 'error', 'cancelled'])
const named = 5

/** Looks for what a start of nova-compute would destroy. Changes nothing. */
export const createEvacuationActivities = (sessions: Sessions): Pick<Activities, 'checkEvacuations'> => ({
  /**
   * A starting nova-compute destroys the local copy of every server that is being evacuated or was evacuated from its host
   * (`_destroy_evacuated_instances`), also where the evacuation may still fail and that copy is the only one.
   *
   * @throws EVACUATION_UNFINISHED, DELEGATION_MISSING, DELEGATION_LOST, CLOUD_UNREACHABLE (retried)
   */
  async checkEvacuations({ host }) {
    const session = await sessions.forRemediation()
    const requestId = runRequestId()
    const client = await session.service('compute').negotiate(nova, { requestId })
    const query = { migration_type: 'evacuation', source_compute: host }
    const open: string[] = []
    for await (const one of client.pages('/os-migrations', 'migrations', Evacuation, { query, requestId })) {
      const isOurs = one.migration_type === 'evacuation' && one.source_compute === host
      if (isOurs && !over.has(one.status)) open.push(`${one.instance_uuid} (${one.status})`)
    }
    if (open.length === 0) return
    const more = open.length > named ? ` and ${open.length - named} more` : ''
    throw failure(
      'EVACUATION_UNFINISHED',
      `a start of nova-compute on ${host} destroys the local copies of servers evacuated from it: ${open.slice(0, named).join(', ')}${more}`,
      { host, evacuations: open.length },
    )
  },
})

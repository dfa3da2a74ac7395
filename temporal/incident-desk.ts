import {
  type Client,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client'
import type { Entity } from '../core/alert.ts'
import { codeOf, failure, messageOf } from '../core/errors.ts'
import { Incident, type IncidentCommand, type IncidentView } from '../core/incident.ts'
import type { incident } from '../workflows/incident/incident.ts'
import { conditions, findIncident, findIncidents, quoted } from './incident-list.ts'
import { incidentId } from './incidents.ts'
import { engineTimeoutMs, throughEngine } from './reach.ts'

/** What people do with incidents. */
export interface IncidentDesk {
  /**
   * Has a command carried out and returns the incident as it is then; a run that is asked to come to an end may go on
   * for a while. The same command again changes nothing.
   *
   * @throws INCIDENT_NOT_FOUND, INCIDENT_CLOSED, APPROVAL_STALE, APPROVAL_OWN, ENGINE_UNREACHABLE
   */
  command(id: string, command: IncidentCommand): Promise<Incident>
}

export function createIncidentDesk(client: Client): IncidentDesk {
  async function command(id: string, given: IncidentCommand): Promise<Incident> {
    const { workflowId, endedAt } = await findIncident(client, id)
    if (endedAt) throw closed(id)
    // the next incident of the same alert has the same workflow id: the command is not for that one
    const handle = client.workflow.getHandle<typeof incident>(workflowId, undefined, { firstExecutionRunId: id })
    try {
      const view = await handle.executeUpdate<IncidentView, [IncidentCommand]>(given.does, { args: [given] })
      return Incident.parse({ ...view, id, workflowId })
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw closed(id)
      if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError)
        throw failure('ENGINE_UNREACHABLE', 'no worker has taken the command in time; it may still be carried out')
      if (!(error instanceof WorkflowUpdateFailedError)) throw error
      // an incident that ended before it could answer has no code
      throw codeOf(error) ? failure(codeOf(error) ?? 'INTERNAL', messageOf(error)) : closed(id)
    }
  }

  return { command: (id, given) => throughEngine(client, () => command(id, given), 2 * engineTimeoutMs) }
}

const closed = (id: string) => failure('INCIDENT_CLOSED', `the incident ${id} has ended`)

/** As many as any limit of flapping needs. */
const mostFirings = 100

/**
 * Counts the incidents that an alert has opened within the last `withinSeconds`, the present one included, which may not
 * be listed yet. One that began its history anew is counted once, at the time it was opened.
 *
 * @throws ENGINE_UNREACHABLE
 */
export async function recentFirings(
  client: Client,
  { policy, entity, withinSeconds }: { policy: string; entity: Entity; withinSeconds: number },
): Promise<{ firings: number }> {
  const openedAfter = new Date(Date.now() - withinSeconds * 1000).toISOString()
  const ofIt = [
    `WorkflowId = ${quoted(incidentId(policy, entity))}`,
    ...conditions({ policy, host: entity.host, openedAfter }),
  ]
  const found = await throughEngine(client, () => findIncidents(client, ofIt, mostFirings, { openedAfter }))
  return { firings: Math.max(1, new Set(found.map(({ id }) => id)).size) }
}

import type { Client, WorkflowExecutionInfo } from '@temporalio/client'
import { failure } from '../core/errors.ts'
import { Incident } from '../core/incident.ts'
import { throughEngine } from './reach.ts'

export interface IncidentList {
  /** Newest first. */
  list(limit: number): Promise<Incident[]>
  /** @throws INCIDENT_NOT_FOUND */
  show(id: string): Promise<Incident>
}

export function createIncidentList(client: Client): IncidentList {
  async function find(query: string, limit: number): Promise<Incident[]> {
    const found: Incident[] = []
    for await (const execution of client.workflow.list({ query, pageSize: limit })) {
      const incident = read(execution)
      if (incident) found.push(incident)
      if (found.length >= limit) break
    }
    return found
  }
  return {
    list: (limit) => throughEngine(client, () => find("StewardKind = 'incident'", limit)),
    show: (id) =>
      throughEngine(client, async () => {
        const [incident] = await find(`StewardKind = 'incident' AND RunId = '${id}'`, 1)
        if (incident) return incident
        throw failure('INCIDENT_NOT_FOUND', `there is no incident ${id}`)
      }),
  }
}

/** Undefined in the moment between an incident's start and its first step, when it has no view yet. */
function read({ memo, runId, workflowId }: WorkflowExecutionInfo): Incident | undefined {
  if (!memo?.view) return undefined
  return Incident.parse({ ...(memo.view as object), id: runId, workflowId })
}

import type { Client, WorkflowExecutionInfo } from '@temporalio/client'
import { Incident } from '../core/incident.ts'
import { attributes } from '../core/search-attributes.ts'
import { throughEngine } from './reach.ts'

export interface FoundIncidents {
  readonly incidents: Incident[]
  /** There were more. */
  readonly truncated: boolean
}

/** Most incidents one question reads. */
export const mostIncidents = 10_000
const pageSize = 1000
const timeoutMs = 60_000

/** Incidents opened within a period, newest first. */
export interface IncidentHistory {
  /** @throws ENGINE_UNREACHABLE */
  opened(sinceMs: number, untilMs: number): Promise<FoundIncidents>
}

export const createIncidentHistory = (client: Client): IncidentHistory => ({
  opened: (sinceMs, untilMs) =>
    findIncidents(client, `StartTime >= '${iso(sinceMs)}' AND StartTime <= '${iso(untilMs)}'`, mostIncidents),
})

/** Incidents that a visibility query finds; of one whose history began anew only the newest part. */
export function findIncidents(client: Client, condition: string, most: number): Promise<FoundIncidents> {
  const query = `StewardKind = 'incident' AND ExecutionStatus != 'ContinuedAsNew' AND (${condition})`
  return throughEngine(
    client,
    async () => {
      const incidents: Incident[] = []
      for await (const execution of client.workflow.list({ query, pageSize: Math.min(pageSize, most + 1) })) {
        const incident = read(execution)
        if (!incident) continue
        if (incidents.length === most) return { incidents, truncated: true }
        incidents.push(incident)
      }
      return { incidents, truncated: false }
    },
    timeoutMs,
  )
}

/** Undefined before its first step, when it has no view yet, and for a view that an older Steward wrote. */
function read({ memo, runId, workflowId, typedSearchAttributes }: WorkflowExecutionInfo): Incident | undefined {
  if (!memo?.view) return undefined
  const id = typedSearchAttributes.get(attributes.incidentRunId) ?? runId
  return Incident.safeParse({ ...(memo.view as object), id, workflowId }).data
}

const iso = (ms: number) => new Date(ms).toISOString()

import type { Client, WorkflowExecutionInfo } from '@temporalio/client'
import { failure } from '../core/errors.ts'
import { Incident, type IncidentState } from '../core/incident.ts'
import { attributes } from '../core/search-attributes.ts'
import { throughEngine } from './reach.ts'

export interface IncidentFilter {
  readonly state?: IncidentState
  readonly host?: string
  readonly policy?: string
  /** RFC 3339. */
  readonly openedAfter?: string
}

export interface IncidentList {
  /** Newest first; of more than `limit` those that are open come before those that have ended. */
  list(limit: number, filter?: IncidentFilter): Promise<Incident[]>
  /** @throws INCIDENT_NOT_FOUND */
  show(id: string): Promise<Incident>
}

export function createIncidentList(client: Client): IncidentList {
  return {
    list: (limit, filter = {}) =>
      throughEngine(client, async () => {
        const query = ["ExecutionStatus != 'ContinuedAsNew'", ...conditions(filter)]
        return (await findIncidents(client, query, limit, filter)).sort(newestFirst)
      }),
    show: (id) => throughEngine(client, () => findIncident(client, id)),
  }
}

/** The incident as it is now. @throws INCIDENT_NOT_FOUND */
export async function findIncident(client: Client, id: string): Promise<Incident> {
  const [listed] = await findIncidents(client, [`StewardIncidentRunId = ${quoted(id)}`], 1)
  if (!listed) throw failure('INCIDENT_NOT_FOUND', `there is no incident ${id}`)
  // lists are a moment behind: the newest run has the last word, unless the next incident of the same alert is newer
  const newest = read(await client.workflow.getHandle(listed.workflowId).describe())
  return newest?.id === id ? newest : listed
}

/** Incidents of which all conditions are true, those that are open first. */
export async function findIncidents(
  client: Client,
  also: readonly string[],
  limit: number,
  { openedAfter }: IncidentFilter = {},
): Promise<Incident[]> {
  const query = ["StewardKind = 'incident'", ...also].join(' AND ')
  const found: Incident[] = []
  for await (const execution of client.workflow.list({ query, pageSize: limit })) {
    const incident = read(execution)
    // a run that continues one that is older begins later than the incident was opened
    if (incident && !(openedAfter && Date.parse(incident.openedAt) < Date.parse(openedAfter))) found.push(incident)
    if (found.length >= limit) break
  }
  return found
}

const newestFirst = (a: Incident, b: Incident) => (a.openedAt < b.openedAt ? 1 : -1)

export function conditions({ state, host, policy, openedAfter }: IncidentFilter): string[] {
  const found: string[] = []
  if (state !== undefined) found.push(`StewardState = ${quoted(state)}`)
  if (host !== undefined) found.push(`StewardTarget = ${quoted(host)}`)
  if (policy !== undefined) found.push(`StewardPolicy = ${quoted(policy)}`)
  if (openedAfter !== undefined) found.push(`StartTime >= ${quoted(new Date(openedAfter).toISOString())}`)
  return found
}

type Described = Pick<WorkflowExecutionInfo, 'memo' | 'runId' | 'workflowId' | 'typedSearchAttributes'>

/** Undefined in the moment between an incident's start and its first step, when it has no view yet. */
function read({ memo, runId, workflowId, typedSearchAttributes }: Described): Incident | undefined {
  if (!memo?.view) return undefined
  const id = typedSearchAttributes.get(attributes.incidentRunId) ?? runId
  return Incident.parse({ ...(memo.view as object), id, workflowId })
}

export const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`

import type { Client, WorkflowExecutionInfo } from '@temporalio/client'
import type { AuditCursor, AuditEvent, AuditedExecution, Recorded } from '../core/audit.ts'
import { attributes, type WorkflowKind } from '../core/search-attributes.ts'
import { auditEventsOf, type Keyed } from '../policies/audit.ts'
import { recordsOf } from './history.ts'
import { isGone, throughEngine } from './reach.ts'

export interface AuditQuestion {
  readonly sinceMs: number
  readonly untilMs: number
  /** Goes on where an earlier answer ended. */
  readonly after?: string
  /** Only what was done in the name of this project. */
  readonly projectId?: string
  /** Only what was done to this host, or to servers that left it or came to it. */
  readonly host?: string
  /** Most events in one answer. */
  readonly limit: number
}

/** What was done, by whom, and how it ended: from the histories, which keep intent and outcome of every act. */
export interface Audit {
  /**
   * Events of a period, oldest first; a cursor comes last when there are more. Bounded in events and in histories read.
   * @throws ENGINE_UNREACHABLE
   */
  events(question: AuditQuestion): AsyncGenerator<AuditEvent | AuditCursor, void>
}

/** Histories read for one answer; a longer period is answered in parts. */
const mostExecutions = 2_000
const pageSize = 1_000
/** Histories read at the same time. */
const atOnce = 8
const timeoutMs = 60_000
const kinds = [
  'run',
  'run-move',
  'incident',
  'action',
  'recurring-action',
  'delegation',
  'plan',
  'recurring-plan',
  'sweep',
  'governor',
  'stop',
] as const satisfies WorkflowKind[]

interface Execution extends AuditedExecution {
  readonly startedAt: string
}

export function createAudit(client: Client): Audit {
  /** Goes through a period that holds too much in parts: its end comes nearer until there is no more than can be read. */
  async function narrowed(sinceMs: number, untilMs: number, projectId: string | undefined): Promise<number> {
    const { count } = await throughEngine(client, () => client.workflow.count(queryOf(sinceMs, untilMs, projectId)))
    const lastMs = Math.floor((sinceMs + untilMs) / 2)
    // what runs all the time is in every part, so a second is the shortest one
    if (count <= mostExecutions || lastMs - sinceMs < 1_000) return untilMs
    return narrowed(sinceMs, lastMs, projectId)
  }

  async function list(sinceMs: number, untilMs: number, projectId: string | undefined): Promise<Execution[]> {
    const query = queryOf(sinceMs, untilMs, projectId)
    return throughEngine(
      client,
      async () => {
        const found: Execution[] = []
        for await (const info of client.workflow.list({ query, pageSize })) found.push(executionOf(info))
        return found.sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1))
      },
      timeoutMs,
    )
  }

  async function read(execution: Execution, projectId: string | undefined): Promise<Keyed[]> {
    const { workflowId, runId } = execution
    try {
      const handle = client.workflow.getHandle(workflowId, runId)
      const { events } = await throughEngine(client, () => handle.fetchHistory(), timeoutMs)
      const records = await recordsOf(client, events ?? [])
      // the index is only an index: the encrypted input has the last word on whose it is
      return projectId === undefined || projectId === projectOf(records) ? auditEventsOf(execution, records) : []
    } catch (error) {
      // its time was over between the list and the look
      if (isGone(error)) return []
      throw error
    }
  }

  /** Nothing in a history is older than its beginning, so what came before the next beginning can be told. */
  async function* merged(executions: readonly Execution[], projectId: string | undefined): AsyncGenerator<Keyed, void> {
    let waiting: Keyed[] = []
    for (let i = 0; i < executions.length; i += atOnce) {
      const batch = executions.slice(i, i + atOnce)
      const fresh = await Promise.all(batch.map((execution) => read(execution, projectId)))
      waiting = [...waiting, ...fresh.flat()].sort((a, b) => (a.key < b.key ? -1 : 1))
      const next = executions[i + atOnce]?.startedAt
      const ready = next === undefined ? waiting.length : waiting.findIndex(({ key }) => key >= next)
      yield* waiting.splice(0, ready === -1 ? waiting.length : ready)
    }
  }

  async function* events(question: AuditQuestion): AsyncGenerator<AuditEvent | AuditCursor, void> {
    const { projectId, host, limit, after = '' } = question
    const sinceMs = Math.max(question.sinceMs, after === '' ? 0 : Date.parse(after.slice(0, after.indexOf(' '))))
    const untilMs = await narrowed(sinceMs, question.untilMs, projectId)
    const [since, until] = [iso(sinceMs), iso(untilMs)]
    const executions = await list(sinceMs, untilMs, projectId)
    let told = 0
    let last = after
    for await (const { key, event } of merged(executions, projectId)) {
      if (event.eventTime < since || key <= after || (host !== undefined && !isAbout(event, host))) continue
      if (event.eventTime > until) break
      if (told === limit) return yield { next: last }
      told++
      last = key
      yield event
    }
    if (untilMs < question.untilMs) yield { next: `${until} ${afterAll}` }
  }

  return { events }
}

/** Later than the key of any event of the same moment. */
const afterAll = '~'

/** What ran within the period. Actions that have only waited through it have nothing to tell, and may be many. */
function queryOf(sinceMs: number, untilMs: number, projectId: string | undefined): string {
  const since = iso(sinceMs)
  const period = `StartTime <= '${iso(untilMs)}' AND (ExecutionStatus = 'Running' OR CloseTime >= '${since}')`
  const told = `(StewardKind != 'action' OR StewardState != 'scheduled' OR StartTime >= '${since}')`
  if (projectId !== undefined)
    return `StewardKind = 'action' AND StewardProjectId = '${projectId.replaceAll("'", "''")}' AND ${period} AND ${told}`
  return `StewardKind IN (${kinds.map((kind) => `'${kind}'`).join(', ')}) AND ${period} AND ${told}`
}

function executionOf({ workflowId, runId, startTime, typedSearchAttributes: found }: WorkflowExecutionInfo): Execution {
  const kind = found.get(attributes.kind) ?? ''
  const incidentId = found.get(attributes.incidentRunId) ?? (kind === 'incident' ? runId : undefined)
  const policy = found.get(attributes.policy)
  const runbook = found.get(attributes.runbook)
  const host = found.get(attributes.target)
  return {
    workflowId,
    runId,
    kind,
    startedAt: startTime.toISOString(),
    ...(incidentId !== undefined && { incidentId }),
    ...(policy !== undefined && { policy }),
    ...(runbook !== undefined && { runbook }),
    ...(host !== undefined && { host }),
  }
}

/** Whose an action is; nothing else is anybody's. */
function projectOf(records: readonly Recorded[]): string | undefined {
  const [first] = records.find(({ what }) => what === 'start')?.input ?? []
  return (first as { view?: { projectId?: string } } | undefined)?.view?.projectId
}

function isAbout({ attachments, target }: AuditEvent, name: string): boolean {
  return attachments.some(
    ({ content: { host, from, to, targets } }) =>
      [host, from, to].includes(name) || targets?.includes(`host/${name}`) || target.id === `host/${name}`,
  )
}

const iso = (ms: number) => new Date(ms).toISOString()

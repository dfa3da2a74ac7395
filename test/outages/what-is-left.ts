import type { Client } from '@temporalio/client'

/** What is still open and what it waits for: a test that waited in vain for an end says it. */
export async function whatIsLeft(client: Client): Promise<string> {
  const told: string[] = []
  for await (const { workflowId, runId } of client.workflow.list({ query: "ExecutionStatus = 'Running'" })) {
    const handle = client.workflow.getHandle(workflowId, runId)
    const { raw } = await handle.describe()
    const pending = (raw.pendingActivities ?? []).map(
      ({ activityType, attempt, state, lastFailure }) =>
        `${activityType?.name} attempt ${attempt} state ${state} ${lastFailure?.message ?? ''}`,
    )
    const task = raw.pendingWorkflowTask && `workflow task attempt ${raw.pendingWorkflowTask.attempt}`
    const { events } = await handle.fetchHistory()
    const last = (events ?? []).slice(-6).map(({ eventType, eventTime, ...event }) => {
      const name = event.workflowExecutionSignaledEventAttributes?.signalName
      const when = new Date(Number(eventTime?.seconds ?? 0) * 1000).toISOString().slice(11, 19)
      return `${when} ${eventType}${name ? ` ${name}` : ''}`
    })
    told.push([workflowId, ...pending, task, last.join(', ')].filter(Boolean).join(' | '))
  }
  return `${new Date().toISOString()}\n${told.join('\n')}`
}

import { type Client, WorkflowNotFoundError } from '@temporalio/client'
import { z } from 'zod'
import { failure } from '../core/errors.ts'
import { RunbookCard, runbookListId } from '../core/runbook.ts'
import { attributes } from '../core/search-attributes.ts'
import { taskQueues } from '../core/task-queues.ts'
import { runbookList } from '../workflows/runbook-list.ts'
import { throughEngine } from './reach.ts'

/** Which runbooks the workers have. */
export interface RunbookList {
  /** Has the list made anew, by the workers as they are now. */
  renew(): Promise<void>
  /** By name. @throws ENGINE_UNREACHABLE, RUNBOOKS_UNTOLD no worker has told yet */
  list(): Promise<RunbookCard[]>
  /** @throws RUNBOOK_UNKNOWN */
  show(name: string): Promise<RunbookCard>
}

export function createRunbookList(client: Client): RunbookList {
  const list = () =>
    throughEngine(client, async () => {
      try {
        const { memo } = await client.workflow.getHandle(runbookListId).describe()
        const cards = z.array(RunbookCard).safeParse(memo?.runbooks)
        if (cards.success) return cards.data
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error
      }
      throw failure('RUNBOOKS_UNTOLD', 'no worker has said yet which runbooks it has')
    })
  return {
    list,
    async show(name) {
      const card = (await list()).find((one) => one.name === name)
      if (card) return card
      throw failure('RUNBOOK_UNKNOWN', `there is no runbook ${name}`, { runbook: name })
    },
    async renew() {
      await throughEngine(client, () =>
        client.workflow.start(runbookList, {
          workflowId: runbookListId,
          taskQueue: taskQueues.remediation,
          workflowIdConflictPolicy: 'TERMINATE_EXISTING',
          staticSummary: 'The runbooks of the workers',
          typedSearchAttributes: [{ key: attributes.kind, value: 'runbooks' }],
        }),
      )
    },
  }
}

import { WorkflowNotFoundError } from '@temporalio/client'
import { expect, it } from 'vitest'
import { codeOf } from '../../core/errors.ts'
import { createRunbookList } from '../../temporal/runbook-list.ts'

const listOf = (describe: () => Promise<unknown>) =>
  createRunbookList({
    connection: { withDeadline: (_until: number, ask: () => Promise<unknown>) => ask() },
    workflow: { getHandle: () => ({ describe }) },
  } as never)

it('says RUNBOOKS_UNTOLD as long as no worker has told which runbooks it has', async () => {
  const never = listOf(async () => {
    throw new WorkflowNotFoundError('no', 'runbooks', undefined)
  })
  const begun = listOf(async () => ({ memo: {} }))
  for (const list of [never, begun])
    expect(codeOf(await list.list().catch((error: unknown) => error))).toBe('RUNBOOKS_UNTOLD')
})

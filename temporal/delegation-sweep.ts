import { type Client, WorkflowNotFoundError } from '@temporalio/client'
import { delegationSweepId, type OrphanTrust } from '../core/delegation.ts'
import { codeOf, failure, messageOf } from '../core/errors.ts'
import type { Person } from '../core/person.ts'
import { attributes } from '../core/search-attributes.ts'
import { taskQueues } from '../core/task-queues.ts'
import { delegationSweep, revokeTrust, sweepNow } from '../workflows/delegation-sweep.ts'
import { engineTimeoutMs, throughEngine } from './reach.ts'

/** The workflow that deletes trusts which nothing needs. */
export interface DelegationSweep {
  /** Has it look now, and again every hour; one in the whole installation. @throws ENGINE_UNREACHABLE */
  look(): Promise<void>
  /**
   * Has it delete one trust, for a person. Repeatable.
   * @throws DELEGATION_LOST it is there but cannot be used for now; KEYSTONE_UNREACHABLE, ENGINE_UNREACHABLE
   */
  revoke(trust: OrphanTrust, by: Person): Promise<void>
}

export function createDelegationSweep(client: Client): DelegationSweep {
  const look = () =>
    client.workflow.signalWithStart(delegationSweep, {
      workflowId: delegationSweepId,
      taskQueue: taskQueues.remediation,
      signal: sweepNow,
      args: [],
      staticSummary: 'Deletes trusts that nothing needs any more',
      typedSearchAttributes: [{ key: attributes.kind, value: 'sweep' }],
    })

  async function revoke(trust: OrphanTrust, by: Person): Promise<void> {
    const handle = client.workflow.getHandle<typeof delegationSweep>(delegationSweepId)
    try {
      await handle.executeUpdate(revokeTrust, { args: [{ ...trust, by }] })
    } catch (error) {
      if (error instanceof WorkflowNotFoundError)
        throw failure('ENGINE_UNREACHABLE', 'no worker has begun to look after trusts yet')
      const code = codeOf(error)
      throw code === undefined ? error : failure(code, messageOf(error))
    }
  }

  return {
    look: () => throughEngine(client, async () => void (await look())),
    revoke: (trust, by) => throughEngine(client, () => revoke(trust, by), 3 * engineTimeoutMs),
  }
}

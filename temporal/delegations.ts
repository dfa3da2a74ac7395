import {
  type Client,
  WithStartWorkflowOperation,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client'
import { DelegationView, remediationDelegationId } from '../core/delegation.ts'
import { failure } from '../core/errors.ts'
import type { Person } from '../core/person.ts'
import { attributes } from '../core/search-attributes.ts'
import { taskQueues } from '../core/task-queues.ts'
import { lossWarning } from '../policies/delegation.ts'
import { replaceDelegation, revokeDelegation, standingDelegation } from '../workflows/standing-delegation.ts'
import { delegationIdOf } from './delegation-id.ts'
import { engineTimeoutMs, throughEngine } from './reach.ts'

/** The standing delegation that remediation acts with: one at a time. */
export interface Delegations {
  /** Takes a new trust into use; the one before it is deleted. */
  put(view: DelegationView): Promise<DelegationView>
  /** @throws DELEGATION_MISSING when there never was one */
  show(): Promise<DelegationView>
  /** @throws DELEGATION_MISSING unless there is one to act with now */
  active(): Promise<DelegationView>
  /** @throws DELEGATION_MISSING */
  revoke(by: Person): Promise<DelegationView>
}

export function createDelegations(client: Client): Delegations {
  const handle = () => client.workflow.getHandle<typeof standingDelegation>(remediationDelegationId)

  async function show(): Promise<DelegationView> {
    try {
      const { memo, status } = await handle().describe()
      const view = DelegationView.parse(memo?.view)
      // terminated by a person: it could not say so itself
      if (view.state === 'active' && status.name !== 'RUNNING')
        return { ...view, state: 'lost', warning: lossWarning, reason: `its workflow is ${status.name} in Temporal` }
      return view
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw missing('nobody has delegated rights to Steward yet')
      throw error
    }
  }

  async function active(): Promise<DelegationView> {
    const view = await show()
    if (view.state !== 'active') throw missing(`the delegation of ${view.trustorName} is ${view.state}`)
    return view
  }

  async function put(given: DelegationView): Promise<DelegationView> {
    const id = delegationIdOf(given.trustId)
    const view = { ...given, id }
    const start = new WithStartWorkflowOperation(standingDelegation, {
      workflowId: remediationDelegationId,
      workflowIdConflictPolicy: 'USE_EXISTING',
      taskQueue: taskQueues.remediation,
      args: [view],
      memo: { view },
      staticSummary: 'Rights that remediation acts with',
      typedSearchAttributes: [
        { key: attributes.kind, value: 'delegation' },
        { key: attributes.state, value: view.state },
        { key: attributes.delegation, value: id },
      ],
    })
    return client.workflow.executeUpdateWithStart(replaceDelegation, { startWorkflowOperation: start, args: [view] })
  }

  async function revoke(by: Person): Promise<DelegationView> {
    await active()
    try {
      return await handle().executeUpdate(revokeDelegation, { args: [{ by }] })
    } catch (error) {
      if (error instanceof WorkflowNotFoundError || error instanceof WorkflowUpdateFailedError)
        throw missing('the delegation has just ended')
      throw error
    }
  }

  return {
    put: (view) => throughEngine(client, () => put(view)),
    show: () => throughEngine(client, show),
    active: () => throughEngine(client, active),
    revoke: (by) => throughEngine(client, () => revoke(by), 3 * engineTimeoutMs),
  }
}

const missing = (message: string) => failure('DELEGATION_MISSING', message)

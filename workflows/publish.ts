import { setCurrentDetails, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow'
import { attributes } from '../core/search-attributes.ts'

/**
 * Lets lists find this workflow by the trust it has now. The id of the delegation comes from outside, with the trust: a
 * workflow cannot make one; null when it acts with something else than a trust now.
 */
export function holdTrust(delegationId: string | null | undefined): void {
  if (delegationId !== undefined) upsertSearchAttributes([{ key: attributes.delegation, value: delegationId }])
}

/**
 * Makes the state of this workflow readable from outside: the view as (encrypted) memo for the API, so that reading
 * needs no worker; the state as search attribute for lists; one sentence for the Temporal UI.
 */
export function publish(view: { state: string }, sentence: string): void {
  upsertMemo({ view })
  upsertSearchAttributes([{ key: attributes.state, value: view.state }])
  setCurrentDetails(sentence)
}

import {
  allHandlersFinished,
  CancellationScope,
  condition,
  defineUpdate,
  isCancellation,
  patched,
  setHandler,
} from '@temporalio/workflow'
import type { DelegationView } from '../core/delegation.ts'
import { codeOf, messageOf } from '../core/errors.ts'
import type { Person } from '../core/person.ts'
import { lossWarning, renewalWarning, untilWarningMs } from '../policies/delegation.ts'
import { createAnnouncer } from './announce.ts'
import { holdTrust, publish } from './publish.ts'
import { eventually, quick } from './steps.ts'

/** Puts a newer trust in the place of the present one, which is deleted. */
export const replaceDelegation = defineUpdate<DelegationView, [DelegationView]>('replace')
/** Takes the delegation back: its trust is deleted. */
export const revokeDelegation = defineUpdate<DelegationView, [{ by: Person }]>('revoke')

export interface StandingDelegationOptions {
  /** The trust is tried this often, so that a lost one is seen before the night it is needed. @default 6 h */
  checkEveryMs?: number
  /** So long before its end it warns. @default 14, 7, 3 and 1 days */
  warnBeforeMs?: readonly number[]
}

const trustCleanupMs = 24 * 3_600_000

/**
 * Holds one standing delegation (an operator's trust to Steward) until it is revoked, lost or expired.
 * Its view is where activities find the trust to act with.
 */
export async function standingDelegation(
  first: DelegationView,
  { checkEveryMs = 6 * 3_600_000, warnBeforeMs }: StandingDelegationOptions = {},
): Promise<DelegationView> {
  let view: DelegationView = { ...first }
  const become = (change: Partial<DelegationView>) => {
    view = { ...view, ...change }
    publish(view, sentence(view))
  }
  const announcer = createAnnouncer()
  let warnings = 0
  const tellAs = (what: 'expiring' | 'expired' | 'lost', sequence: string) => {
    const { trustId: _, ...told } = view
    announcer.tell({ event: `delegation.${what}`, subject: 'delegation/remediation', sequence, view: told })
  }
  /** The end of a delegation that nobody has taken back. */
  const endAs = (state: 'expired' | 'lost', reason?: string) => {
    become({ state, warning: lossWarning, ...(reason !== undefined && { reason }) })
    tellAs(state, view.createdAt)
  }
  const isActive = () => view.state === 'active'
  setHandler(replaceDelegation, async (next) => {
    const { trustId } = view
    // a repeated update must not delete the trust it has just put in place
    if (trustId !== next.trustId) {
      view = { ...next }
      holdTrust(next.id)
      become({})
      await deleteTrust(trustId)
    }
    return view
  })
  setHandler(revokeDelegation, async ({ by }) => {
    delete view.warning
    become({ state: 'revoked', reason: `revoked by ${by.name}` })
    const revoked = view
    await deleteTrust(revoked.trustId)
    return revoked
  })

  become({})
  try {
    do {
      while (isActive()) await watch()
      // a new one may be put while the trust of the last one is still being deleted
      await condition(() => isActive() || (allHandlersFinished() && announcer.isIdle()))
    } while (isActive())
  } catch (error) {
    if (!isCancellation(error)) throw error
    delete view.warning
    become({ state: 'revoked', reason: 'cancelled by a person in Temporal' })
    await deleteTrust(view.trustId)
  }
  return view

  /** Waits until something happens to the present trust, or it is time to try it. */
  async function watch(): Promise<void> {
    const { trustId } = view
    const restMs = Date.parse(view.expiresAt) - Date.now()
    if (restMs <= 0) return endAs('expired')
    warn()
    const warnInMs = untilWarningMs(view.expiresAt, Date.now(), warnBeforeMs) ?? restMs
    await condition(() => !isActive() || view.trustId !== trustId, Math.min(restMs, checkEveryMs, warnInMs))
    if (isActive() && view.trustId === trustId && Date.parse(view.expiresAt) > Date.now()) await check(trustId)
  }

  function warn(): void {
    const warning = renewalWarning(view.expiresAt, Date.now(), warnBeforeMs)
    // delegations that began before there were warnings get theirs from here on
    if (warning === undefined || warning === view.warning || !patched('renewal-warnings')) return
    become({ warning })
    tellAs('expiring', `${view.createdAt}/${++warnings}`)
  }

  async function check(trustId: string): Promise<void> {
    try {
      await quick('Check that the trust still works').checkTrust({ trustId })
    } catch (error) {
      // only Keystone's own no ends a delegation; an outage does not
      if (codeOf(error) === 'DELEGATION_LOST' && view.trustId === trustId) endAs('lost', messageOf(error))
    }
  }
}

async function deleteTrust(trustId: string): Promise<void> {
  await CancellationScope.nonCancellable(async () => {
    try {
      await eventually('Delete the trust', trustCleanupMs).deleteTrust({ trustId })
    } catch {
      // it expires by itself; Keystone was away for a day
    }
  })
}

const sentence = ({ state, trustorName, roles, expiresAt, warning }: DelegationView) =>
  [`${state}: ${trustorName} lets Steward act with ${roles.join(', ')} until ${expiresAt}`, warning]
    .filter((part) => part !== undefined)
    .join('; ')

import type { GovernorConfig, GovernorState, Holder, Lease, LeaseRequest } from '../../core/governor.ts'
import { createClaims, endMsOf } from './leases.ts'
import { budgetsOf, createLedger, onBudgets } from './ledger.ts'
import { isoOf } from './memory.ts'
import { changes, isPlain } from './requests.ts'

/**
 * In how many ms something may change by itself: a person's lease ends, a run is overdue, a request has waited for long
 * enough, or a run leaves the hour that a budget counts. Undefined when only an event can change anything: a cool-down
 * that ends changes nothing, since those it refused wait no longer.
 */
export function nextWakeMs(state: GovernorState, config: GovernorConfig, nowMs: number): number | undefined {
  const times = [
    ...state.leases.filter((lease) => isPlain(lease.request) || !lease.askedToEndAt).map(endMsOf),
    ...state.queue.map(({ waitUntil }) => Date.parse(waitUntil)),
    ...budgetTimes(state, config, nowMs),
  ].filter((ms) => Number.isFinite(ms))
  return times.length > 0 ? Math.max(0, times.reduce((a, b) => Math.min(a, b)) - nowMs) : undefined
}

function budgetTimes({ queue, leases, past }: GovernorState, config: GovernorConfig, nowMs: number): number[] {
  if (queue.length === 0) return []
  const ledger = createLedger(leases, past, isoOf(nowMs - 3_600_000))
  const rulings = queue.flatMap((request) => onBudgets(request, config, ledger))
  return rulings.flatMap(({ says, until }) => (says === 'wait' && until ? [Date.parse(until)] : []))
}

/** Workflow holders that somebody waits for, to be asked whether they still run. */
export function awaitedHolders({ leases, queue }: GovernorState): Holder[] {
  const found = new Map<string, Holder>()
  const note = ({ holder }: LeaseRequest) => {
    if (holder.workflowId) found.set(`${holder.workflowId} ${holder.runId ?? ''}`, holder)
  }
  const held = createClaims<Lease>()
  for (const lease of leases) held.add(lease.request, lease)
  const ahead = createClaims<LeaseRequest>()
  for (const request of queue) {
    const next = ahead.first(request)
    if (next) note(next.claim)
    else for (const lease of held.all(request)) note(lease.request)
    ahead.add(request, request)
  }
  const budgets = new Set(queue.flatMap(budgetsOf))
  for (const { request } of leases)
    if (changes(request) && budgetsOf(request).some((budget) => budgets.has(budget))) note(request)
  return [...found.values()]
}

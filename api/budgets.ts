import { z } from 'zod'
import type { GovernorConfig, GovernorState, LeaseRequest } from '../core/governor.ts'
import { createLedger, onBudgets } from '../policies/governor/ledger.ts'

export const Budget = z.object({
  budget: z.string().describe('`overall`, `zone/NAME`, `host/NAME`, `project/ID` or `runbook/NAME`'),
  atWork: z.int(),
  atOnce: z.int().describe('most at the same time'),
  begun: z.int().describe('within the last hour'),
  perHour: z.int(),
})
export type Budget = z.infer<typeof Budget>

const hourMs = 3_600_000

/** The budgets that something counts against now, and that of the whole, fullest first. */
export function budgetsInUse(state: GovernorState, config: GovernorConfig, nowMs: number): Budget[] {
  const at = new Date(nowMs).toISOString()
  const ledger = createLedger(state.leases, state.past, new Date(nowMs - hourMs).toISOString())
  const runs = [...state.leases.map(({ request }) => request), ...state.past]
  /** One that has to do with everything that anybody has to do with. */
  const everything = (runbook: string): LeaseRequest => ({
    id: 'all',
    holder: {},
    requester: 'alert',
    by: 'all',
    why: 'all',
    runbook,
    targets: [...new Set(runs.flatMap(({ targets }) => targets))],
    within: [...new Set(runs.flatMap(({ within }) => within))],
    risk: 'service',
    requestedAt: at,
    waitUntil: at,
    expectedMs: 0,
  })
  const runbooks = new Set(['', ...runs.map(({ runbook }) => runbook)])
  const found = [...runbooks].flatMap((runbook) =>
    onBudgets(everything(runbook), config, ledger).map(({ figures }) => Budget.parse(figures)),
  )
  const byName = new Map(found.map((budget) => [budget.budget, budget]))
  return [...byName.values()]
    .filter(({ budget, atWork, begun }) => budget === 'overall' || atWork + begun > 0)
    .sort((a, b) => fullness(b) - fullness(a) || a.budget.localeCompare(b.budget))
}

const fullness = ({ atWork, atOnce, begun, perHour }: Budget) =>
  Math.max(atWork / Math.max(atOnce, 1), begun / Math.max(perHour, 1))

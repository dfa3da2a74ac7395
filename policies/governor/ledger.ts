import type { GovernorConfig, Lease, LeaseRequest, PastRun, Ruling } from '../../core/governor.ts'
import { gapsOf, isoOf, runsOf } from './memory.ts'
import { changes, isAutomatic, isKind, placesOf } from './requests.ts'

const hourMs = 3_600_000

/** What is being done under one budget, and what was begun in the last hour. */
interface Account {
  atWork: number
  /** Runs at work and past ones. */
  begun: number
  readonly grants: { readonly at: string; readonly runs: number }[]
}

/** Counts runs by budget. Budgets are `overall`, `runbook/NAME`, and the places a run has to do with. */
export interface Ledger {
  add(lease: Lease): void
  of(budget: string): Readonly<Account> | undefined
  /** Until when runs may be missing, by the kind of budget; ISO, or empty. */
  gapOf(budget: string): string
  /** When the hour began that is counted; ISO. */
  readonly hourAgo: string
}

export function createLedger(leases: readonly Lease[], past: readonly PastRun[], hourAgo: string): Ledger {
  const accounts = new Map<string, Account>()
  const gaps = gapsOf(past)
  const count = (budgets: readonly string[], at: string, runs: number, atWork: number) => {
    for (const budget of budgets) {
      const account = accounts.get(budget) ?? { atWork: 0, begun: 0, grants: [] }
      accounts.set(budget, account)
      account.atWork += atWork
      if (at <= hourAgo) continue
      account.begun += runs
      account.grants.push({ at, runs })
    }
  }
  const add = ({ request, grantedAt }: Lease) => {
    if (changes(request)) count(budgetsOf(request), grantedAt, 1, 1)
  }
  for (const run of past) if (run.grantedAt > hourAgo) count(budgetsOf(run), run.grantedAt, runsOf(run), 0)
  for (const lease of leases) add(lease)
  return {
    add,
    hourAgo,
    of: (budget) => accounts.get(budget),
    gapOf: (budget) => (budget.startsWith('project/') && gaps.actions > gaps.others ? gaps.actions : gaps.others),
  }
}

/** The budgets a run counts against; a person's counts against none. */
export function budgetsOf(run: Pick<PastRun, 'requester' | 'runbook' | 'targets' | 'within'>): string[] {
  if (run.requester === 'person') return []
  const projects = placesOf(run, 'project/')
  if (!isAutomatic(run)) return projects
  const hosts = new Set(run.targets.filter((target) => isKind(target, 'host/')))
  return ['overall', ...placesOf(run, 'zone/'), ...hosts, `runbook/${run.runbook}`, ...projects]
}

/** Every budget that counts for the request gives its own ruling. */
export function onBudgets(request: LeaseRequest, config: GovernorConfig, ledger: Ledger): Ruling[] {
  if (!changes(request)) return [{ rule: 'budget', says: 'pass', reason: 'a read counts against no budget' }]
  const rulings = budgetsOf(request).flatMap((budget) => {
    const limit = limitOf(budget, config)
    return limit ? [onBudget(budget, limit, ledger)] : []
  })
  return rulings.length > 0
    ? rulings
    : [{ rule: 'budget', says: 'pass', reason: `no budget is for ${request.requester}s here` }]
}

interface Limit {
  readonly atOnce: number
  readonly perHour: number
}

function limitOf(budget: string, { budgets }: GovernorConfig): Limit | undefined {
  if (budget === 'overall') return budgets.overall
  if (isKind(budget, 'zone/')) return budgets.zone
  if (isKind(budget, 'host/')) return budgets.host
  if (isKind(budget, 'project/')) return budgets.project
  const name = budget.slice('runbook/'.length)
  return Object.hasOwn(budgets.runbooks, name) ? budgets.runbooks[name] : undefined
}

function onBudget(budget: string, { atOnce, perHour }: Limit, ledger: Ledger): Ruling {
  const { atWork, begun, grants } = ledger.of(budget) ?? { atWork: 0, begun: 0, grants: [] }
  const figures = { budget, atWork, atOnce, begun, perHour }
  const code = 'BUDGET_EXHAUSTED'
  if (atOnce === 0 || perHour === 0)
    return { rule: 'budget', says: 'refuse', code, reason: `the budget ${budget} is zero`, figures }
  if (atWork >= atOnce)
    return { rule: 'budget', says: 'wait', code, reason: `${budget}: ${atWork} of ${atOnce} runs are at work`, figures }
  if (begun >= perHour) {
    const reason = `${budget}: ${begun} of ${perHour} runs were begun within the last hour`
    return { rule: 'budget', says: 'wait', code, reason, figures, until: isoOf(freeMsOf(grants, begun - perHour + 1)) }
  }
  const gap = ledger.gapOf(budget)
  if (gap > ledger.hourAgo) {
    const reason = `${budget}: more runs have ended than are remembered, so nobody can tell how many there were`
    return { rule: 'budget', says: 'wait', code, reason, figures, until: isoOf(Date.parse(gap) + hourMs) }
  }
  const reason = `${budget}: ${atWork} of ${atOnce} runs at work, ${begun} of ${perHour} within the hour`
  return { rule: 'budget', says: 'pass', reason, figures }
}

/** When so many runs will have left the hour. */
function freeMsOf(grants: Account['grants'], needed: number): number {
  let left = needed
  for (const { at, runs } of grants.toSorted((a, b) => (a.at < b.at ? -1 : 1))) {
    left -= runs
    if (left <= 0) return Date.parse(at) + hourMs
  }
  return Number.NaN
}

import type { Call } from '../core/call.ts'
import type { Chain, ChainStep, Deed } from '../core/chain.ts'
import { failure } from '../core/errors.ts'
import type { Target } from '../core/governor.ts'
import type { Targets } from '../core/group.ts'
import { titleOf, type Work } from '../core/work.ts'
import { actionCatalogue, actionNamed } from './catalogue/index.ts'
import { createChain } from './chain.ts'
import { issuesOf } from './chain-check.ts'
import { referencesIn } from './chain-values.ts'
import { targetKey } from './group.ts'
import { highest, leastRoleOf, neededRole, refuseInternalHints } from './least-role.ts'
import { changedServer } from './server-actions.ts'

/** Steps of its own have names; the only step of anything else is called this. */
const onlyStep = 'call'

/** Work as a chain, which is what is carried out; a call or an action alone is a chain of one. */
export function chainOf({ call, action, with: input = {}, targets, steps }: Work): Chain {
  if (steps) return { steps: [...steps] }
  const alone = { id: onlyStep, retries: 0, onFailure: 'stop' } as const
  // what is true of one target is true of each
  const first = action !== undefined && targets && { [targetKey(action, targets)]: firstOf(targets) }
  return { steps: [{ ...alone, action: call ?? action ?? '', with: { ...input, ...first } }] }
}

const firstOf = (targets: Targets): string => ('ids' in targets ? (targets.ids[0] ?? '') : anyServer)
/** Stands for a server that is not found yet. */
const anyServer = '00000000-0000-4000-8000-000000000000'

/**
 * Checks all that can be known of work before it is done.
 *
 * @throws INPUT_INVALID naming every mistake; DELEGATION_REFUSED when Keystone lets no delegated token do it
 */
export function checkWork(work: Work): void {
  const chain = chainOf(work)
  checkTargets(work)
  if (work.steps) createChain(chain)
  else {
    const [issue] = issuesOf(chain)
    if (issue !== undefined) throw failure('INPUT_INVALID', issue.replace(/^steps\.0\./, ''))
  }
  for (const { action } of chain.steps) {
    if (typeof action !== 'string') refuseInternalHints(action)
    const why = typeof action === 'string' ? actionCatalogue.get(action)?.notDelegable : undefined
    if (why !== undefined) throw failure('DELEGATION_REFUSED', `${action}: ${why}`)
  }
}

/** @throws INPUT_INVALID */
function checkTargets({ action = '', with: input = {}, targets }: Work): void {
  if (!targets) return
  const key = targetKey(action, targets)
  if (Object.hasOwn(input, key)) throw failure('INPUT_INVALID', `with.${key}: the targets say that`)
  if ('ids' in targets) for (const id of targets.ids) actionNamed(action).targets({ ...input, [key]: id })
}

/**
 * The one role to delegate for work: the lowest that does for all of it, of those the caller has now.
 *
 * @throws ROLE_MISSING naming the role and what needs it
 */
export function roleFor(work: Work, callerRoles: readonly string[]): string {
  const { steps } = chainOf(work)
  const needed = highest(steps.map(({ action }) => roleOf(action)))
  const because = steps.find(({ action }) => roleOf(action) === needed)?.action
  return leastRoleOf(needed, callerRoles, typeof because === 'string' ? because : titleOf({ call: because }))
}

const roleOf = (action: ChainStep['action']) =>
  typeof action === 'string' ? actionNamed(action).needsRole : neededRole(action)

/** The calls whose services and paths are known beforehand. */
export const servicesOf = (work: Work): { service: string; path: string }[] =>
  chainOf(work).steps.map(({ action }) =>
    typeof action === 'string' ? { service: actionNamed(action).service, path: '/' } : action,
  )

/** How long the work may take beyond its first call: every step may be late, and its end is waited for. */
export function tailMs(work: Work, maxLatenessMs: number): number {
  const { steps } = chainOf(work)
  const waits = steps.map(({ action }) => limitMsOf(action))
  // what was done may have to be taken back, which takes as long
  const backMs = steps.some(({ onFailure }) => onFailure === 'undo') ? sum(waits) : 0
  return sum(waits) + backMs + (steps.length - 1) * maxLatenessMs
}

const limitMsOf = (action: ChainStep['action']) =>
  (typeof action === 'string' ? (actionNamed(action).waitFor?.limitSeconds ?? 0) : 0) * 1000

const sum = (figures: readonly number[]) => figures.reduce((total, figure) => total + figure, 0)

/** What a step changes that others may want as well. */
export function leasedTargets(deed: Deed): Target[] {
  const targets = 'call' in deed ? serverOf(deed.call) : actionNamed(deed.action).targets(deed.input)
  return targets.filter((target): target is Target => /^(server|host)\//.test(target))
}

function serverOf(call: Call): string[] {
  const server = changedServer(call)
  return server === undefined ? [] : [`server/${server}`]
}

/** How long a step usually takes, for whoever waits for its target. */
export const typicalMs = (deed: Deed): number =>
  ('call' in deed ? 0 : (actionNamed(deed.action).waitFor?.typicalSeconds ?? 0) * 1000) + 120_000

/** All that work changes and names beforehand, for people who ask what is going on there. */
export const targetsOfWork = (work: Work): string[] =>
  chainOf(work).steps.flatMap(({ action, with: input }) => {
    if (typeof action !== 'string') return serverOf(action)
    return referencesIn(input).length === 0 ? [...actionNamed(action).targets(input)] : []
  })

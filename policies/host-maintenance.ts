import type { ComputeService, MigrationFacts } from './nova-facts.ts'

/** Runbooks that close hosts, and leave them so. */
export const closers = ['drain-host', 'fence-host', 'power-cycle-host', 'evacuate-host'] as const
export type Closer = (typeof closers)[number]

const longestReason = 255

/** What stands beside a service that a runbook has disabled, so that everybody can tell whose doing it is. */
export const ownReason = (runbook: Closer, why: string): string => `steward ${runbook}: ${why}`.slice(0, longestReason)

/** Plans write `steward plan/ID`. */
const own = new RegExp(`^steward (plan/|(${closers.join('|')}): )`)
/** By a plan that has emptied the host: nothing is wrong with it. */
export const isOfPlan = (reason: string): boolean => /^steward plan\//.test(reason)
export const isOwnReason = (reason: string): boolean => own.test(reason)

/** Begun, and with an outcome that only the old host or the new one can still decide. */
const openEvacuations = new Set(['accepted', 'pre-migrating', 'migrating', 'post-migrating'])

export type Return =
  | { readonly verdict: 'open' | 'refused'; readonly reason: string }
  | {
      readonly verdict: 'closed'
      readonly reason: string
      /** Somebody else has closed it, so that a person must say yes. */
      readonly isForeign: boolean
      /** Nova lets it up again only once its service has started and settled these. */
      readonly unsettled: number
    }

/**
 * Whether a host may be opened again. `evacuations` are those away from it: while one is under way its nova-compute must not
 * start, for it would destroy its own copy of a server whose new one may still fail.
 */
export function mayReturn(
  { host, isUp, isEnabled, isForcedDown, disabledReason }: ComputeService,
  evacuations: readonly MigrationFacts[],
  { force }: { readonly force: boolean },
): Return {
  if (isUp && isEnabled && !isForcedDown) return { verdict: 'open', reason: `${host} is up and enabled` }
  const [open, ...others] = evacuations.filter(({ status }) => openEvacuations.has(status))
  if (open)
    return {
      verdict: 'refused',
      reason: `${others.length + 1} evacuation(s) from ${host} are under way, such as that of ${open.serverId}: its nova-compute must not start yet`,
    }
  const isForeign = !isEnabled && !isOwnReason(disabledReason)
  const said = disabledReason === '' ? 'without a reason' : `for "${disabledReason}"`
  if (isForeign && !force)
    return {
      verdict: 'refused',
      reason: `somebody else has disabled ${host}, ${said}; \`force\` asks a person about it`,
    }
  return {
    verdict: 'closed',
    reason: [isForcedDown && 'forced down', !isEnabled && `disabled ${said}`, !isUp && !isForcedDown && 'down']
      .filter(Boolean)
      .join(', '),
    isForeign,
    unsettled: evacuations.filter(({ status }) => status === 'done').length,
  }
}

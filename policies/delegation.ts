import type { DelegationState, TrustHolder } from '../core/delegation.ts'

const dayMs = 86_400_000
/** What has just ended may still be giving its trust back. */
const orphanAfterMs = 600_000
/** So long before its end somebody is told, again and again. */
export const warnBeforeMs: readonly number[] = [14 * dayMs, 7 * dayMs, 3 * dayMs, dayMs]

/** Where a trust stands. An action's own one ends shortly after it anyway: that is no news. */
export function standingOf(
  holder: TrustHolder | undefined,
  expiresAt: Date | undefined,
  nowMs: number,
): DelegationState {
  if (!holder) return 'unknown'
  if (holder.endedAt !== undefined) return Date.parse(holder.endedAt) + orphanAfterMs <= nowMs ? 'orphan' : 'active'
  const restMs = (expiresAt?.getTime() ?? Number.POSITIVE_INFINITY) - nowMs
  return holder.kind !== 'action' && restMs <= Math.max(...warnBeforeMs) ? 'expiring' : 'active'
}

/** What to tell of a delegation that ends so soon; nothing while that is far. One text for each of the leads. */
export function renewalWarning(expiresAt: string, nowMs: number, leadsMs = warnBeforeMs): string | undefined {
  const restMs = Date.parse(expiresAt) - nowMs
  const leadMs = Math.min(...leadsMs.filter((lead) => lead >= restMs))
  if (!Number.isFinite(leadMs)) return undefined
  return `it ends within ${spanOf(leadMs)}, at ${expiresAt}: an operator runs \`steward delegate\``
}

/** What to tell of one that ended although nobody wanted it to. */
export const lossWarning = 'remediation does nothing: an operator runs `steward delegate`'

/** How long until the next warning; undefined when there is none to come. */
export function untilWarningMs(expiresAt: string, nowMs: number, leadsMs = warnBeforeMs): number | undefined {
  const waits = leadsMs.map((lead) => Date.parse(expiresAt) - lead - nowMs).filter((waitMs) => waitMs > 0)
  return waits.length > 0 ? Math.min(...waits) : undefined
}

function spanOf(ms: number): string {
  const [unit, count] = ms < dayMs ? ['second', Math.round(ms / 1000)] : ['day', Math.round(ms / dayMs)]
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}

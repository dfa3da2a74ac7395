import type { GovernorConfig, LeaseRequest, Ruling, Verdict } from '../../core/governor.ts'
import { onCoolDown } from './cool-down.ts'
import { onFuse } from './fuse.ts'
import { onLeases } from './leases.ts'
import { onBudgets } from './ledger.ts'
import { onMode } from './mode.ts'
import { isHold } from './requests.ts'
import type { Scene } from './scene.ts'
import { onProtected, onTargets } from './targets.ts'
import { onCanary, onDemotion } from './track-record.ts'

/** Leases and requests that fit into what the governor carries along: about 1.4 MB of the engine's 2 MB. */
export const mostLeasesAndRequests = 2000

/**
 * What is said to one request now. Every rule is asked, so that the answer has every reason; the strictest decides:
 * refuse, then observe, then ask (unless a person has said yes), then wait.
 *
 * A request that waits for its turn is not refused because its survey grew old meanwhile, only when its turn has come.
 * From its `waitUntil` on there is no more waiting: what was in its way is the refusal.
 */
export function decide(request: LeaseRequest, scene: Scene, isWaiting: boolean): Verdict {
  const rulings = approved(rulingsOn(request, scene, isWaiting), request, scene.config, scene.nowMs)
  const waits = rulings.some(({ says }) => says === 'wait')
  const counted = isWaiting && waits ? rulings.map(deferred) : rulings
  const base = { requestId: request.id, at: scene.at, rulings: counted }
  for (const says of ['refuse', 'observe', 'ask', 'wait'] as const) {
    const deciding = counted.find((ruling) => ruling.says === says && !isDeferred(ruling))
    if (!deciding) continue
    const { reason, code } = deciding
    const answer = { ...base, reason, ...(code && { code }) }
    if (says === 'refuse') return { ...answer, says: 'refused' }
    if (says !== 'wait' || scene.nowMs < Date.parse(request.waitUntil)) return { ...answer, says }
    return { ...answer, says: 'refused', reason: `not free by ${request.waitUntil}: ${reason}` }
  }
  return { ...base, says: 'granted', reason: purposeOf(request) }
}

/** In one sentence, what a lease is for. */
export const purposeOf = ({ runbook, targets, why }: LeaseRequest) =>
  `${runbook} on ${targets[0]}${targets.length > 1 ? ` and ${targets.length - 1} more` : ''}: ${why}`

function rulingsOn(request: LeaseRequest, scene: Scene, isWaiting: boolean): Ruling[] {
  const { config, nowMs, recordOf } = scene
  const room = onCapacity(scene.crowd, isWaiting)
  if (isHold(request)) return [onTargets(request), onLeases(request, scene), room]
  return [
    onTargets(request),
    onProtected(request, config),
    onMode(request, config, scene.modes),
    onDemotion(request, config, recordOf),
    onFuse(request, config, nowMs),
    onCoolDown(request, config, scene.touches, scene.coolingSince),
    onLeases(request, scene),
    ...onBudgets(request, config, scene.ledger),
    onCanary(request, config, recordOf, (runbook) => scene.ledger.of(`runbook/${runbook}`)?.atWork ?? 0),
    room,
  ]
}

function onCapacity(crowd: number, isWaiting: boolean): Ruling {
  const figures = { leasesAndRequests: crowd, most: mostLeasesAndRequests }
  const reason = `${crowd} of ${mostLeasesAndRequests} leases and requests`
  return isWaiting || crowd < mostLeasesAndRequests
    ? { rule: 'capacity', says: 'pass', reason, figures }
    : { rule: 'capacity', says: 'refuse', code: 'OVERLOADED', reason, figures }
}

/** Clocks of the machines that answer and decide may differ by this much. */
const skewMs = 60_000

/** A person's yes turns every `ask` into a pass; it must have been given for what is being done, not long before it. */
function approved(rulings: Ruling[], request: LeaseRequest, config: GovernorConfig, nowMs: number): Ruling[] {
  const { approval, requestedAt } = request
  if (!approval) return rulings
  const atMs = Date.parse(approval.at)
  const isLate = !(Date.parse(approval.begunAt ?? requestedAt) - atMs <= config.approval.timeoutSeconds * 1000 + skewMs)
  if (isLate || atMs > nowMs + skewMs) return rulings
  return rulings.map((ruling) => {
    if (ruling.says !== 'ask') return ruling
    const { code: _answered, ...rest } = ruling
    return { ...rest, says: 'pass', reason: `${ruling.reason}; ${approval.by} said yes to it at ${approval.at}` }
  })
}

/** An old survey is no reason to leave the queue: when its turn comes the holder counts the hosts anew. */
const deferred = (ruling: Ruling): Ruling => (ruling.code === 'SURVEY_STALE' ? { ...ruling, says: 'wait' } : ruling)

/** Never what decides: something else is in the way while it is put off. */
export const isDeferred = ({ says, code }: Ruling) => says === 'wait' && code === 'SURVEY_STALE'

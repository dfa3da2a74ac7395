import type { Lease, LeaseRequest, Ruling, Target } from '../../core/governor.ts'
import { changes, isPlain } from './requests.ts'

/** Finds who is in the way of a request without a look at everybody. */
export interface Claims<T> {
  add(request: LeaseRequest, claim: T): void
  /** The one that came first, and what it is about. */
  first(request: LeaseRequest): { claim: T; target: Target } | undefined
  all(request: LeaseRequest): Set<T>
}

/**
 * Two are in each other's way when they have a target in common, or a target of one is what the other lies in. To lie
 * in the same zone, project or host is no conflict. Reads are in nobody's way.
 */
export function createClaims<T>(): Claims<T> {
  const on = new Map<Target, T[]>()
  const inside = new Map<Target, T[]>()
  const put = (index: Map<Target, T[]>, target: Target, claim: T) => {
    const claims = index.get(target)
    if (claims) claims.push(claim)
    else index.set(target, [claim])
  }

  return {
    add(request, claim) {
      if (!changes(request)) return
      for (const target of request.targets) put(on, target, claim)
      for (const place of request.within) put(inside, place, claim)
    },
    first(request) {
      if (!changes(request)) return undefined
      for (const target of request.targets) {
        const [claim] = on.get(target) ?? inside.get(target) ?? []
        if (claim !== undefined) return { claim, target }
      }
      for (const target of request.within) {
        const [claim] = on.get(target) ?? []
        if (claim !== undefined) return { claim, target }
      }
      return undefined
    },
    all(request) {
      if (!changes(request)) return new Set()
      const { targets, within } = request
      const lists = [
        ...targets.flatMap((target) => [on.get(target), inside.get(target)]),
        ...within.map((w) => on.get(w)),
      ]
      return new Set(lists.flatMap((claims) => claims ?? []))
    },
  }
}

/** When a person's lease ends, or a workflow is asked to come to an end; epoch ms. */
export const endMsOf = ({ request, grantedAt }: Lease) => Date.parse(grantedAt) + request.expectedMs

/** One actor at a time, and nobody overtakes for the same target: else those who need much would wait for ever. */
export function onLeases(
  request: LeaseRequest,
  { held, ahead }: { readonly held: Claims<Lease>; readonly ahead: Claims<LeaseRequest> },
): Ruling {
  const holder = held.first(request)
  if (holder) {
    const { claim, target } = holder
    const { by, requester, why, id } = claim.request
    return {
      rule: 'lease',
      says: 'wait',
      code: 'TARGET_BUSY',
      reason: `${target} is held by ${by} (${requester}) since ${claim.grantedAt}: ${why}`,
      figures: { target, by, requester, since: claim.grantedAt, requestId: id },
      ...(isPlain(claim.request) && { until: new Date(endMsOf(claim)).toISOString() }),
    }
  }
  const next = ahead.first(request)
  if (next) {
    const { by, requester, why, id, requestedAt } = next.claim
    return {
      rule: 'lease',
      says: 'wait',
      code: 'TARGET_BUSY',
      reason: `${by} (${requester}) is before it in the queue for ${next.target}: ${why}`,
      figures: { target: next.target, by, requester, since: requestedAt, requestId: id },
    }
  }
  return { rule: 'lease', says: 'pass', reason: 'nobody else acts there' }
}

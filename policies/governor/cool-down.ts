import type { GovernorConfig, Lease, LeaseRequest, PastRun, Ruling, Target } from '../../core/governor.ts'
import { gapsOf, isoOf } from './memory.ts'
import { changes, isAutomatic, isKind } from './requests.ts'

interface Touch {
  /** When it ended, or began if it is at work; ISO. */
  readonly at: string
  readonly incidentRunId?: string | undefined
}

/** Who has run which runbook on which host or server. */
export interface Touches {
  add(lease: Lease): void
  of(runbook: string): ReadonlyMap<Target, readonly Touch[]> | undefined
  /** Until when runs may be missing; ISO, or empty. */
  readonly gap: string
}

export function createTouches(leases: readonly Lease[], past: readonly PastRun[]): Touches {
  const touches = new Map<string, Map<Target, Touch[]>>()
  const put = ({ runbook, targets }: Pick<PastRun, 'runbook' | 'targets'>, touch: Touch) => {
    const own = touches.get(runbook) ?? new Map<Target, Touch[]>()
    touches.set(runbook, own)
    for (const target of targets) {
      if (!isCooled(target)) continue
      const there = own.get(target)
      if (there) there.push(touch)
      else own.set(target, [touch])
    }
  }
  const add = ({ request, grantedAt }: Lease) => {
    if (changes(request)) put(request, { at: grantedAt, incidentRunId: request.incidentRunId })
  }
  for (const run of past) put(run, { at: run.endedAt ?? run.grantedAt, incidentRunId: run.incidentRunId })
  for (const lease of leases) add(lease)
  return { add, of: (runbook) => touches.get(runbook), gap: gapsOf(past).others }
}

const isCooled = (target: Target) => isKind(target, 'host/') || isKind(target, 'server/')

/**
 * The same runbook on the same target soon after would hide the cause; runs of one incident are one attempt to help.
 * What was there until `since`, ISO, has cooled down.
 */
export function onCoolDown(
  request: LeaseRequest,
  { coolDownSeconds }: GovernorConfig,
  touches: Touches,
  since: string,
): Ruling {
  if (!isAutomatic(request) || !changes(request))
    return { rule: 'cool-down', says: 'pass', reason: 'the cool-down is for what alerts and plans change' }
  const { runbook, targets, incidentRunId } = request
  let latest: { at: string; target: Target } | undefined
  const own = touches.of(runbook)
  for (const target of targets)
    for (const touch of own?.get(target) ?? []) {
      const isOwn = incidentRunId !== undefined && touch.incidentRunId === incidentRunId
      if (!isOwn && touch.at > since && !(latest && latest.at >= touch.at)) latest = { at: touch.at, target }
    }
  const figures = { coolDownSeconds }
  if (latest) {
    const { at, target } = latest
    const until = isoOf(Date.parse(at) + coolDownSeconds * 1000)
    return {
      rule: 'cool-down',
      says: 'refuse',
      code: 'TARGET_COOLING_DOWN',
      reason: `${runbook} was at ${target} at ${at}, less than ${coolDownSeconds} s ago`,
      figures: { ...figures, target, at },
      until,
    }
  }
  if (touches.gap > since) {
    const until = isoOf(Date.parse(touches.gap) + coolDownSeconds * 1000)
    const reason = `more runs have ended than are remembered, so nobody can tell whether ${runbook} was there`
    return { rule: 'cool-down', says: 'refuse', code: 'TARGET_COOLING_DOWN', reason, figures, until }
  }
  return {
    rule: 'cool-down',
    says: 'pass',
    reason: `${runbook} was not there in the last ${coolDownSeconds} s`,
    figures,
  }
}

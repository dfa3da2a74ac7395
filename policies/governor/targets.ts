import type { GovernorConfig, LeaseRequest, Ruling } from '../../core/governor.ts'

/** Nothing never means everything, whoever asks. */
export function onTargets({ targets }: LeaseRequest): Ruling {
  if (targets.length === 0)
    return { rule: 'targets', says: 'refuse', code: 'TARGETS_MISSING', reason: 'the request names no target' }
  return {
    rule: 'targets',
    says: 'pass',
    reason:
      targets.length === 1 ? `one target: ${targets[0]}` : `${targets.length} targets, the first is ${targets[0]}`,
    figures: { targets: targets.length },
  }
}

/** Some hosts are only for people's hands. */
export function onProtected({ requester, targets, within }: LeaseRequest, { protectedHosts }: GovernorConfig): Ruling {
  const listed = protectedHosts.find((name) => targets.includes(`host/${name}`) || within.includes(`host/${name}`))
  if (listed === undefined) return { rule: 'protected', says: 'pass', reason: 'no protected host is touched' }
  const figures = { host: listed }
  if (requester === 'person')
    return { rule: 'protected', says: 'pass', reason: `${listed} is protected, but a person asks`, figures }
  const reason = `${listed} is protected: no runbook may touch it`
  return { rule: 'protected', says: 'refuse', code: 'TARGET_PROTECTED', reason, figures }
}

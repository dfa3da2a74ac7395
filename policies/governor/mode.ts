import type { GovernorConfig, LeaseRequest, Mode, ModeSetting, Ruling } from '../../core/governor.ts'
import { isAutomatic } from './requests.ts'

const strictness: readonly Mode[] = ['observe', 'ask', 'auto']

/** How far machines may go here: the strictest of what the installation, the policy and the runbook are set to. */
export function onMode(request: LeaseRequest, config: GovernorConfig, modes: readonly ModeSetting[]): Ruling {
  if (!isAutomatic(request)) return { rule: 'mode', says: 'pass', reason: 'modes are for alerts and plans' }
  const { policy, runbook } = request
  const words = [
    setFor('all', modes) ?? { mode: config.mode, from: 'governor.mode of steward.yaml' },
    (policy !== undefined ? setFor(`policy/${policy}`, modes) : undefined) ??
      (request.mode && { mode: request.mode, from: `the policy ${policy ?? request.by}` }),
    setFor(`runbook/${runbook}`, modes),
  ].filter((word) => word !== undefined)
  const { mode, from } = words.reduce((a, b) => (strictness.indexOf(b.mode) < strictness.indexOf(a.mode) ? b : a))
  const figures = { mode, from }
  const reason = `the mode is ${mode}, by ${from}`
  if (mode === 'observe') return { rule: 'mode', says: 'observe', code: 'OBSERVE_ONLY', reason, figures }
  if (mode === 'ask') return { rule: 'mode', says: 'ask', code: 'APPROVAL_NEEDED', reason, figures }
  return { rule: 'mode', says: 'pass', reason, figures }
}

function setFor(scope: string, modes: readonly ModeSetting[]): { mode: Mode; from: string } | undefined {
  const setting = modes.find((mode) => mode.scope === scope)
  return setting && { mode: setting.mode, from: `${setting.by}, who set ${scope} at ${setting.at}` }
}

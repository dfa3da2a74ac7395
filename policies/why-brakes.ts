import type { GovernorConfig, GovernorState, LeaseRequest, Ruling, Target } from '../core/governor.ts'
import type { Incident } from '../core/incident.ts'
import type { Reason } from '../core/why.ts'
import { onCoolDown } from './governor/cool-down.ts'
import { onBudgets } from './governor/ledger.ts'
import { onMode } from './governor/mode.ts'
import { setScene } from './governor/scene.ts'
import { onProtected } from './governor/targets.ts'
import { onDemotion } from './governor/track-record.ts'

export interface BrakesInput {
  readonly state: GovernorState
  readonly governor: GovernorConfig
  readonly hosts: readonly Target[]
  readonly nowMs: number
}

/**
 * What the governor's own rules say now to an alert that wanted to run, on these hosts, the runbooks of the incidents or
 * those that were there lately. The fuse is left out: it needs a look at the cloud.
 */
export function brakesOn({ state, governor, hosts, nowMs }: BrakesInput, incidents: readonly Incident[]): Reason[] {
  const { ledger, touches, recordOf, coolingSince } = setScene(state, governor, nowMs, 0)
  const wishes = wishesOf(state, hosts, incidents)
  const rulings = hosts.flatMap((host) =>
    wishes.flatMap((wish) => {
      const request = { ...probe, ...wish, targets: [host] }
      return [
        onProtected(request, governor),
        onMode(request, governor, state.modes),
        onDemotion(request, governor, recordOf),
        onCoolDown(request, governor, touches, coolingSince),
        ...onBudgets(request, governor, ledger),
      ].map((ruling): Reason => ({ ...inWords(ruling), sentence: sentenceOf(ruling, wish.runbook) }))
    }),
  )
  // of several hosts and runbooks many rules say the same
  return [...new Map(rulings.map((reason) => [reason.sentence, reason])).values()]
}

interface Wish {
  readonly runbook: string
  readonly policy?: string
}

function wishesOf(state: GovernorState, hosts: readonly Target[], incidents: readonly Incident[]): Wish[] {
  const open = incidents.filter(({ endedAt }) => endedAt === undefined)
  const planned = open.flatMap(({ policy, proposal, runs }): Wish[] => {
    const runbook = proposal?.runbook ?? runs.at(-1)?.runbook
    return runbook === undefined ? [] : [{ runbook, policy }]
  })
  const lately = state.past
    .filter(({ targets }) => targets.some((target) => hosts.includes(target)))
    .map(({ runbook }): Wish => ({ runbook }))
  const wishes = [...planned, ...lately]
  const byRunbook = new Map(wishes.reverse().map((wish) => [wish.runbook, wish]))
  return byRunbook.size > 0 ? [...byRunbook.values()] : [{ runbook: 'any runbook' }]
}

const probe: Omit<LeaseRequest, 'runbook' | 'targets'> = {
  id: 'why',
  holder: {},
  requester: 'alert',
  by: 'why',
  why: 'why',
  within: [],
  risk: 'service',
  requestedAt: '',
  waitUntil: '',
  expectedMs: 0,
}

const weightOf = { pass: 'tells', wait: 'slows', ask: 'slows', observe: 'stops', refuse: 'stops' } as const

const inWords = ({ says, figures, until, code }: Ruling) => ({
  weight: weightOf[says],
  ...(figures && { figures }),
  ...(until !== undefined && { until }),
  ...(code !== undefined && { code }),
})

const sentenceOf = ({ rule, says, reason }: Ruling, runbook: string) =>
  `${says === 'pass' ? `${rule} lets ${runbook} pass` : `${rule} would now say ${says} to ${runbook}`}: ${reason}`

import type { Announcement, Happening, PlanEvent, Wishes } from '../core/notification.ts'
import { titleOf } from '../core/work.ts'

/** Whether a receiver is told of it. */
export function isWanted({ on, projects, policies }: Wishes, { event, view }: Happening): boolean {
  if (!on.includes(event)) return false
  const isOfProject = event.startsWith('action.') || event.startsWith('recurring-action.')
  if (projects && isOfProject && 'projectId' in view && !projects.includes(view.projectId)) return false
  return !(policies && 'policy' in view && !policies.includes(view.policy))
}

/** Without full stops, which separate the parts of what a signature is over. */
export const eventIdOf = ({ event, subject, sequence }: Announcement): string =>
  `${event}/${subject}/${sequence}`.replaceAll('.', '-')

/** Where its subject is read. */
export function pathOf(happening: Happening): string {
  if (isOfPlan(happening)) return `/v1/plans/${happening.view.id}`
  switch (happening.event) {
    case 'action.failed':
    case 'action.warned': {
      const { id, occurrence } = happening.view
      if (occurrence === undefined) return `/v1/actions/${id}`
      return `/v1/recurring-actions/${id}/occurrences/${encodeURIComponent(occurrence)}`
    }
    case 'recurring-action.delegation-lost':
    case 'recurring-action.ended':
      return `/v1/recurring-actions/${happening.view.id}`
    case 'delegation.expiring':
    case 'delegation.lost':
    case 'delegation.expired':
      return '/v1/delegations/remediation'
    case 'stop.pressed':
    case 'stop.released':
      return '/v1/stop'
    case 'run.asking':
    case 'run.notice':
      return `/v1/runs/${happening.view.id}`
    default:
      return `/v1/incidents/${happening.view.id}`
  }
}

/** One sentence for people. */
export function sentenceOf(happening: Happening): string {
  if (isOfPlan(happening)) return sentenceOfPlan(happening)
  switch (happening.event) {
    case 'action.failed': {
      const { state, reason } = happening.view
      return `${called(happening.view)}: ${state}${reason ? `: ${reason.code}: ${reason.detail}` : ''}`
    }
    case 'action.warned': {
      const { runAt, warning } = happening.view
      return `${called(happening.view)}, due ${runAt}, has something in its way: ${warning?.code}: ${warning?.detail}`
    }
    case 'recurring-action.delegation-lost':
    case 'recurring-action.ended': {
      const { state, reason } = happening.view
      return `${called(happening.view)}: ${state}${reason === undefined ? '' : `: ${reason}`}; nothing more is begun`
    }
    case 'delegation.expiring':
      return `the delegation of ${happening.view.trustorName}: ${happening.view.warning}`
    case 'delegation.lost':
    case 'delegation.expired': {
      const { trustorName, state, reason } = happening.view
      return `the delegation of ${trustorName} is ${state}${reason === undefined ? '' : `: ${reason}`}; remediation has no rights`
    }
    case 'stop.pressed': {
      const { by, why } = happening.view.state
      return `${by} has pressed the stop button: ${why}`
    }
    case 'stop.released': {
      const { state, released } = happening.view
      return `${released?.by} has released the stop button: ${released?.why}; it was pressed by ${state.by}: ${state.why}`
    }
    case 'run.asking': {
      const { runbook, by, text, until } = happening.view
      return `${runbook}, started by ${by}, asks until ${until}: ${text}`
    }
    case 'run.notice': {
      const { runbook, by, text } = happening.view
      return `${runbook}, started by ${by}: ${text}`
    }
    default: {
      const { policy, host, binary, timeline, summary } = happening.view
      const what = binary === undefined ? host : `${binary} on ${host}`
      return `${policy}, ${what}: ${happening.event.split('.')[1]}: ${timeline.at(-1)?.text ?? summary}`
    }
  }
}

type PlanHappening = Extract<Happening, { event: PlanEvent }>

const isOfPlan = (happening: Happening): happening is PlanHappening => happening.event.startsWith('plan.')

function sentenceOfPlan({ event, view }: PlanHappening): string {
  const { goal, by, state, reason, digest, needs = 1, answerBy } = view
  const plan = `the plan to ${goal}, asked for by ${by}`
  if (event === 'plan.proposed')
    return `${plan}: ${digest?.moves} move(s) between ${digest?.hosts} hosts wait for ${needs} person(s) to say yes until ${answerBy}`
  const why = reason ? `: ${reason.code === undefined ? '' : `${reason.code}: `}${reason.detail}` : ''
  return `${plan}: ${state}${why}`
}

const called = (view: Parameters<typeof titleOf>[0] & { name?: string | undefined }) => view.name ?? titleOf(view)

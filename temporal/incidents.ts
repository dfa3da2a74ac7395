import { type Client, WorkflowNotFoundError } from '@temporalio/client'
import type { Alert, Entity } from '../core/alert.ts'
import { failure } from '../core/errors.ts'
import type { GovernorConfig } from '../core/governor.ts'
import type { IncidentState, IncidentView } from '../core/incident.ts'
import type { Policy } from '../core/policy.ts'
import { attributes } from '../core/search-attributes.ts'
import { taskQueues } from '../core/task-queues.ts'
import { incident, observe } from '../workflows/incident/incident.ts'
import { throughEngine } from './reach.ts'

/**
 * What became of an alert: `opened` an incident, `joined` the open one (which needs not be told what it knows), or
 * nothing had to be done. Every alert that is taken in ends as exactly one of these.
 */
export type Receipt = 'opened' | 'joined' | 'nothing open' | 'duplicate'

export interface Incidents {
  /**
   * Takes an alert in durably: when it resolves, the engine has it.
   *
   * Repeatable: the same delivery twice joins the same incident, and one that comes after its incident has ended is
   * recognised by its key. Recovery of something that has no open incident is noted, not acted upon.
   *
   * @throws ENGINE_UNREACHABLE nothing was accepted; send it again
   */
  report(alert: Alert): Promise<Receipt>
}

/** Keys of alerts seen resolved, so that a firing delivered after its own end opens nothing. */
const rememberedEnds = 10_000

/** In these an incident may rest for days; that its alert still fires is no news to it. */
const resting: ReadonlySet<IncidentState> = new Set([
  ...(['escalated', 'taken-over', 'observing', 'flapping', 'suppressed', 'asking'] as const),
])

export interface IncidentsConfig {
  readonly policies: readonly Policy[]
  readonly governor: Pick<GovernorConfig, 'flap' | 'approval' | 'waitSeconds'>
}

export function createIncidents(client: Client, { policies, governor }: IncidentsConfig): Incidents {
  const { flap, approval, waitSeconds } = governor
  const byName = new Map(policies.map((policy) => [policy.name, policy]))
  const ended = new Set<string>()
  const turns = new Map<string, Promise<void>>()

  async function report(alert: Alert): Promise<Receipt> {
    const policy = byName.get(alert.policy)
    if (!policy) throw failure('CONFIG_INVALID', `no policy ${alert.policy}`)
    const handle = client.workflow.getHandle<typeof incident>(incidentId(alert.policy, alert.entity))
    const known = await present(() => handle.describe())
    const keys = known?.typedSearchAttributes.get(attributes.alertKeys) ?? []
    if (known?.status.name === 'RUNNING') {
      const view = known.memo?.view as IncidentView | undefined
      const isKnown = alert.status === 'firing' && !view?.clearSince && keys.includes(alert.key)
      if (isKnown && view && resting.has(view.state)) return 'joined'
      // a plain signal: should the incident end in between, the next turn sees that it knew this alert
      const joined = await present(async () => {
        await handle.signal(observe, alert)
        return true
      })
      return joined ? 'joined' : report(alert)
    }
    if (alert.status !== 'firing') {
      remember(alert.key)
      return 'nothing open'
    }
    if (ended.has(alert.key) || keys.includes(alert.key)) return 'duplicate'
    await client.workflow.signalWithStart(incident, {
      workflowId: handle.workflowId,
      taskQueue: taskQueues.remediation,
      args: [{ alert, policy, governor: { flap, approval, waitSeconds } }],
      signal: observe,
      // the lines are in the arguments already
      signalArgs: [{ ...alert, lines: [] }],
      staticSummary: alert.summary,
      typedSearchAttributes: [
        { key: attributes.kind, value: 'incident' },
        { key: attributes.state, value: 'confirming' },
        { key: attributes.policy, value: policy.name },
        { key: attributes.target, value: alert.entity.host },
        { key: attributes.alertKeys, value: [alert.key] },
      ],
    })
    return 'opened'
  }

  function remember(key: string) {
    ended.delete(key)
    ended.add(key)
    for (const oldest of ended) if (ended.size > rememberedEnds) ended.delete(oldest)
  }

  /** What is said of the same incident at the same moment is taken in turn, so that only one of them has opened it. */
  async function inTurn(alert: Alert): Promise<Receipt> {
    const id = incidentId(alert.policy, alert.entity)
    const mine = (turns.get(id) ?? Promise.resolve()).then(() => throughEngine(client, () => report(alert)))
    const over = mine.then(
      () => undefined,
      () => undefined,
    )
    turns.set(id, over)
    try {
      return await mine
    } finally {
      if (turns.get(id) === over) turns.delete(id)
    }
  }

  return { report: inTurn }
}

/** One open incident per policy and entity: that is what the id says. */
export const incidentId = (policy: string, { host, binary }: Entity) =>
  `incident/${policy}/${host}${binary ? `/${binary}` : ''}`

async function present<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined
    throw error
  }
}

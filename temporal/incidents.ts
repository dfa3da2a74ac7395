import { type Client, WorkflowNotFoundError } from '@temporalio/client'
import type { Alert, Entity } from '../core/alert.ts'
import { failure } from '../core/errors.ts'
import type { Policy } from '../core/policy.ts'
import { attributes } from '../core/search-attributes.ts'
import { taskQueues } from '../core/task-queues.ts'
import { incident, observe } from '../workflows/incident.ts'
import { throughEngine } from './reach.ts'

/** What became of an alert: `opened` an incident, `joined` the open one, or nothing had to be done. */
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

export function createIncidents(client: Client, policies: readonly Policy[]): Incidents {
  const byName = new Map(policies.map((policy) => [policy.name, policy]))
  const ended = new Set<string>()

  async function report(alert: Alert): Promise<Receipt> {
    const policy = byName.get(alert.policy)
    if (!policy) throw failure('CONFIG_INVALID', `no policy ${alert.policy}`)
    const handle = client.workflow.getHandle<typeof incident>(incidentId(alert.policy, alert.entity))
    const known = await present(() => handle.describe())
    if (known?.status.name === 'RUNNING') {
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
    const keys = known?.typedSearchAttributes.get(attributes.alertKeys) ?? []
    if (ended.has(alert.key) || keys.includes(alert.key)) return 'duplicate'
    await client.workflow.signalWithStart(incident, {
      workflowId: handle.workflowId,
      taskQueue: taskQueues.remediation,
      args: [{ alert, policy }],
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

  return { report: (alert) => throughEngine(client, () => report(alert)) }
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

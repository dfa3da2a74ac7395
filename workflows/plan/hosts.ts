import { ParentClosePolicy, sleep, startChild } from '@temporalio/workflow'
import { ownReasonOf, planRunbook } from '../../core/cloud-plan.ts'
import { messageOf } from '../../core/errors.ts'
import type { LeaseGrounds, Target } from '../../core/governor.ts'
import { attributes } from '../../core/search-attributes.ts'
import { withLease } from '../lease.ts'
import { quick } from '../steps.ts'
import type { PlanLife } from './life.ts'

export interface HostsOrder {
  readonly hosts: readonly string[]
  readonly ownReason: string
  readonly grounds: LeaseGrounds
}

const longestPauseMs = 5 * 60_000

/** Enables hosts that a plan has disabled, as far as they still are for that reason; with a lease on them. */
export async function enablePlanHosts({ hosts, ownReason, grounds }: HostsOrder): Promise<void> {
  const targets = hosts.map((host): Target => `host/${host}`)
  const need = {
    runbook: planRunbook,
    targets,
    within: [],
    risk: 'service',
    expectedMs: 60_000 * hosts.length,
  } as const
  await withLease(
    need,
    grounds,
    () => undefined,
    async (safePoint) => {
      for (const host of hosts) {
        safePoint()
        await quick(`Enable ${host} again`).enableHost({ host, reason: ownReason })
      }
    },
  )
}

/**
 * Enables the hosts again that were disabled for a plan which did not empty them, or which has been taken back. Tried for
 * a day: the stop button, or a person at work on one of them, may be in the way.
 */
export async function enableAgain({ journal, times }: PlanLife, grounds: LeaseGrounds): Promise<void> {
  const { view } = journal
  const ownReason = ownReasonOf(view)
  const untilMs = Date.now() + times.enableWithinMs
  for (let pauseMs = times.lookAgainMs, told = ''; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      const { hosts } = await quick('Look which hosts are disabled for the plan').findDisabled({ reason: ownReason })
      view.disabled = [...hosts]
      if (hosts.length > 0) await inRun(view.id, { hosts, ownReason, grounds })
      view.disabled = []
      if (hosts.length > 0) journal.tell(`enabled again: ${hosts.join(', ')}`)
      return
    } catch (error) {
      const why = `cannot enable its hosts again yet: ${messageOf(error)}`
      if (told !== why) journal.tell(why)
      told = why
      if (Date.now() + pauseMs > untilMs) return journal.tell('gives up enabling its hosts again: a person has to')
      await sleep(pauseMs)
    }
  }
}

async function inRun(id: string, order: HostsOrder): Promise<void> {
  const run = await startChild(enablePlanHosts, {
    workflowId: `run/plan/${id}`,
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    staticSummary: `enables ${order.hosts.length} host(s) again`,
    typedSearchAttributes: [
      { key: attributes.kind, value: 'run' },
      { key: attributes.state, value: 'running' },
      { key: attributes.runbook, value: planRunbook },
    ],
    args: [order],
  })
  await run.result()
}

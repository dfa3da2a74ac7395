import { isCancellation, ParentClosePolicy, startChild, workflowInfo } from '@temporalio/workflow'
import { messageOf } from '../../core/errors.ts'
import type { LeaseGrounds } from '../../core/governor.ts'
import { attributes } from '../../core/search-attributes.ts'
import { runsQueueBeside } from '../../core/task-queues.ts'
import { run } from '../run.ts'
import type { PlanLife } from './life.ts'

const runbook = 'sleep-host'

/**
 * Turns off the hosts that a plan has emptied, if it was asked for that: one after the other, each by a run of `sleep-host`,
 * which looks for itself whether the host may sleep. After the first that cannot be turned off the others stay on. The plan
 * is done either way: its servers were moved.
 */
export async function sleepHosts({ journal, desk }: PlanLife, grounds: LeaseGrounds): Promise<void> {
  const { view } = journal
  if (view.goal !== 'consolidate' || !view.options.powerOff) return
  const may = new Set(view.digest?.powerOff)
  for (const host of view.disabled.filter((one) => may.has(one))) {
    const stopping = desk.stopping()
    if (stopping !== undefined) return journal.tell(`${host} and what comes after it stays on: ${stopping}`)
    try {
      journal.tell(`turns ${host} off`)
      await turnOff(view.id, host, grounds)
    } catch (error) {
      // its servers were moved all the same: hosts that are off must not be opened as after a plan that was cut off
      if (isCancellation(error)) return journal.tell(`turns no further host off: cancelled in Temporal at ${host}`)
      return journal.tell(`${host} and what comes after it stays on: ${messageOf(error)}`)
    }
    view.asleep = [...(view.asleep ?? []), host]
    journal.tell(`${host} is off`)
  }
}

async function turnOff(id: string, host: string, grounds: LeaseGrounds): Promise<void> {
  const { by, why } = grounds
  const child = await startChild(run, {
    workflowId: `run/plan/${id}/sleep/${host}`,
    taskQueue: runsQueueBeside(workflowInfo().taskQueue),
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    staticSummary: `turns off ${host}, which the plan has emptied`,
    typedSearchAttributes: [
      { key: attributes.kind, value: 'run' },
      { key: attributes.state, value: 'waiting' },
      { key: attributes.runbook, value: runbook },
    ],
    args: [{ runbook, input: { host }, dryRun: false, by, why }, grounds],
  })
  await child.result()
}

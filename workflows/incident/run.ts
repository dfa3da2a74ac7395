import {
  CancellationScope,
  condition,
  isCancellation,
  ParentClosePolicy,
  startChild,
  workflowInfo,
} from '@temporalio/workflow'
import type { ErrorCode } from '../../core/catalogue.ts'
import { codeOf, failure, messageOf } from '../../core/errors.ts'
import type { Approval } from '../../core/governor.ts'
import { isKnownRung } from '../../core/policy.ts'
import { attributes } from '../../core/search-attributes.ts'
import { runsQueueBeside } from '../../core/task-queues.ts'
import { comeToAnEnd } from '../lease.ts'
import { run } from '../run.ts'
import { collectEvidence } from '../runbooks/collect-evidence.ts'
import { relieveHost } from '../runbooks/relieve-host.ts'
import { restartService } from '../runbooks/restart-service.ts'
import { nowIso } from './journal.ts'
import { missed } from './ladder.ts'
import { escalate, groundsOf, type Job, type Life, mostTries, type Phase, type Run } from './life.ts'
import { orderOf } from './other-runbook.ts'

/** The governor's last word, at the time of the lease: it may have changed since it was consulted. */
const refusals: ReadonlySet<ErrorCode> = new Set([
  ...(['STOPPED', 'TARGET_BUSY', 'TARGET_PROTECTED', 'TARGET_COOLING_DOWN', 'TARGETS_MISSING'] as const),
  ...(['FUSE_BLOWN', 'SURVEY_STALE', 'BUDGET_EXHAUSTED', 'OVERLOADED'] as const),
])
const changedMinds: ReadonlySet<ErrorCode> = new Set(['APPROVAL_NEEDED', 'OBSERVE_ONLY'])

/**
 * Runs the runbook as a child with an id of its target, so that two never work on the same one. It is not cut off when a
 * person takes the incident over: it is asked to come to an end, and ends at its next safe point.
 */
export async function act(life: Life, job: Job, approval?: Approval): Promise<Phase> {
  const { journal, desk, tries } = life
  journal.tell(`begins: ${job.sentence}`, 'acting')
  const watching = new CancellationScope()
  let begun: Run | undefined
  try {
    const child = await begin(life, job, approval)
    begun = {
      runbook: job.rung.runbook,
      workflowId: child.workflowId,
      runId: child.firstExecutionRunId,
      outcome: 'running',
      targets: [...job.need.targets],
      startedAt: nowIso(),
    }
    journal.view.runs.push(begun)
    journal.tell(`run ${begun.runId} has begun`)
    const takenOver = watching.run(async () => {
      await condition(desk.isWaiting)
      await child.signal(comeToAnEnd, { why: `${journal.view.takenOverBy ?? 'a person'} takes the incident over` })
    })
    // a run that has ended cannot be asked to
    takenOver.catch(() => undefined)
    const { summary } = await child.result()
    end(begun, 'succeeded', summary)
    journal.tell(summary, 'verifying')
    return { is: 'verify', run: begun }
  } catch (error) {
    const code = codeOf(error)
    if (isCancellation(error)) {
      if (begun) end(begun, 'failed', 'cancelled')
      throw error
    }
    const isStopped =
      code === 'GAVE_WAY' || code === 'MASS_OUTAGE' || (code && (refusals.has(code) || changedMinds.has(code)))
    if (begun) end(begun, isStopped ? 'stopped' : 'failed', messageOf(error))
    if (code && changedMinds.has(code) && ++tries.consultations <= mostTries) {
      journal.tell(`not begun: ${messageOf(error)}`)
      return { is: 'propose' }
    }
    if (code === 'MASS_OUTAGE' && ++tries.consultations <= mostTries) {
      journal.tell(`not restarted: ${messageOf(error)}`, 'confirming')
      return { is: 'confirm', afterOutage: true }
    }
    if (code === 'GAVE_WAY' && ++tries.gaveWay <= mostTries) {
      journal.tell(`the run gave way: ${messageOf(error)}`, 'planning')
      return { is: 'back-off', untilMs: Date.now() + life.options.lookAgainMs }
    }
    return isStopped ? escalate(life, error) : missed(life, error, begun)
  } finally {
    watching.cancel()
  }
}

function end(run: Run, outcome: Run['outcome'], detail: string): void {
  Object.assign(run, { outcome, detail, endedAt: nowIso() })
}

async function begin(life: Life, job: Job, approval?: Approval) {
  const { alert, policy, incidentRunId, witness } = life
  const { host } = alert.entity
  const { rung, binary, plan } = job
  const workflowId = `run/${rung.runbook}/${host}${binary ? `/${binary}` : ''}`
  const options = {
    workflowId,
    taskQueue: runsQueueBeside(workflowInfo().taskQueue),
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    staticSummary: `${rung.runbook} on ${host}`,
    typedSearchAttributes: [
      { key: attributes.kind, value: 'run' },
      { key: attributes.state, value: 'running' },
      { key: attributes.runbook, value: rung.runbook },
      { key: attributes.policy, value: policy.name },
      { key: attributes.target, value: host },
      { key: attributes.incidentRunId, value: incidentRunId },
    ],
  }
  const grounds = groundsOf(life, approval)
  try {
    if (!isKnownRung(rung)) return await startChild(run, { ...options, args: [orderOf(life, rung), grounds] })
    switch (rung.runbook) {
      case 'restart-service':
        return await startChild(restartService, {
          ...options,
          args: [{ ...rung.with, host, binary: binary ?? '', grounds }],
        })
      case 'relieve-host':
        return await startChild(relieveHost, {
          ...options,
          args: [{ host, ...rung.with, ...(plan && { plan }), grounds }],
        })
      case 'collect-evidence':
        return await startChild(collectEvidence, { ...options, args: [{ host, lines: witness.lines() }] })
    }
  } catch (error) {
    if (error instanceof Error && error.name === 'WorkflowExecutionAlreadyStartedError')
      throw failure('RUN_IN_PROGRESS', `another run of ${rung.runbook} works on ${host}`, { workflowId })
    throw error
  }
}

import {
  CancellationScope,
  defineSignal,
  isCancellation,
  ParentClosePolicy,
  setHandler,
  sleep,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { Alert } from '../core/alert.ts'
import { codeOf, failure, messageOf } from '../core/errors.ts'
import type { IncidentState, IncidentView, OpenIncident } from '../core/incident.ts'
import type { Policy } from '../core/policy.ts'
import { attributes } from '../core/search-attributes.ts'
import { publish } from './publish.ts'
import { collectEvidence } from './runbooks/collect-evidence.ts'
import { inWords, planRelief, relieveHost } from './runbooks/relieve-host.ts'
import { restartService } from './runbooks/restart-service.ts'
import { quick } from './steps.ts'
import { createWitness, type Witness } from './witness.ts'

/** Every delivery about the same entity under the same policy goes to the one incident that is open. */
export const observe = defineSignal<[Alert]>('observe')

const keptEntries = 50
const resolvedFirst = 'resolved before anything was done'

export interface IncidentOptions {
  /** How long an outage of many services is waited out before people are asked. @default 10 min */
  outagePatienceMs?: number
}

/**
 * The life of one alert on one entity: confirm → run the runbook → verify that the signal cleared and stayed clear.
 *
 * Closes without acting when the alert resolves, or is not confirmed, before the runbook starts. Runs the runbook at
 * most `policy.attempts` times, then asks people (`escalated`). Never fails: how it ended is in its view.
 */
export async function incident(
  { alert, policy }: OpenIncident,
  { outagePatienceMs = 600_000 }: IncidentOptions = {},
): Promise<IncidentView> {
  const view = openView(alert)
  const witness = createWitness(alert)
  const tell = (state: IncidentState, text: string) => {
    view.state = state
    view.timeline = [...view.timeline, { at: new Date().toISOString(), text }].slice(-keptEntries)
    publish(view, text)
  }
  setHandler(observe, (seen) => {
    view.signals++
    if (witness.take(seen)) upsertSearchAttributes([{ key: attributes.alertKeys, value: [...witness.keys] }])
  })

  try {
    tell('confirming', alert.summary)
    const doubt = await doubts(policy, alert, witness, outagePatienceMs, (text) => tell('confirming', text))
    if (doubt) {
      end(view, { detail: doubt })
      tell('closed', doubt)
      return view
    }
    for (let attempt = 1; ; attempt++) {
      tell('acting', `runbook ${policy.runbook}, attempt ${attempt} of ${policy.attempts}`)
      try {
        const done = await run(policy, alert, view, witness, (text) => tell('acting', text))
        if (done === undefined) {
          end(view, { detail: resolvedFirst })
          tell('closed', resolvedFirst)
          return view
        }
        tell('verifying', done)
        const proof = await verify(policy, alert, witness)
        end(view, { detail: proof })
        tell('closed', proof)
        return view
      } catch (error) {
        if (isCancellation(error) || attempt >= policy.attempts) throw error
        tell('acting', `attempt ${attempt} did not help: ${messageOf(error)}`)
      }
    }
  } catch (error) {
    if (isCancellation(error)) {
      // a person may stop the run alone: then the incident is theirs, and it still ends by itself
      const all = CancellationScope.current().consideredCancelled
      const sentence = `${all ? '' : 'its run was '}cancelled by a person in Temporal`
      end(view, { detail: sentence })
      tell('closed', sentence)
      if (all) throw error
      return view
    }
    end(view, { code: codeOf(error) ?? 'INTERNAL', detail: messageOf(error) })
    tell('escalated', `people are needed: ${messageOf(error)}`)
    return view
  }
}

/**
 * The second, independent look before anything is done; a sentence when it says no. While too many services look down
 * at once it looks again and again: that passes, or people are needed.
 */
async function doubts(
  policy: Policy,
  alert: Alert,
  witness: Witness,
  outagePatienceMs: number,
  tell: (text: string) => void,
): Promise<string | undefined> {
  if (policy.kind !== 'binary') return witness.firing() ? undefined : resolvedFirst
  const { host, binary = policy.when.binary } = alert.entity
  const patienceEndsMs = Date.now() + outagePatienceMs
  let told = ''
  for (let waitMs = policy.confirmAfterSeconds * 1000; ; waitMs = Math.max(5_000, waitMs)) {
    await sleep(waitMs)
    if (!witness.firing()) return resolvedFirst
    const seen = await quick(`Look again at ${binary} on ${host}`).lookAtService({ host, binary })
    if (seen.state === 'up') return 'not confirmed: a second look found the service up'
    if (seen.forcedDown || seen.status === 'disabled')
      return `not confirmed: the service is ${seen.forcedDown ? 'forced down' : 'disabled'}, so somebody is at work on it`
    const { up, down } = seen.company
    // a message bus, a database or a clock that fails looks like this; restarting services would only add to it
    if (down < 2 || down < up) return undefined
    const outage = `${down} of ${up + down} ${binary} look down at once: hardly the fault of this one`
    if (Date.now() > patienceEndsMs) throw failure('MASS_OUTAGE', outage, { host, up, down })
    if (told !== outage) tell(`waiting: ${outage}`)
    told = outage
  }
}

/**
 * Runs the runbook as a child with an id of its target, so that two never work on the same one. Returns what it did;
 * undefined when the alert ended before it had begun.
 */
async function run(
  policy: Policy,
  alert: Alert,
  view: IncidentView,
  witness: Witness,
  tell: (text: string) => void,
): Promise<string | undefined> {
  const { host } = alert.entity
  const binary = alert.entity.binary ?? (policy.kind === 'binary' ? policy.when.binary : undefined)
  const workflowId = `run/${policy.runbook}/${host}${binary ? `/${binary}` : ''}`
  const options = {
    workflowId,
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    staticSummary: `${policy.runbook} on ${host}`,
    typedSearchAttributes: [
      { key: attributes.kind, value: 'run' },
      { key: attributes.state, value: 'running' },
      { key: attributes.runbook, value: policy.runbook },
      { key: attributes.policy, value: policy.name },
      { key: attributes.target, value: host },
      { key: attributes.incidentRunId, value: workflowInfo().runId },
    ],
  }
  // the plan is the incident's: what is going to be done is known, and can be judged, before a run is begun
  const plan = policy.kind === 'gauge' ? await planRelief({ host, ...policy.with }) : undefined
  if (plan) tell(inWords(plan))
  // only a plan takes long enough for the alert to end meanwhile
  if (plan && !witness.firing()) return undefined
  const start = () => {
    switch (policy.kind) {
      case 'binary':
        return startChild(restartService, {
          ...options,
          args: [{ host, binary: binary ?? policy.when.binary, ...policy.with }],
        })
      case 'gauge':
        return startChild(relieveHost, { ...options, args: [{ host, ...policy.with, ...(plan && { plan }) }] })
      case 'tailable':
        return startChild(collectEvidence, { ...options, args: [{ host, lines: witness.lines() }] })
    }
  }
  let child: Awaited<ReturnType<typeof start>>
  try {
    child = await start()
  } catch (error) {
    if (error instanceof Error && error.name === 'WorkflowExecutionAlreadyStartedError')
      throw failure('RUN_IN_PROGRESS', `another run of ${policy.runbook} works on ${host}`, { workflowId })
    throw error
  }
  const record: IncidentView['runs'][number] = {
    runbook: policy.runbook,
    workflowId,
    runId: child.firstExecutionRunId,
    outcome: 'running',
  }
  view.runs.push(record)
  tell(`run ${child.firstExecutionRunId} has begun`)
  try {
    const { summary } = await child.result()
    record.outcome = 'succeeded'
    record.detail = summary
    return summary
  } catch (error) {
    record.outcome = 'failed'
    record.detail = isCancellation(error) ? 'cancelled' : messageOf(error)
    throw error
  }
}

/** Success is not that the runbook ended but that the signal cleared and stayed clear. Returns the proof. */
async function verify(policy: Policy, alert: Alert, witness: Witness): Promise<string> {
  const { host } = alert.entity
  switch (policy.kind) {
    case 'binary': {
      const { binary = policy.when.binary } = alert.entity
      const seen = await quick(`Look a last time at ${binary} on ${host}`).lookAtService({ host, binary })
      if (seen.state === 'up') return `${binary} on ${host} is up and stayed up for ${policy.with.stableSeconds} s`
      throw failure('SERVICE_STILL_DOWN', `${binary} on ${host} is down again`, { host })
    }
    case 'gauge': {
      const { clearWithinSeconds, stableSeconds } = policy
      if (await witness.cleared(clearWithinSeconds * 1000, stableSeconds * 1000))
        return `the alert on ${host} resolved and stayed resolved for ${stableSeconds} s`
      throw failure('SIGNAL_NOT_CLEARED', `the alert on ${host} did not resolve within ${clearWithinSeconds} s`, {
        host,
      })
    }
    case 'tailable': {
      await witness.quiet(policy.silentAfterSeconds * 1000)
      return `the log of ${policy.when.component} on ${host} has been quiet for ${policy.quietSeconds} s`
    }
  }
}

function openView({ policy, entity, summary, source }: Alert): IncidentView {
  const openedAt = new Date().toISOString()
  return { policy, ...entity, state: 'confirming', summary, source, openedAt, signals: 0, runs: [], timeline: [] }
}

function end(view: IncidentView, reason: NonNullable<IncidentView['reason']>): void {
  view.reason = reason
  view.endedAt = new Date().toISOString()
}

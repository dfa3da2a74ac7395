import type { ScheduledAction } from '../core/action.ts'
import type { Activities, UsedDelegation } from '../core/activities.ts'
import {
  type Attachment,
  type AuditEvent,
  type AuditedExecution,
  type Ending,
  type Initiator,
  masked,
  type Recorded,
  type Resource,
  type SideEffect,
  sideEffects,
  unknownPerson,
  userType,
} from '../core/audit.ts'
import { catalogue } from '../core/catalogue.ts'
import type { Delegation, DelegationView } from '../core/delegation.ts'
import type { LeaseGrounds } from '../core/governor.ts'
import type { StopState } from '../core/stop.ts'
import { type Command, commandOf } from './audit-commands.ts'

/** An event with what puts it in order: later keys are later, an intent comes before its outcome. */
export interface Keyed {
  readonly key: string
  readonly event: AuditEvent
}

const observer: Resource = { id: 'steward', typeURI: 'service/oss', name: 'Steward' }

/**
 * Tells the history of one workflow as audit events, two for each act. Pure. Bodies, messages and trust ids are left
 * out: of what was sent only names of fields are told, of a failure only its code.
 */
export function auditEventsOf(execution: AuditedExecution, records: readonly Recorded[]): Keyed[] {
  const [first] = records.find(({ what }) => what === 'start')?.input ?? []
  return records.flatMap((record) => {
    const act = actOf(execution, record, first)
    return act ? pairOf(execution, record, act) : []
  })
}

/** One thing done, before it is put into CADF's words. */
interface Act extends Command {
  readonly ending?: Ending
  /** What was only known afterwards. */
  readonly learnt?: Partial<Attachment>
  readonly rights?: Pick<Initiator, 'credential' | 'onBehalfOf'>
}

function actOf(execution: AuditedExecution, record: Recorded, first: unknown): Act | undefined {
  switch (record.what) {
    case 'activity':
      return activityOf(execution, record, first)
    case 'start':
      return record.name === 'began' ? beginningOf(execution, record) : undefined
    case 'update':
    case 'signal': {
      const command = commandOf(execution, record, ownerOf(execution, first))
      // a signal that the engine has taken is done; an update says itself how it ended
      return command && { ...command, ...(record.what === 'signal' ? done(record) : ended(record)) }
    }
    case 'cancel':
    case 'terminate': {
      // a tenant is not told names of machines
      const hand = isOfTenant(execution) ? 'unknown' : (record.identity ?? 'unknown')
      return {
        action: record.what === 'cancel' ? 'stop/cancel' : 'stop/terminate',
        initiator: { id: hand, typeURI: 'service/oss/engine', name: 'somebody in Temporal' },
        target: workflowOf(execution),
        ...done(record),
      }
    }
  }
}

const ended = ({ ending }: Recorded) => (ending ? { ending } : {})
const done = ({ at }: Recorded) => ({ ending: { at, how: 'completed' } as const })

const workflowOf = ({ workflowId, kind }: AuditedExecution): Resource => ({
  id: workflowId,
  typeURI: `service/oss/${kind}`,
})

function activityOf(execution: AuditedExecution, record: Recorded, first: unknown): Act | undefined {
  const effect = Object.hasOwn(sideEffects, record.name) ? sideEffects[record.name as keyof Activities] : 'reads'
  if (effect === 'reads' || effect === 'internal') return undefined
  const { action, target, about } = effect as SideEffect<unknown>
  const [input] = record.input
  // what cannot be decrypted any more is told as far as the engine itself knows it
  if (input === undefined)
    return { action: record.name, initiator: unknownPerson, target: workflowOf(execution), ...ended(record) }
  const { initiator, about: grounds } = behind(execution, first)
  const { delegation, ...learnt } = toldOf(record.ending?.result)
  return {
    action: action(input),
    initiator,
    target: target(input),
    about: { ...grounds, ...about?.(input) },
    learnt,
    ...(delegation && { rights: rightsOf(delegation, delegation.userId) }),
    ...ended(record),
  }
}

/** Of a result what is ours: figures and ids, never an answer's body. */
function toldOf(result: unknown): Partial<Attachment> & { delegation?: UsedDelegation } {
  const { outcome, status, requestId, host, delegation } = (result ?? {}) as Record<string, unknown>
  return {
    ...(typeof outcome === 'string' && { result: outcome }),
    ...(typeof status === 'number' && { status }),
    ...(typeof requestId === 'string' && { requestId }),
    ...(typeof host === 'string' && { to: host }),
    ...(typeof delegation === 'object' && delegation !== null && { delegation: delegation as UsedDelegation }),
  }
}

const rightsOf = (used: Delegation, userId: string): Pick<Initiator, 'credential' | 'onBehalfOf'> => ({
  credential:
    'trustId' in used
      ? { type: 'trust', token: masked(used.trustId) }
      : { type: 'application-credential', token: masked(used.applicationCredential.id) },
  onBehalfOf: { id: userId, typeURI: userType },
})

/** Who is behind what a workflow does, and why it does it. */
function behind(execution: AuditedExecution, first: unknown): { initiator: Initiator; about?: Partial<Attachment> } {
  if (isOfTenant(execution) || execution.kind === 'delegation') {
    const initiator = ownerOf(execution, first)
    return { initiator: initiator ?? unknownPerson }
  }
  if (execution.kind === 'sweep') return { initiator: observer }
  const { grounds } = (first ?? {}) as { grounds?: LeaseGrounds }
  const { policy = execution.policy } = grounds ?? {}
  const about = {
    ...(grounds && { why: grounds.why }),
    ...(grounds?.approval && { planId: grounds.approval.planId, approvedBy: grounds.approval.by }),
  }
  if (policy !== undefined)
    return { initiator: { id: `policy/${policy}`, typeURI: 'service/oss/policy', name: policy }, about }
  return { initiator: { ...unknownPerson, name: grounds?.by ?? 'somebody in Temporal' }, about }
}

/** What people of projects have made, with rights of their own. */
const isOfTenant = ({ kind }: AuditedExecution) => kind === 'action' || kind === 'recurring-action'

/** Whose rights an action or a delegation uses, from the input its workflow began with. */
function ownerOf(execution: AuditedExecution, first: unknown): Initiator | undefined {
  const { kind } = execution
  if (typeof first !== 'object' || first === null) return undefined
  if (isOfTenant(execution)) {
    const used = first as ScheduledAction
    const { userId, projectId } = used.view
    return { id: userId, typeURI: userType, project_id: projectId, ...rightsOf(used, userId) }
  }
  if (kind !== 'delegation') return undefined
  const { trustorUserId, trustorName, projectId, trustId } = first as DelegationView
  return {
    ...{ id: trustorUserId, typeURI: userType, name: trustorName, project_id: projectId },
    ...rightsOf({ trustId }, trustorUserId),
  }
}

/** What is done by beginning the workflow. */
function beginningOf(execution: AuditedExecution, record: Recorded): Act | undefined {
  const [first] = record.input
  const target = workflowOf(execution)
  const owner = ownerOf(execution, first)
  if (owner) return { action: `create/${execution.kind}`, initiator: owner, target, ...done(record) }
  if (execution.kind !== 'stop') return undefined
  const { by, userId, why } = (first ?? {}) as Partial<StopState>
  const initiator = { id: userId ?? 'unknown', typeURI: userType, ...(by !== undefined && { name: by }) }
  return { action: 'disable', initiator, target, ...(why !== undefined && { about: { why } }), ...done(record) }
}

function pairOf(execution: AuditedExecution, record: Recorded, act: Act): Keyed[] {
  const { workflowId, runId, incidentId, policy, runbook, host } = execution
  const { ending, about, learnt, rights, action, initiator, target } = act
  const id = `steward:${runId}/${record.eventId}`
  const known: Attachment = {
    workflowId,
    runId,
    globalRequestId: `req-${runId}`,
    ...(incidentId !== undefined && { incidentId }),
    ...(policy !== undefined && { policy }),
    ...(runbook !== undefined && { runbook }),
    ...(host !== undefined && { host }),
    ...about,
  }
  const event = (
    eventTime: string,
    outcome: AuditEvent['outcome'],
    content: Attachment,
    code?: string,
  ): AuditEvent => ({
    typeURI: 'http://schemas.dmtf.org/cloud/audit/1.0/event',
    id,
    eventType: 'activity',
    eventTime,
    action,
    outcome,
    initiator: outcome === 'pending' ? initiator : { ...initiator, ...rights },
    target,
    observer,
    ...(code !== undefined && {
      reason: { reasonCode: code, reasonType: 'urn:steward:error', ...(policy !== undefined && { policy }) },
    }),
    attachments: [{ name: 'steward', typeURI: 'urn:steward:audit', content }],
  })
  const keyed = (phase: number, made: AuditEvent): Keyed => ({
    key: `${made.eventTime} ${runId} ${String(record.eventId).padStart(8, '0')} ${phase}`,
    event: made,
  })
  const intent = keyed(0, event(record.at, 'pending', known))
  if (!ending) return [intent]
  const { outcome, code } = outcomeOf(ending)
  const { attempts = 1 } = ending
  const content = { ...known, ...learnt, ...(attempts > 1 && { attempts }) }
  // a clock that was set back must not turn the order round
  const at = ending.at.localeCompare(record.at) < 0 ? record.at : ending.at
  return [intent, keyed(1, event(at, outcome, content, code))]
}

function outcomeOf({ how, code }: Ending): { outcome: AuditEvent['outcome']; code?: string } {
  if (how === 'completed') return { outcome: 'success' }
  if (how === 'lost') return { outcome: 'unknown', code: 'OUTCOME_UNKNOWN' }
  // an error nobody thought of may have come after the deed
  if (code === undefined || !Object.hasOwn(catalogue, code)) return { outcome: 'unknown', code: 'INTERNAL' }
  return { outcome: unclear.has(code) ? 'unknown' : 'failure', code }
}

const unclear: ReadonlySet<string> = new Set(['OUTCOME_UNKNOWN', 'SSH_OUTCOME_UNKNOWN', 'SSH_CONNECTION_LOST'])
